"""kill -9 loses nothing that was acknowledged."""

import http.client
import random
import threading

import pytest

from client import call, get, put, until

KILLS = {"praetor": 50, "consul": 3}  # the real one shows that the test is right; it needs seconds to come back
WRITERS = 4


class Writer(threading.Thread):
    """PUTs one new key after the other over one connection until the server goes; keeps what it was told is written."""

    def __init__(self, agent, prefix):
        super().__init__(daemon=True)
        self.port, self.prefix = agent.ports["http"], prefix
        self.acknowledged, self.sent = {}, 0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            while True:
                key, value = f"{self.prefix}/{self.sent}", f"{self.prefix} wrote {self.sent}"
                self.sent += 1
                connection.request("PUT", f"/v1/kv/{key}", body=value)
                answer = connection.getresponse()
                if answer.read().strip() == b"true" and answer.status == 200:
                    self.acknowledged[key] = value
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


def stored(agent, prefix):
    # ?consistent: a leader that has just been elected answers other reads before it has replayed its log.
    keys = call(agent, "GET", f"/v1/kv/{prefix}?keys&consistent")
    return set(keys.json()) if keys.status == 200 else set()


@pytest.mark.parametrize("program", list(KILLS))
def test_kill_under_writes(launch, binary_of, program, ports):
    """The server is killed KILLS times while writers are at it; each restart has every acknowledged write."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    acknowledged, unsure = {}, set()
    agent = launch(binary_of(program), mode="durable", ports=ports)
    for round_ in range(KILLS[program]):
        writers = [Writer(agent, f"w/{round_}/{n}") for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        wanted = chance.randrange(20, 300)
        until(lambda: sum(len(writer.acknowledged) for writer in writers), lambda count: count >= wanted)
        agent.stop()  # SIGKILL
        for writer in writers:
            writer.join(30)
            assert not writer.is_alive()
            acknowledged.update(writer.acknowledged)
            unsure.add(f"{writer.prefix}/{writer.sent - 1}")
        agent.start()
        found = stored(agent, "w/")
        lost = sorted(set(acknowledged) - found)
        assert not lost, f"seed {seed}, kill {round_ + 1}: {len(lost)} of {len(acknowledged)} lost, as {lost[:3]}"
        invented = found - set(acknowledged) - unsure
        assert not invented, f"seed {seed}, kill {round_ + 1}: keys that nobody wrote: {sorted(invented)[:3]}"
    for key in chance.sample(sorted(acknowledged), 50):
        assert call(agent, "GET", f"/v1/kv/{key}?raw&consistent").body.decode() == acknowledged[key]


def test_state_survives(launch, binary, ports):
    """Sessions, locks, indexes, catalog entries and the agent's own services are there after a kill."""
    agent = launch(binary, mode="durable", ports=ports)
    session = call(agent, "PUT", "/v1/session/create", {"Name": "holder", "TTL": "3600s"}).json()["ID"]
    assert put(agent, f"/v1/kv/lock?acquire={session}", b"mine").strip() == b"true"
    far = {"Node": "far", "Address": "10.0.0.9", "Service": {"Service": "db", "Port": 5432}}
    put(agent, "/v1/catalog/register", far)
    put(agent, "/v1/agent/service/register", {"Name": "local", "Port": 99, "Check": {"TTL": "3600s"}})
    put(agent, "/v1/agent/check/pass/service:local")
    until(lambda: [one["Service"]["Port"] for one in get(agent, "/v1/health/service/local?passing")], [99])
    before = get(agent, "/v1/kv/lock")[0]
    agent.stop()
    agent.start()
    assert get(agent, "/v1/kv/lock?consistent")[0] == before and before["Session"] == session
    assert get(agent, f"/v1/session/info/{session}")[0]["Name"] == "holder"
    assert [one["ServicePort"] for one in get(agent, "/v1/catalog/service/db")] == [5432]
    assert get(agent, "/v1/agent/services")["local"]["Port"] == 99
    until(lambda: [one["Service"]["ID"] for one in get(agent, "/v1/health/service/local")], ["local"])


@pytest.mark.parametrize("size", [0, 1, 512 * 1024])
def test_value_sizes_survive(launch, binary, ports, size):
    agent = launch(binary, mode="durable", ports=ports)
    value = random.Random(size).randbytes(size)
    assert put(agent, "/v1/kv/sized", value).strip() == b"true"
    agent.stop()
    agent.start()
    assert call(agent, "GET", "/v1/kv/sized?raw&consistent").body == value
