"""Starts and stops one agent of either program, on loopback ports of its own."""

import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

from . import binaries, httpraw

NODE = "compat-node"
NODE_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
PORTS = ["http", "dns", "grpc", "serf_lan", "serf_wan", "server"]
_taken = set()
_lock = threading.Lock()


class StartError(Exception):
    """The agent did not come up; carries the end of its log."""


class SanitizerError(Exception):
    """What a sanitizer found in a process of a test, or one that did not end."""


def _free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def choose_ports():
    """Free five-digit ports below the ephemeral range, so that they are replaced alike and never taken by a client."""
    with _lock:
        for _ in range(200):
            base = random.randrange(23000, 32000, 10)
            if base not in _taken and all(_free(base + n) for n in range(len(PORTS) + 2)):
                _taken.add(base)
                return {name: base + n for n, name in enumerate(PORTS)} | {"spare": base + 6, "spare2": base + 7}
    raise StartError("no free ports")


def release_ports(ports):
    with _lock:
        _taken.discard(ports["http"])


class Agent:
    """One agent process: mode dev, durable (one server with a data folder) or client, with extra config and flags."""

    def __init__(self, binary, folder, ports, mode="dev", flags=(), files=()):
        self.binary, self.folder, self.ports, self.mode = binary, folder, ports, mode
        self.flags, self.files = list(flags), list(files)
        self.process = None
        self.log = os.path.join(folder, "agent.log")
        self.http = f"127.0.0.1:{ports['http']}"

    def command(self):
        p = self.ports
        conf = os.path.join(self.folder, "conf")
        os.makedirs(conf, exist_ok=True)
        for name, text in self.files:
            with open(os.path.join(conf, name), "w", encoding="utf-8") as file:
                file.write(text)
        line = [self.binary, "agent", f"-node={NODE}", f"-node-id={NODE_ID}", "-datacenter=dc1",
                f"-http-port={p['http']}", f"-dns-port={p['dns']}", f"-serf-lan-port={p['serf_lan']}",
                f"-serf-wan-port={p['serf_wan']}", f"-server-port={p['server']}"]
        if self.mode == "dev":
            line += ["-dev", f"-grpc-port={p['grpc']}"]
        else:
            line += ["-bind=127.0.0.1", f"-data-dir={os.path.join(self.folder, 'data')}",
                     "-hcl=disable_update_check=true"]
            if self.mode == "durable":
                line += ["-server", "-bootstrap-expect=1", "-hcl=performance { raft_multiplier = 1 }"]
        return line + self.flags + [f"-config-dir={conf}"]

    def start(self, timeout=20):
        environment = binaries.environment(self.folder)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        deadline = time.monotonic() + binaries.patience(timeout)
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise StartError(f"{self.binary} exited with {self.process.returncode}:\n{self.tail()}")
            if self._ready():
                return
            time.sleep(0.05)
        self.stop()
        raise StartError(f"{self.binary} is not ready after {timeout} s:\n{self.tail()}")

    def _get(self, path):
        return httpraw.request(self.http, "GET", path, [("X-Consul-Token", "root")], None, 5)

    def _ready(self):
        """The leader knows this node, its health and its addresses, so that nothing more changes by itself."""
        try:
            if self.mode == "client":
                return self._get("/v1/agent/self").status.startswith("HTTP/1.1 200")
            if self._get("/v1/status/leader").body in (b'""', b""):
                return False
            node = json.loads(self._get(f"/v1/catalog/node/{NODE}").body or b"null")
            if not node or not (node["Node"]["TaggedAddresses"] or {}).get("wan"):
                return False
            checks = json.loads(self._get(f"/v1/health/node/{NODE}").body or b"null")
            healthy = any(one["CheckID"] == "serfHealth" and one["Status"] == "passing" for one in checks or [])
            return healthy and "consul" in node["Services"]
        except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError):
            return False

    def last_index(self):
        """The highest index that the catalog shows now."""
        paths = ("/v1/catalog/nodes", "/v1/catalog/services", "/v1/health/state/any", "/v1/session/list")
        return max(int(self._get(path).header("X-Consul-Index") or 1) for path in paths)

    def tail(self, size=3000):
        with open(self.log, "rb") as file:
            return file.read()[-size:].decode("utf-8", "replace")

    def send(self, number):
        os.kill(self.process.pid, number)

    def wait(self, timeout=20):
        """The exit code, or None when it still runs."""
        try:
            return self.process.wait(binaries.patience(timeout))
        except subprocess.TimeoutExpired:
            return None

    def stop(self, number=signal.SIGKILL):
        """Ends it and whatever it started (its own process group)."""
        if self.process is None:
            return None
        code = None
        if self.process.poll() is None and number != signal.SIGKILL:
            self.send(number)
            code = self.wait()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(10)
        return code

    def end(self):
        """Ends it for good. A sanitizer build is asked, so that it says what it leaked, and what it said is an error."""
        if not binaries.sanitized() or self.process is None or self.binary != binaries.praetor():
            self.stop()
            return
        running = self.process.poll() is None
        code = self.stop(signal.SIGTERM)
        if report := binaries.reports(self.process.pid):
            raise SanitizerError(f"exit {self.process.returncode}\n{report[:6000]}")
        if running and code is None:
            raise SanitizerError(f"did not end after SIGTERM:\n{self.tail()}")
