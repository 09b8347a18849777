"""Three servers and a client agent of one program, all with their defaults, and the figures that need them."""

import http.client
import shutil
import statistics
import threading
import time

from compatlib import clusters, waiting

from .load import PUT_LUA, wrk
from .process import cpu, memory

PAUSE = 2  # seconds of a settled cluster before its next leader is killed


class Cluster:
    """A group's cluster; ends with __exit__. What is slow to measure is kept in `kept`."""

    def __init__(self, program, folder):
        self.program, self.folder, self.kept = program, folder, {}
        shutil.rmtree(folder, ignore_errors=True)
        flags = ("-hcl=disable_update_check=true", "-hcl=limits { http_max_conns_per_client = 10000 }")
        self.made = clusters.Cluster(folder, flags=flags)
        self.servers, self.client = [], None

    def start(self):
        self.servers = clusters.start_servers(self.made, [self.program] * 3)
        self.client = self.made.start(self.program, "client", f"-retry-join={self.servers[0].address}")
        self.settle()
        waiting.until(lambda: clusters.write(self.client, "ready", "yes"), True, 60)
        waiting.until(lambda: self.client.call("GET", "/v1/health/node/client")[1], lambda text: "serfHealth" in text, 60)

    def settle(self):
        """The leader, when all agree on it and have what was written last."""
        leader = clusters.settled(self.servers, 90)
        value = str(time.monotonic())
        waiting.until(lambda: clusters.write(leader, "settled", value), True, 60)
        for agent in self.servers:
            waiting.until(lambda agent=agent: agent.call("GET", "/v1/kv/settled?raw&stale"), (200, value), 60)
        return leader

    def __exit__(self, *_):
        self.made.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Target:
    """What wrk() loads: one agent; the processor time is that of all servers."""

    def __init__(self, cluster, agent):
        self.program, self.folder, self.http = cluster.program, cluster.folder, f"{agent.client}:8500"
        self.servers = cluster.servers

    def cpu(self):
        return sum(cpu(agent.process.pid) for agent in self.servers)


def put(through_leader, connections):
    def run(cluster, scale, _):
        leader = cluster.settle()
        follower = next(agent for agent in cluster.servers if agent is not leader)
        found = wrk(Target(cluster, leader if through_leader else follower), "/", connections, scale.seconds, PUT_LUA)
        if clusters.leader_of(cluster.servers) is not leader:
            raise RuntimeError(f"{cluster.program}: the leader changed under the load")
        return found
    return run


def idle(which):
    def run(cluster, scale, _):
        if "idle" not in cluster.kept:
            leader = cluster.settle()
            agents = {"leader": leader, "client": cluster.client}
            time.sleep(5)
            began, before = time.monotonic(), {name: cpu(agent.process.pid) for name, agent in agents.items()}
            time.sleep(scale.idle)
            seconds = time.monotonic() - began
            cluster.kept["idle"] = {name: 1000 * (cpu(agent.process.pid) - before[name]) / seconds
                                    for name, agent in agents.items()}
        return cluster.kept["idle"][which]
    return run


def client_memory(cluster, _scale, _):
    time.sleep(2)
    return memory(cluster.client.process.pid)


def _one_failover(cluster):
    """Seconds from SIGKILL of the leader to the first write that was begun after it and is acknowledged."""
    leader = cluster.settle()
    time.sleep(PAUSE)
    others = [agent for agent in cluster.servers if agent is not leader]
    acknowledged, done = [], threading.Event()

    def writes(agent):
        while not done.is_set():
            connection = http.client.HTTPConnection(agent.client, 8500, timeout=60)
            try:
                connection.request("PUT", "/v1/kv/failover", b"x")
                answer = connection.getresponse()
                if (answer.status, answer.read()) == (200, b"true"):
                    acknowledged.append(time.monotonic())
                    done.set()
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(0.005)

    leader.kill()
    began = time.monotonic()
    threads = [threading.Thread(target=writes, args=(agent,), daemon=True) for agent in others]
    for thread in threads:
        thread.start()
    if not done.wait(120):
        raise RuntimeError(f"{cluster.program}: no write two minutes after the leader was killed")
    for thread in threads:
        thread.join(70)
    leader.start("-server", "-bootstrap-expect=3")
    return min(acknowledged) - began


def failover(pick):
    def run(cluster, scale, _):
        if "failover" not in cluster.kept:
            count = scale.kills if cluster.program == "praetor" else min(3, scale.kills)
            cluster.kept["failover"] = [_one_failover(cluster) for _ in range(count)]
        return pick(cluster.kept["failover"])
    return run


MEDIAN, WORST = failover(statistics.median), failover(max)
