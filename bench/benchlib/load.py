"""Load: wrk for HTTP, dnsperf for DNS, and many blocked queries held by one process."""

import multiprocessing
import os
import re
import resource
import shutil
import socket
import struct
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SO_TIMESTAMPNS = 35
PUT_LUA = """
local n = 0
local body = string.rep("x", 100)
request = function()
  n = n + 1
  return wrk.format("PUT", "/v1/kv/new/" .. n, nil, body)
end
"""


def peer(name):
    path = os.path.join(TOP, "build", "peers", "bin", name)
    found = path if os.access(path, os.X_OK) else shutil.which(name)
    if not found:
        raise RuntimeError(f"no {name}: scripts/peers {name}")
    return found


def wrk(server, path, connections, seconds, lua=None):
    """Requests a second, and a CPU-second of the server. Any answer but 2xx makes the figure void: an error."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", dir=server.folder) as script:
        line = [peer("wrk"), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        if lua:
            script.write(lua)
            script.flush()
            line += ["-s", script.name]
        line.append(f"http://{server.http}{path}")
        before = server.cpu()
        out = subprocess.run(line, capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
        used = server.cpu() - before
    if bad := re.search(r"Non-2xx or 3xx responses: (\d+)", out):
        raise RuntimeError(f"{server.program}: {bad[1]} answers of {path} were errors:\n{out}")
    if bad := re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+)", out):
        if any(int(bad[n]) for n in (1, 2, 3)):
            raise RuntimeError(f"{server.program}: {bad[0]}")
    count = int(re.search(r"(\d+) requests in", out)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    return {"per second": rate, "per CPU-second": count / used if used else 0.0}


def dnsperf(server, question, seconds):
    with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=server.folder) as data:
        data.write(question + "\n")
        data.flush()
        before = server.cpu()
        out = subprocess.run([peer("dnsperf"), "-s", "127.0.0.1", "-p", str(server.ports["dns"]), "-d", data.name,
                              "-l", str(max(1, round(seconds))), "-c", "8", "-q", "128"],
                             capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
        used = server.cpu() - before
    sent = int(re.search(r"Queries sent:\s+(\d+)", out)[1])
    done = int(re.search(r"Queries completed:\s+(\d+)", out)[1])
    good = re.search(r"NOERROR (\d+)", out)
    if not good or int(good[1]) < done or done < sent * 0.99:
        raise RuntimeError(f"{server.program}: dnsperf was not answered as it should:\n{out}")
    rate = float(re.search(r"Queries per second:\s+([\d.]+)", out)[1])
    return {"per second": rate, "per CPU-second": done / used if used else 0.0}


class Answering:
    """A server that says 200 to whatever connects, in a process of its own: what HTTP checks look at."""

    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

    def __init__(self):
        self.counted = multiprocessing.Value("L", 0)
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = listener.getsockname()[1]
        self.process = multiprocessing.Process(target=self._serve, args=(listener,), daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()

    def _serve(self, listener):
        while True:
            connection, _ = listener.accept()
            with connection:
                try:
                    connection.settimeout(1)
                    connection.recv(4096)
                    connection.sendall(self.ANSWER)
                    self.counted.value += 1
                except OSError:
                    pass


class Watchers:
    """Blocked queries, one a connection. Asleep while the server answers: the kernel stamps when each answer came."""

    def __init__(self, server, path, count):
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < count + 100:
            raise RuntimeError(f"ulimit -n is too low for {count} watchers")
        self.sockets = []
        request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", server.ports["http"]), 30)
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            sock.sendall(request)
            self.sockets.append(sock)

    def settle(self, server, seconds=60):
        """Until the server has gone quiet: it has read every query. An answer that is already there is an error."""
        deadline, before = time.monotonic() + seconds, server.cpu()
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = server.cpu()
            if now - before < 0.03:
                break
            before = now
        for sock in self.sockets:
            sock.setblocking(False)
            try:
                data = sock.recv(1, socket.MSG_PEEK)
                raise RuntimeError(f"{server.program}: a query that should block was answered ({data!r}...)")
            except BlockingIOError:
                pass

    def arrivals(self, timeout=10):
        """The times (ns since the epoch) at which the answers came; every one has to."""
        found, deadline = [], time.monotonic() + timeout
        for sock in self.sockets:
            sock.settimeout(max(0.01, deadline - time.monotonic()))
            data, extra, _, _ = sock.recvmsg(65536, 128)
            if not data.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"a watcher got {data[:60]!r}")
            stamps = [value for level, _, value in extra if level == socket.SOL_SOCKET]
            if not stamps:
                raise RuntimeError("this kernel does not stamp TCP data")
            seconds, nanoseconds = struct.unpack("qq", stamps[0][:16])
            found.append(seconds * 10**9 + nanoseconds)
        return found

    def close(self):
        for sock in self.sockets:
            sock.close()
