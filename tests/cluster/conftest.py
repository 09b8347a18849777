"""Clusters of real processes: each agent has an address of its own in 127.0.0.0/8 and the default ports."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "compat"))

from compatlib import binaries  # noqa: E402
from compatlib.waiting import until  # noqa: E402


def path_of(program):
    path = binaries.consul() if program == "consul" else binaries.praetor()
    if not os.access(path, os.X_OK):
        pytest.skip(f"no {path}" + (": scripts/peers consul" if program == "consul" else ": scripts/build"))
    return path


class Agent:
    def __init__(self, cluster, program, name, address):
        self.cluster, self.program, self.name, self.address = cluster, program, name, address
        self.folder = os.path.join(cluster.folder, name)
        self.log = os.path.join(self.folder, "agent.log")
        self.process = None
        os.makedirs(self.folder, exist_ok=True)

    def spawn(self, *flags):
        line = [path_of(self.program), "agent", f"-node={self.name}", f"-bind={self.address}", f"-client={self.address}",
                f"-data-dir={os.path.join(self.folder, 'data')}", "-log-level=debug", "-disable-host-node-id",
                "-hcl=disable_update_check=true", *flags]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(line, cwd=self.folder, env=binaries.environment(self.folder),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                            start_new_session=True)

    def start(self, *flags, timeout=20):
        self.spawn(*flags)
        deadline = time.monotonic() + timeout
        while True:
            assert self.process.poll() is None, f"{self.name} exited:\n{self.tail()}"
            try:
                self.get("/v1/agent/self")
                return self
            except OSError:
                assert time.monotonic() < deadline, f"{self.name} does not answer:\n{self.tail()}"
                time.sleep(0.05)

    def run_to_end(self, *flags, timeout=20):
        """The exit code of an agent that ends by itself."""
        self.spawn(*flags)
        return self.process.wait(timeout)

    def call(self, method, path, body=None, timeout=30):
        """(status, text); an error status is an answer."""
        request = urllib.request.Request(f"http://{self.address}:8500{path}", data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def get(self, path):
        status, text = self.call("GET", path)
        assert status == 200, f"GET {path}: {status} {text}"
        return json.loads(text)

    def put(self, path, body=None):
        status, text = self.call("PUT", path, body)
        assert status == 200, f"PUT {path}: {status} {text}"
        return text

    def cli(self, *words, timeout=60):
        """Exit code and output of a command that asks this agent."""
        environment = binaries.environment(self.folder) | {"CONSUL_HTTP_ADDR": f"{self.address}:8500"}
        done = subprocess.run([path_of(self.program), *words], env=environment, capture_output=True, text=True,
                              timeout=timeout, check=False)
        return done.returncode, done.stdout + done.stderr

    def members(self, wan=False):
        """name -> status, as this agent sees its pool."""
        names = ["none", "alive", "leaving", "left", "failed"]
        return {one["Name"]: names[one["Status"]] for one in self.get("/v1/agent/members" + ("?wan=1" if wan else ""))}

    def events(self):
        return [one["Name"] for one in self.get("/v1/event/list")]

    def kill(self):
        self.end(signal.SIGKILL)

    def end(self, number, timeout=30):
        """The exit code after the signal."""
        if self.process is None:
            return None
        os.kill(self.process.pid, number)
        code = self.process.wait(timeout)
        self.process = None
        return code

    def tail(self, size=6000):
        with open(self.log, "rb") as file:
            return file.read()[-size:].decode("utf-8", "replace")


class Cluster:
    def __init__(self, folder):
        self.folder = folder
        self.agents = []
        self.net = self._choose_net()

    @staticmethod
    def _choose_net():
        """127.x.y of which no address has a listener on the gossip port."""
        for _ in range(100):
            net = f"127.{random.randrange(20, 250)}.{random.randrange(1, 250)}"
            with socket.socket() as probe:
                try:
                    probe.bind((f"{net}.1", 8301))
                    return net
                except OSError:
                    continue
        raise RuntimeError("no free loopback network")

    def address(self, number):
        return f"{self.net}.{number}"

    def add(self, program, name):
        agent = Agent(self, program, name, self.address(len(self.agents) + 1))
        self.agents.append(agent)
        return agent

    def start(self, program, name, *flags):
        return self.add(program, name).start(*flags)

    def close(self):
        for agent in self.agents:
            if agent.process is not None and agent.process.poll() is None:
                os.killpg(agent.process.pid, signal.SIGKILL)
                agent.process.wait(10)


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(str(tmp_path))
    yield made
    made.close()


@pytest.fixture(name="until")
def until_fixture():
    return until
