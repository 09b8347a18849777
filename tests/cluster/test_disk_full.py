"""A server whose disk has no room: it refuses, hands over, loses nothing acknowledged, and goes on when there is room."""

import os
import resource
import subprocess

import pytest

from compatlib.clusters import leader_of, settled

VALUE = b"v" * 250_000
PLENTY = 160  # values: more than two files of the log


class SmallDisk:
    """A data directory on a file system of its own, filled by a file."""

    def __init__(self, agent):
        os.makedirs(agent.data)
        self.agent, self.filler = agent, os.path.join(agent.data, "filler")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", agent.data], check=True)

    def fill(self):
        with open(self.filler, "wb") as file:
            free = os.statvfs(self.agent.data)
            os.posix_fallocate(file.fileno(), 0, free.f_bfree * free.f_frsize)

    def free(self):
        os.remove(self.filler)


class SmallFiles:
    """Without mounts: no file may grow, by a limit of the process."""

    def __init__(self, agent):
        self.agent = agent

    def _limit(self, size):
        hard = resource.prlimit(self.agent.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.agent.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def fill(self):
        self._limit(1 << 20)  # the agent writes its own log, too

    def free(self):
        self._limit(resource.RLIM_INFINITY)


DISKS = pytest.mark.parametrize("disk", [pytest.param(SmallDisk, marks=pytest.mark.isolated), SmallFiles])


class Values:
    """Numbered large values; knows which were acknowledged."""

    def __init__(self):
        self.count, self.kept = 0, []

    def put(self, agent):
        """The answer; the value counts when it is `true`."""
        self.count += 1
        answer = agent.call("PUT", f"/v1/kv/full/{self.count}", VALUE)
        if answer == (200, "true"):
            self.kept.append(self.count)
        return answer

    def lost(self, agent, how):
        status, text = agent.call("GET", f"/v1/kv/full/?keys&{how}")
        there = text if status == 200 else ""
        return [number for number in self.kept if f'"full/{number}"' not in there]


@DISKS
def test_a_leader_without_room_hands_over_and_comes_back(cluster, until, disk):
    disks, agents = {}, [cluster.add("praetor", f"s{number}") for number in (1, 2, 3)]
    for agent in agents:
        disks[agent] = disk(agent)
        agent.start("-server", "-bootstrap-expect=3", f"-retry-join={agents[0].address}", '-hcl=retry_interval = "1s"')
    leader = settled(agents)
    others = [agent for agent in agents if agent is not leader]
    values = Values()
    until(lambda: values.put(leader), (200, "true"))
    disks[leader].fill()
    for _ in range(PLENTY):
        until(lambda: values.put(others[0]), (200, "true"))
    until(lambda: leader_of(others), lambda found: found in others)
    assert "no room for the log" in leader.whole_log()
    assert values.lost(others[0], "consistent") == []
    assert values.lost(leader, "consistent") == []  # it asks the one that leads
    disks[leader].free()
    until(lambda: values.lost(leader, "stale"), [])
    assert "there is room for the log again" in leader.whole_log()
    # It counts again: with one of the others gone, it is the second of two.
    others[0].kill()
    until(lambda: values.put(leader), (200, "true"))
    # What it took since is on its disk.
    leader.kill()
    leader.start("-server", "-bootstrap-expect=3")
    until(lambda: values.lost(leader, "consistent"), [])


@DISKS
def test_a_single_server_without_room_says_so_and_comes_back(cluster, until, disk):
    agent = cluster.add("praetor", "one")
    small = disk(agent)
    agent.start("-server", "-bootstrap")
    values = Values()
    until(lambda: values.put(agent), (200, "true"))
    small.fill()
    until(lambda: values.put(agent)[0], 500)
    assert "no room for the log" in agent.whole_log()
    assert values.lost(agent, "stale") == []
    small.free()
    until(lambda: values.put(agent), (200, "true"))
    assert values.lost(agent, "consistent") == []
    agent.kill()
    agent.start("-server", "-bootstrap")
    until(lambda: values.lost(agent, "consistent"), [])
