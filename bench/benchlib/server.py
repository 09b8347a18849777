"""A server under load: one process of either program, its CPU time and memory, requests to it."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time

from compatlib import agents

from . import process


class Server(agents.Agent):
    """mode durable: one server with a data folder, defaults otherwise; dev: in memory. Ends with the `with` block."""

    def __init__(self, program, binary, folder, mode="durable"):
        self.program = program
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        flags = ["-hcl=limits { http_max_conns_per_client = 10000 }"]
        super().__init__(binary, folder, agents.choose_ports(), mode, flags)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        agents.release_ports(self.ports)
        shutil.rmtree(self.folder, ignore_errors=True)

    def launch(self):
        """Starts it without waiting; the moment before exec. No GOMAXPROCS here: Consul may use every core."""
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder}
        command = self.command()
        with open(self.log, "ab") as log:
            began = time.monotonic()
            self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        return began

    def start(self, timeout=60):
        self.until_serving("/v1/catalog/nodes", lambda body: agents.NODE.encode() in body, timeout)
        deadline = time.monotonic() + timeout
        while not self._ready():
            if time.monotonic() > deadline:
                raise agents.StartError(f"{self.program} is not ready:\n{self.tail()}")
            time.sleep(0.05)

    def until_serving(self, path, accept, timeout=120):
        """Starts it; the seconds from exec until GET path is 200 with a body that accept() likes."""
        began = self.launch()
        while time.monotonic() < began + timeout:
            if self.process.poll() is not None:
                raise agents.StartError(f"{self.program} exited with {self.process.returncode}:\n{self.tail()}")
            try:
                status, body = self.ask("GET", path)
                if status == 200 and accept(body):
                    return time.monotonic() - began
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.002)
        raise agents.StartError(f"{self.program} does not serve after {timeout} s:\n{self.tail()}")

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=30)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def put(self, path, payload):
        body = payload if isinstance(payload, bytes) else json.dumps(payload)
        status, text = self.ask("PUT", path, body)
        if status != 200:
            raise RuntimeError(f"{self.program}: PUT {path}: {status} {text!r}")
        return text

    def index(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return int(answer.headers["X-Consul-Index"])
        finally:
            connection.close()

    def cpu(self):
        return process.cpu(self.process.pid)

    def memory(self):
        return process.memory(self.process.pid)

    def load_keys(self, count, size=99):
        """Writes count keys of size bytes, 64 a transaction (the most one may have)."""
        value = "eHh4" * (size // 3)  # base64 of size bytes of x
        connection = socket.create_connection(("127.0.0.1", self.ports["http"]), 60)
        connection.close()
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=60)
        for first in range(0, count, 64):
            operations = [{"KV": {"Verb": "set", "Key": f"bench/{n:09d}", "Value": value}}
                          for n in range(first, min(first + 64, count))]
            connection.request("PUT", "/v1/txn", json.dumps(operations))
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{self.program}: /v1/txn: {answer.status} {text[:200]!r}")
        connection.close()
