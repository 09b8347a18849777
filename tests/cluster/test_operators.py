"""What operators do to a cluster, and what it does by itself when agents end in one way or another."""

import json
import os
import signal

import pytest

from compatlib.clusters import settled, start_servers, write

# Finds out within a second that somebody has died.
ALERT = "-hcl=" + json.dumps({"gossip_lan": {"probe_interval": "100ms", "probe_timeout": "50ms", "suspicion_mult": 2}})


def configured(**keys):
    return "-hcl=" + json.dumps(keys)


def test_a_lost_majority_is_brought_back_by_hand(cluster, until):
    servers = start_servers(cluster, ["praetor"] * 3)
    assert write(settled(servers), "kept", "yes")
    for server in servers:
        server.kill()
    last = servers[2]
    with open(os.path.join(last.data, "node-id"), encoding="ascii") as file:
        node_id = file.read().strip()
    peers = os.path.join(last.data, "raft", "peers.json")
    with open(peers, "w", encoding="ascii") as file:
        json.dump([{"id": node_id, "address": f"{last.address}:8300", "non_voter": False}], file)
    last.start("-server")
    until(lambda: write(last, "after", "yes"), True, 30)
    assert last.call("GET", "/v1/kv/kept?raw") == (200, "yes")
    assert [row["Node"] for row in last.get("/v1/operator/raft/configuration")["Servers"]] == [last.name]
    assert not os.path.exists(peers)


@pytest.mark.parametrize("program", ["praetor", "consul"])
def test_how_agents_end(cluster, until, program):
    """Signal by signal, for servers and clients, with the defaults and against them: the same of both programs."""
    # Who has failed is to be seen as that, and not to be cleaned up.
    seed = cluster.start("praetor", "seed", "-server", "-bootstrap", ALERT, configured(autopilot={"cleanup_dead_servers": False}))
    cases = {
        "server-int": (["-server"], signal.SIGINT, "failed"),
        "server-int-leave": (["-server", configured(skip_leave_on_interrupt=False)], signal.SIGINT, "left"),
        "server-term": (["-server"], signal.SIGTERM, "failed"),
        "server-term-leave": (["-server", configured(leave_on_terminate=True)], signal.SIGTERM, "left"),
        "client-int": ([], signal.SIGINT, "left"),
        "client-int-stay": ([configured(skip_leave_on_interrupt=True)], signal.SIGINT, "failed"),
        "client-term": ([], signal.SIGTERM, "left"),
        "client-term-stay": ([configured(leave_on_terminate=False)], signal.SIGTERM, "failed"),
    }
    for name, (flags, number, status) in cases.items():
        agent = cluster.start(program, name, f"-retry-join={seed.address}", ALERT, *flags)
        until(lambda name=name: seed.members().get(name), "alive", 30)
        if "-server" in flags:  # a quorum of two outlives only a server that leaves
            until(lambda: len(seed.get("/v1/operator/raft/configuration")["Servers"]), 2, 30)
            until(lambda: write(seed, "both", "yes"), True, 30)
        agent.end(number)
        until(lambda name=name: seed.members().get(name), status, 30)
        if "-server" in flags and status == "failed":
            assert seed.cli("force-leave", name)[0] == 0
            until(lambda name=name: seed.members().get(name), "left", 30)
            agent.start(f"-retry-join={seed.address}", ALERT, configured(leave_on_terminate=True), *flags)
            until(lambda: write(seed, "again", "yes"), True, 30)
            agent.end(signal.SIGTERM)
            until(lambda name=name: seed.members().get(name), "left", 30)


def test_join_wan_and_prune(cluster, until):
    one = cluster.start("praetor", "one", "-server", "-bootstrap")
    two = cluster.start("praetor", "two", "-server", "-bootstrap", "-datacenter=dc2", f"-join-wan={one.address}")
    until(lambda: one.members(wan=True), {"one.dc1": "alive", "two.dc2": "alive"}, 30)
    client = cluster.start("praetor", "client", f"-join={one.address}")
    until(lambda: one.members().get("client"), "alive")
    client.kill()
    until(lambda: one.members().get("client"), "failed", 30)
    assert one.cli("force-leave", "-prune", "client") == (0, "")
    until(lambda: "client" in one.members(), False)
    until(lambda: [row["Node"] for row in one.get("/v1/catalog/nodes")], ["one"], 30)
    assert two.get("/v1/catalog/nodes?dc=dc1")[0]["Node"] == "one"


def test_a_name_comes_back_with_another_id_and_address(cluster, until):
    server = cluster.start("praetor", "server", "-server", "-bootstrap", ALERT)
    before = cluster.start("praetor", "worker", f"-retry-join={server.address}", ALERT)
    until(lambda: server.members().get("worker"), "alive")
    before.kill()
    until(lambda: server.members().get("worker"), "failed", 30)
    after = cluster.add("praetor", "worker")
    after.data += "-new"
    after.start(f"-retry-join={server.address}", ALERT)
    until(lambda: server.members().get("worker"), "alive", 90)  # a dead member's name is kept for it for 30 s
    until(lambda: server.get("/v1/catalog/node/worker")["Node"]["Address"], after.address, 30)
    assert server.get("/v1/catalog/node/worker")["Node"]["ID"] == after.get("/v1/agent/self")["Config"]["NodeID"]
