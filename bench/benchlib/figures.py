"""The figures: each knows how to measure itself on one program. Ratios are made in table.py."""

import json
import os
import sys
import time
from typing import Callable, NamedTuple

from . import cluster
from .load import PUT_LUA, Answering, Watchers, dnsperf, wrk
from .server import Server

CLUSTER = "cluster"
INSTANCES = 100
CHECKS = 10_000
CHECK_INTERVAL = 10  # seconds


class Scale(NamedTuple):
    seconds: float   # of load for each figure
    keys: int        # for memory and restart
    watchers: int    # blocked queries
    idle: float      # seconds of looking at an idle cluster
    kills: int       # of leaders; at most three of Consul's


class Figure(NamedTuple):
    name: str
    title: str
    unit: str
    more: bool       # more is better
    goal: str        # against Consul: "3x" more, "1/4" of it; or a bound as "<= 0.5"
    group: str       # figures of one group share a server; those of CLUSTER three and a client agent
    run: Callable


REGISTER_LUA = """
local n = 0
request = function()
  n = n + 1
  local body = '{"Name":"s' .. n .. '","Port":8000,"Check":{"TTL":"600s"}}'
  return wrk.format("PUT", "/v1/agent/service/register", nil, body)
end
"""


def kv_get(server, scale, _):
    server.put("/v1/kv/foo", b"bar")
    return wrk(server, "/v1/kv/foo", 64, scale.seconds)


def _register_many(server):
    """INSTANCES of the service `many`, each on a node of its own with a check of the node and one of the service."""
    if server.ask("GET", "/v1/catalog/service/many")[1].strip() not in (b"[]", b""):
        return
    for n in range(INSTANCES):
        node = f"node-{n:03d}"
        checks = [{"Node": node, "CheckID": "serfHealth", "Name": "Serf Health Status", "Status": "passing"},
                  {"Node": node, "CheckID": "service:many", "Name": "many answers", "Status": "passing",
                   "ServiceID": "many", "Output": "HTTP GET http://10.0.0.1:8000/health: 200 OK"}]
        server.put("/v1/catalog/register", {"Node": node, "Address": f"10.0.0.{n + 1}", "Checks": checks,
                                            "Service": {"Service": "many", "Port": 8000, "Tags": ["v1", "blue"]}})


def health(server, scale, _):
    _register_many(server)
    found = len(json.loads(server.ask("GET", "/v1/health/service/many")[1]))
    if found != INSTANCES:
        raise RuntimeError(f"{server.program}: {found} instances, not {INSTANCES}")
    return wrk(server, "/v1/health/service/many", 64, scale.seconds)


def kv_put(server, scale, _):
    return wrk(server, "/", 64, scale.seconds, PUT_LUA)


def register(server, scale, _):
    return wrk(server, "/", 8, scale.seconds, REGISTER_LUA)


def _dns(kind):
    def run(server, scale, _):
        for n in (1, 2, 3):
            server.put("/v1/catalog/register", {"Node": f"dns-{n}", "Address": f"10.1.0.{n}",
                                                "Service": {"Service": "web", "Port": 8000 + n}})
        return dnsperf(server, f"web.service.consul {kind}", scale.seconds)
    return run


def fan_out(server, scale, _):
    server.put("/v1/kv/fan", b"0")
    best = []
    for turn in range(3):
        index = server.index("/v1/kv/fan")
        watchers = Watchers(server, f"/v1/kv/fan?index={index}&wait=300s", scale.watchers)
        try:
            watchers.settle(server)
            began = time.time_ns()
            server.put("/v1/kv/fan", str(turn + 1).encode())
            time.sleep(1)
            best.append((max(watchers.arrivals()) - began) / 1e6)
        finally:
            watchers.close()
    return sorted(best)[1]


def memory_watchers(server, scale, _):
    """What the watchers add."""
    _register_many(server)
    time.sleep(1)
    before = server.memory()
    index = server.index("/v1/health/service/many")
    watchers = Watchers(server, f"/v1/health/service/many?index={index}&wait=300s", scale.watchers)
    try:
        watchers.settle(server)
        return server.memory() - before
    finally:
        watchers.close()


def memory_idle(server, _scale, _):
    time.sleep(2)
    return server.memory()


def memory_keys(server, scale, _):
    server.load_keys(scale.keys)
    time.sleep(2)
    return server.memory()


def restart(server, scale, _):
    """Killed, not asked; until it answers for the last key that was written."""
    last = f"/v1/kv/bench/{scale.keys - 1:09d}?raw&consistent"
    if server.ask("GET", last)[0] != 200:
        server.load_keys(scale.keys)
    server.stop()
    return server.until_serving(last, lambda body: len(body) == 99)


