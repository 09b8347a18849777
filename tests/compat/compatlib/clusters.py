"""Clusters of real processes: each agent has an address of its own in 127.0.0.0/8 and the default ports."""

import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

from . import binaries, waiting

FLAGS = ("-log-level=debug", "-disable-host-node-id", "-hcl=disable_update_check=true")


class Agent:
    def __init__(self, cluster, program, name, address):
        self.cluster, self.program, self.name, self.address = cluster, program, name, address
        self.folder = os.path.join(cluster.folder, name)
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "agent.log")
        self.client = address  # where it answers HTTP and DNS
        self.wrapper = []      # what stands before its command line
        self.process = None
        os.makedirs(self.folder, exist_ok=True)

    def spawn(self, *flags):
        line = [*self.wrapper, self.cluster.find(self.program), "agent", f"-node={self.name}", f"-bind={self.address}",
                f"-client={self.client}", f"-data-dir={self.data}", *self.cluster.flags, *flags]
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
        request = urllib.request.Request(f"http://{self.client}:8500{path}", data=body, method=method)
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
        environment = binaries.environment(self.folder) | {"CONSUL_HTTP_ADDR": f"{self.client}:8500"}
        done = subprocess.run([self.cluster.find(self.program), *words], env=environment, capture_output=True, text=True,
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

    def whole_log(self):
        return self.tail(1 << 30)


class Cluster:
    """Agents in `folder`, each with `flags`; find(program) is the path of its binary."""

    def __init__(self, folder, find=binaries.path_of, flags=FLAGS):
        self.folder, self.find, self.flags = folder, find, flags
        self.agents = []
        self.net = self._choose_net()

    @staticmethod
    def _choose_net():
        """127.x.y of which no address has a listener on the gossip port."""
        for _ in range(100):
            net = f"127.{random.randrange(20, 250)}.{random.randrange(1, 240)}"
            with socket.socket() as probe:
                try:
                    probe.bind((f"{net}.1", 8301))
                    return net
                except OSError:
                    continue
        raise RuntimeError("no free loopback network")

    def address(self, number):
        more, last = divmod(number - 1, 250)  # large clusters go on in the next 127.x.y
        net, _, third = self.net.rpartition(".")
        return f"{net}.{int(third) + more}.{last + 1}"

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


def start_servers(cluster, programs, *flags):
    """As many servers as programs are named, waiting for each other."""
    first = cluster.address(len(cluster.agents) + 1)
    return [cluster.start(program, f"s{number}", "-server", f"-bootstrap-expect={len(programs)}", f"-retry-join={first}",
                          "-hcl=retry_interval = \"1s\"", *flags)
            for number, program in enumerate(programs, 1)]


def leader_of(agents):
    for agent in agents:
        status, text = agent.call("GET", "/v1/status/leader")
        address = text.strip().strip('"').rsplit(":", 1)[0]
        found = [one for one in agents if one.address == address]
        if status == 200 and found:
            return found[0]
    return None


def voters(agent):
    status, text = agent.call("GET", "/v1/operator/raft/configuration?stale")
    servers = json.loads(text)["Servers"] if status == 200 else []
    return sorted(one["Address"].rsplit(":", 1)[0] for one in servers if one["Voter"])


def settled(agents, timeout=60):
    """All agents vote and agree on one leader, which they give."""
    addresses = sorted(agent.address for agent in agents)
    for agent in agents:
        waiting.until(lambda agent=agent: voters(agent), addresses, timeout)
    for agent in agents:
        waiting.until(lambda agent=agent: leader_of([agent] + agents), lambda leader: leader is not None, timeout)
    return leader_of(agents)


def write(agent, key, value):
    """True when it was acknowledged."""
    try:
        return agent.call("PUT", f"/v1/kv/{key}", value.encode(), timeout=10) == (200, "true")
    except OSError:
        return False


class Writer(threading.Thread):
    """Writes one new key after the other through agents in turn (a list that may change); remembers what was
    acknowledged, and when."""

    def __init__(self, agents, prefix="written"):
        super().__init__(daemon=True)
        self.agents, self.prefix = agents, prefix.replace(" ", "-")
        self.acknowledged, self.times, self.over, self.marked = [], [], False, 0

    def run(self):
        number = 0
        while not self.over:
            number += 1
            agents = list(self.agents)
            if write(agents[number % len(agents)], f"{self.prefix}/{number}", str(number)):
                self.acknowledged.append(number)
                self.times.append(time.monotonic())
            time.sleep(0.005)  # the agents need the processor too

    def end(self):
        self.over = True
        self.join(30)
        return self.acknowledged

    def longest_pause(self, first=0):
        """Seconds between two acknowledged writes."""
        times = self.times[first:]
        return max((b - a for a, b in zip(times, times[1:])), default=0)

    def mark(self):
        self.marked = max(0, len(self.times) - 1)

    def since_mark(self):
        return self.longest_pause(self.marked)

    def lost(self, agent):
        """What was acknowledged and this agent does not have."""
        keys = set(agent.get(f"/v1/kv/{self.prefix}/?keys&consistent"))
        return [number for number in self.acknowledged if f"{self.prefix}/{number}" not in keys]
