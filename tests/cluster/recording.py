"""Clients that read, write and swap a few keys at random, and remember what they did and were told."""

import base64
import http.client
import json
import random
import threading
import time

from linearizable import Operation, first_misfit

PAUSE = 0.002  # seconds between two operations of a client: the agents need the processor too


class Client(threading.Thread):
    """One connection, kept alive; another server when one does not answer. Each operation on one of `keys`."""

    def __init__(self, name, servers, keys, seed):
        super().__init__(daemon=True)
        self.name, self.servers, self.keys, self.chance = name, servers, keys, random.Random(seed)
        self.done = {key: [] for key in keys}
        self.indexes = {}   # (key, value) -> ModifyIndex, as read
        self.errors, self.count, self.over, self.fault = 0, 0, False, None
        self.connection, self.at = None, seed

    def run(self):
        try:
            while not self.over:
                self._one(self.chance.choice(self.keys))
                time.sleep(PAUSE)
        except Exception as error:  # pylint: disable=broad-except  # end() says it
            self.fault = error

    def _ask(self, method, path, body=None):
        """(status, text), or None when it is not known what became of it."""
        try:
            if self.connection is None:
                self.at = (self.at + 1) % len(self.servers)
                self.connection = http.client.HTTPConnection(self.servers[self.at].client, 8500, timeout=10)
                self.connection.connect()
        except OSError:
            self.connection = None
            return 0, ""  # never sent
        try:
            self.connection.request(method, path, body)
            answer = self.connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            return None

    def _one(self, key):
        kind = self.chance.random()
        if kind < 0.5:
            self._read(key, kind < 0.25)
        else:
            self._write(key, kind > 0.8)

    def _read(self, key, consistent):
        began = time.monotonic()
        answer = self._ask("GET", f"/v1/kv/{key}" + ("?consistent" if consistent else ""))
        if answer is None or answer[0] not in (200, 404):
            self.errors += 1
            return
        value = None
        if answer[0] == 200:
            row = json.loads(answer[1])[0]
            value = row["Value"]
            self.indexes[key, value] = row["ModifyIndex"]
        self.done[key].append(Operation("read", began, time.monotonic(), value))

    def _write(self, key, swap):
        self.count += 1
        text = f"{self.name}{self.count:06d}"
        expected, path = None, f"/v1/kv/{key}"
        if swap:
            known = [one.value for one in self.done[key][-8:] if one.kind == "read" and one.value is not None]
            expected = known[-1] if known else None
            path += f"?cas={self.indexes[key, expected] if known else 0}"
        began = time.monotonic()
        answer = self._ask("PUT", path, text.encode())
        if answer is not None and answer[0] == 0:
            return
        ended, swapped = None, True
        if answer is not None and answer[0] == 200:
            ended, swapped = time.monotonic(), answer[1] == "true"
        else:
            self.errors += 1
        self.done[key].append(Operation("cas" if swap else "write", began, ended, base64.b64encode(text.encode()).decode(), expected, swapped))


class Recording:
    """Some clients at once; ends with the histories of all keys."""

    def __init__(self, servers, clients=5, keys=("x", "y", "z")):
        self.keys = [f"history/{key}" for key in keys]
        self.clients = [Client(f"{chr(97 + number)}:", servers, self.keys, number) for number in range(clients)]
        for client in self.clients:
            client.start()

    def answered(self):
        """How many operations have been answered so far."""
        return sum(len(done) for client in self.clients for done in client.done.values())

    def end(self):
        """key -> operations."""
        for client in self.clients:
            client.over = True
        for client in self.clients:
            client.join(30)
            assert not client.is_alive() and client.fault is None, client.fault
        return {key: [one for client in self.clients for one in client.done[key]] for key in self.keys}

    def longest_silence(self):
        """Seconds in which no write was acknowledged."""
        ends = sorted(one.ended for client in self.clients for done in client.done.values() for one in done
                      if one.kind != "read" and one.ended is not None)
        return max((b - a for a, b in zip(ends, ends[1:])), default=0)

    def assert_one_index_a_value(self):
        """All were told the same index of a value."""
        found = {}
        for client in self.clients:
            for key, index in client.indexes.items():
                assert found.setdefault(key, index) == index, f"{key}: {index} and {found[key]}"


def assert_linearizable(histories):
    for key, operations in histories.items():
        misfit = first_misfit(operations)
        if misfit is not None:
            near = sorted((one for one in operations if one.began < (misfit.ended or misfit.began) + 0.05
                           and (one.ended or one.began) > misfit.began - 0.2), key=lambda one: one.began)
            raise AssertionError(f"{key} is not linearizable at {misfit}; around it:\n" + "\n".join(map(str, near)))
