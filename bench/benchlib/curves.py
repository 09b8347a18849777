"""Curves: how a figure moves as the state or the load grows. Each function yields rows of a table for one program."""

import contextlib
import http.client
import json
import re
import socket
import subprocess
import tempfile
import threading
import time

from benchlib import load

LATENCY_LUA = """
local body = string.rep("x", 100)
local n = 0
request = function()
  n = n + 1
  return wrk.format("PUT", "/v1/kv/latency/" .. n % 10000, nil, body)
end
done = function(summary, latency, requests)
  io.write(string.format("p50=%d p99=%d p999=%d errors=%d\\n", latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9), summary.errors.status + summary.errors.read + summary.errors.timeout))
end
"""


def put_latency(server, connections, seconds):
    """(PUTs a second, p50, p99, p99.9 in ms) of so many connections, each of which waits for its answer."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", dir=server.folder) as script:
        script.write(LATENCY_LUA)
        script.flush()
        out = subprocess.run([load.peer("wrk"), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s",
                              script.name, f"http://127.0.0.1:{server.ports['http']}"],
                             capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    found = re.search(r"p50=(\d+) p99=(\d+) p999=(\d+) errors=(\d+)", out)
    if int(found[4]):
        raise RuntimeError(f"{server.program}: {found[4]} PUTs failed")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    return (rate, *(int(found[n]) / 1000 for n in (1, 2, 3)))


def _register_services(server, first, last):
    """Services s<first> .. s<last - 1>, a hundred on a node, 60 a transaction."""
    for node in range(first // 100, (last + 99) // 100):
        server.put("/v1/catalog/register", {"Node": f"n{node}", "Address": "10.2.0.1"})
    for start in range(first, last, 60):
        operations = [{"Service": {"Verb": "set", "Node": f"n{n // 100}",
                                   "Service": {"ID": f"s{n}", "Service": f"s{n}", "Port": 8000}}}
                      for n in range(start, min(start + 60, last))]
        server.put("/v1/txn", operations)


def services(server, scale):
    """Reads of one service while the catalog grows."""
    have = 0
    for count in scale.services:
        _register_services(server, have, count)
        have = count
        name = f"s{count // 2}"
        health = load.wrk(server, f"/v1/health/service/{name}", 64, scale.seconds)
        dns = load.dnsperf(server, f"{name}.service.consul A", scale.seconds)
        yield {"services": f"{count:,}", "health, /CPU-s": f"{health['per CPU-second']:,.0f}",
               "DNS A, /CPU-s": f"{dns['per CPU-second']:,.0f}"}


def latency(server, scale):
    """PUT latency against rate: more connections, more rate."""
    for connections in (1, 4, 16, 64, 256):
        rate, p50, p99, p999 = put_latency(server, connections, scale.seconds)
        yield {"connections": str(connections), "PUT/s": f"{rate:,.0f}", "p50 ms": f"{p50:.2f}",
               "p99 ms": f"{p99:.2f}", "p99.9 ms": f"{p999:.2f}"}


def memory_keys(server, scale):
    have = 0
    for count in scale.keys:
        if count > have:
            server.load_keys(count)
            have = count
        time.sleep(2)
        yield {"keys of 99 bytes": f"{count:,}", "MiB": f"{server.memory():.1f}"}


def memory_watchers(server, scale):
    server.put("/v1/kv/watched", b"0")
    index = server.index("/v1/kv/watched")
    base = server.memory()
    for count in scale.watchers:
        watchers = load.Watchers(server, f"/v1/kv/watched?index={index}&wait=300s", count)
        try:
            watchers.settle(server)
            added = server.memory() - base
        finally:
            watchers.close()
        time.sleep(1)
        yield {"watchers": f"{count:,}", "MiB they add": f"{added:.1f}", "KiB each": f"{added * 1024 / count:.1f}"}


def history(server, scale):
    """Commit latency of one writer before and after so much was written: log compaction may not show."""
    written, value = 0, b"v" * 100_000
    connection = http.client.HTTPConnection("127.0.0.1", server.ports["http"], timeout=60)
    for goal in (0, scale.history // 4, scale.history):
        slowest = 0.0
        while written < goal:
            began = time.monotonic()
            connection.request("PUT", f"/v1/kv/history/{written // len(value) % 200}", value)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{server.program}: PUT: {answer.status}")
            slowest = max(slowest, time.monotonic() - began)
            written += len(value)
        rate, p50, p99, p999 = put_latency(server, 1, scale.seconds)
        yield {"history": f"{goal >> 20:,} MiB", "PUT/s": f"{rate:,.0f}", "p50 ms": f"{p50:.2f}", "p99 ms": f"{p99:.2f}",
               "p99.9 ms": f"{p999:.2f}", "slowest write on the way, ms": f"{slowest * 1000:.0f}"}


def quiet(server, scale):
    """Blocked queries on keys that do not exist, while others are written: how many return."""
    server.put("/v1/kv/start", b"0")
    index = server.index("/v1/kv/start")
    sockets, woken, stop = [], [], threading.Event()

    def watch(n, sock):
        at = index
        with contextlib.suppress(OSError):  # closed at the end
            while not stop.is_set():
                sock.sendall(f"GET /v1/kv/absent/{n}?index={at}&wait=120s HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
                data = sock.recv(65536)
                if not data or stop.is_set():
                    return
                woken.append(n)
                at = int(re.search(rb"X-Consul-Index: (\d+)", data)[1])

    for n in range(500):
        sock = socket.create_connection(("127.0.0.1", server.ports["http"]), 300)
        sockets.append(sock)
        threading.Thread(target=watch, args=(n, sock), daemon=True).start()
    time.sleep(1)
    before, cpu = len(woken), server.cpu()
    writer = http.client.HTTPConnection("127.0.0.1", server.ports["http"], timeout=60)
    count, began = 0, time.monotonic()
    while time.monotonic() < began + max(5, scale.seconds):
        operations = [{"KV": {"Verb": "set", "Key": f"other/{count + n}", "Value": "eA=="}} for n in range(50)]
        writer.request("PUT", "/v1/txn", json.dumps(operations))
        writer.getresponse().read()
        count += 50
        time.sleep(max(0, began + count / 1000 - time.monotonic()))
    seconds, wakes, cpu = time.monotonic() - began, len(woken) - before, server.cpu() - cpu
    stop.set()
    for sock in sockets:
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()
    yield {"absent keys watched": "500", "unrelated keys written": f"{count:,} in {seconds:.0f} s",
           "queries that returned": f"{wakes:,}", "CPU-s of the server": f"{cpu:.2f}"}


CURVES = {"services": services, "latency": latency, "memory_keys": memory_keys, "memory_watchers": memory_watchers,
          "history": history, "quiet": quiet}
