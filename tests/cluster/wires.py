"""A cluster whose agents each have a network of their own, on one switch whose wires can be cut. Needs @isolated."""

import contextlib
import os
import signal
import subprocess

from compatlib import clusters

NOBODY = "02:00:00:00:00:99"  # no such station: what is sent to it is lost without a word


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


class Wired(clusters.Cluster):
    """The test stands at the switch and reaches everybody at all times; agents reach each other unless they are cut."""

    def __init__(self, folder, find):
        super().__init__(folder, find)
        self.net, self.holders = "10.9.0", {}

    def add(self, program, name):
        if not self.agents:  # not before: outside of the test's namespaces fixtures are made, too
            ip("link", "add", "switch", "type", "bridge")
            ip("addr", "add", f"{self.net}.254/24", "dev", "switch")
            ip("link", "set", "switch", "up")
        agent = super().add(program, name)
        number = len(self.agents)
        # A network lives as long as a process in it: longer than an agent.
        holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo here; exec sleep 3600"], stdout=subprocess.PIPE)
        self.holders[name] = holder
        holder.stdout.readline()
        inside = ["nsenter", "-t", str(holder.pid), "-n"]
        ip("link", "add", f"wire{number}", "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid))
        ip("link", "set", f"wire{number}", "master", "switch", "up")
        for words in (["addr", "add", f"{agent.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"],
                      ["link", "set", "lo", "up"]):
            subprocess.run([*inside, "ip", *words], check=True, timeout=20)
        agent.wrapper = inside
        return agent

    def _neighbour(self, agent, other, *words):
        subprocess.run([*agent.wrapper, "ip", "neigh", *words[:1], other.address, *words[1:], "dev", "eth0"], check=True,
                       capture_output=True, timeout=20)

    def cut(self, agents, others, back=True):
        """What these send to those is lost, and what those send to these unless `back` is False."""
        for agent in agents:
            for other in others:
                self._neighbour(agent, other, "replace", "lladdr", NOBODY, "nud", "permanent")
                if back:
                    self._neighbour(other, agent, "replace", "lladdr", NOBODY, "nud", "permanent")

    def heal(self):
        for agent in self.agents:
            for other in self.agents:
                with contextlib.suppress(subprocess.CalledProcessError):  # it was not cut
                    if other is not agent:
                        self._neighbour(agent, other, "del")

    def close(self):
        super().close()
        for holder in self.holders.values():
            os.kill(holder.pid, signal.SIGKILL)
            holder.wait(10)
            holder.stdout.close()