def checks(_server, _scale, make):
    """Share of one core that CHECKS HTTP checks need, all of them passing, over three of their intervals."""
    with Answering() as target:
        settings = [{"id": f"c{n}", "name": f"c{n}", "http": f"http://127.0.0.1:{target.port}/{n}",
                     "interval": f"{CHECK_INTERVAL}s"} for n in range(CHECKS)]
        server = make("durable")
        server.files = [("checks.json", json.dumps({"checks": settings}))]
        try:
            server.start()
            deadline = time.monotonic() + 20 * CHECK_INTERVAL
            while len(json.loads(server.ask("GET", "/v1/health/state/passing")[1])) < CHECKS:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{server.program}: the checks do not all pass")
                time.sleep(1)
            began, cpu, answered = time.monotonic(), server.cpu(), target.counted.value
            time.sleep(3 * CHECK_INTERVAL)
            seconds = time.monotonic() - began
            used, runs = server.cpu() - cpu, target.counted.value - answered
        finally:
            server.__exit__()
    if runs < CHECKS * seconds / CHECK_INTERVAL * 0.9:
        raise RuntimeError(f"{server.program}: only {runs} checks ran in {seconds:.0f} s")
    return 100 * used / seconds


def dev_start(_server, _scale, make):
    times = []
    for _ in range(3):
        server = make("dev")
        try:
            times.append(server.until_serving("/v1/catalog/nodes", lambda body: b"compat-node" in body))
        finally:
            server.__exit__()
    return sorted(times)[1]


def binary_size(_server, _scale, make):
    server = make("dev")
    server.__exit__()
    return os.path.getsize(os.path.realpath(server.binary)) / 2**20


FIGURES = [
    Figure("kv_get", "GET /v1/kv/foo, 64 connections", "/CPU-s", True, "3x", "reads", kv_get),
    Figure("health", f"health of a service with {INSTANCES} instances", "/s", True, "15x", "reads", health),
    Figure("dns_a", "DNS A of a 3-instance service, answers", "/CPU-s", True, "3x", "reads", _dns("A")),
    Figure("dns_srv", "DNS SRV of a 3-instance service, answers", "/CPU-s", True, "3x", "reads", _dns("SRV")),
    Figure("kv_put", "PUT of new 100-byte keys, 64 connections", "/s", True, "4x", "puts", kv_put),
    Figure("register", "agent service register with a TTL check, 8 connections", "/s", True, "20x", "registrations",
           register),
    Figure("checks", f"{CHECKS:,} HTTP checks every {CHECK_INTERVAL} s", "% of a core", False, "<= 33", "", checks),
    Figure("fan_out", "one key change to all blocked queries, until the last answer", "ms", False, "1/4", "watchers",
           fan_out),
    Figure("memory_watchers", "memory that idle watchers of a 100-instance service add", "MiB", False, "1/20",
           "more watchers", memory_watchers),
    Figure("memory_idle", "memory of an idle server", "MiB", False, "1/4", "keys", memory_idle),
    Figure("memory_keys", "memory with the keys (99 bytes each)", "MiB", False, "1/5", "keys", memory_keys),
    Figure("restart", "restart with the keys until it serves", "s", False, "<= 0.5", "keys", restart),
    Figure("dev_start", "agent -dev, exec to first catalog answer", "s", False, "<= 0.05", "", dev_start),
    Figure("binary_size", "size of the binary", "MiB", False, "<= 15", "", binary_size),
    # In this order: what is idle is measured before there is load.
    Figure("idle_client_memory", "memory of an idle client agent", "MiB", False, "<= 10", CLUSTER, cluster.client_memory),
    Figure("idle_leader", "idle leader of 3 servers and a client, processor time", "ms/s", False, "1/4", CLUSTER,
           cluster.idle("leader")),
    Figure("idle_client", "idle client agent, processor time", "ms/s", False, "1/4", CLUSTER, cluster.idle("client")),
    Figure("cluster_put", "3 servers, PUT on the leader, 64 connections", "/s", True, "4x", CLUSTER, cluster.put(True, 64)),
    Figure("cluster_put_follower", "3 servers, PUT through a follower, 64 connections", "/s", True, "4x", CLUSTER,
           cluster.put(False, 64)),
    Figure("cluster_put_one", "3 servers, PUT on the leader, one connection", "/s", True, "3x", CLUSTER,
           cluster.put(True, 1)),
    Figure("failover", "leader killed until the next acknowledged write, median", "s", False, "<= 1", CLUSTER,
           cluster.MEDIAN),
    Figure("failover_worst", "the same, the worst", "s", False, "<= 2", CLUSTER, cluster.WORST),
]


def measure(program, binary, wanted, scale, folder):
    """name of figure -> value, {"per second", "per CPU-second"} or {"error"}; what fails is told, the rest goes on."""
    results, server, group = {}, None, None

    def make(mode):
        if mode == CLUSTER:
            return cluster.Cluster(program, os.path.join(folder, program))
        return Server(program, binary, os.path.join(folder, program), mode)

    try:
        for figure in wanted:
            print(f"  {program}: {figure.title}", file=sys.stderr, flush=True)
            try:
                if server and (figure.group != group or not figure.group):
                    server.__exit__()
                    server = None
                if not server and figure.group:
                    server, group = make(CLUSTER if figure.group == CLUSTER else "durable"), figure.group
                    server.start()
                results[figure.name] = figure.run(server, scale, make)
            except Exception as error:  # pylint: disable=broad-except
                print(f"  {program}: {figure.name} FAILED: {error}", file=sys.stderr, flush=True)
                results[figure.name] = {"error": str(error).splitlines()[0]}
                if server:
                    server.__exit__()
                    server = None
    finally:
        if server:
            server.__exit__()
    return results
