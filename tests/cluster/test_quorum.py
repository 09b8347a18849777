"""Servers in a quorum, client agents under them, and the real Consul in every role."""

import json
import signal
import socket
import threading
import time
import urllib.request

import pytest

from compatlib.clusters import Writer, leader_of, settled, start_servers, write

# Consul's own default for servers in one place; the real one needs it to elect anybody in the time of a test.
FAST = "-hcl=performance { raft_multiplier = 1 }"


def test_three_servers_and_a_client(cluster, until):
    servers = start_servers(cluster, ["praetor"] * 3)
    client = cluster.start("praetor", "client", f"-retry-join={servers[0].address}", "-hcl=retry_interval = \"1s\"")
    settled(servers)
    everyone = servers + [client]
    for agent in everyone:
        until(lambda agent=agent: write(agent, f"from/{agent.name}", agent.name), True)
    for agent in everyone:
        until(lambda agent=agent: agent.call("GET", "/v1/kv/from/?keys")[1],
              '["from/client","from/s1","from/s2","from/s3"]')
    # The client's registration is the servers' knowledge, and the members' health is the leader's.
    client.put("/v1/agent/service/register", b'{"Name": "web", "Port": 80, "Check": {"TTL": "60s", "Status": "passing"}}')
    for agent in everyone:
        until(lambda agent=agent: [one["Node"]["Node"] for one in agent.get("/v1/health/service/web?passing")], ["client"])
        until(lambda agent=agent: sorted(one["Node"] for one in agent.get("/v1/health/state/passing")
                                         if one["CheckID"] == "serfHealth"), ["client", "s1", "s2", "s3"])
    client.kill()
    until(lambda: [one["Status"] for one in servers[1].get("/v1/health/node/client") if one["CheckID"] == "serfHealth"],
          ["critical"])
    until(lambda: servers[2].get("/v1/health/service/web?passing"), [])


def test_a_blocking_query_on_a_client_wakes_for_its_key_alone(cluster, until):
    servers = start_servers(cluster, ["praetor"] * 3)
    client = cluster.start("praetor", "client", f"-retry-join={servers[0].address}", "-hcl=retry_interval = \"1s\"")
    settled(servers)
    until(lambda: write(client, "watched", "one"), True)
    index = client.get("/v1/kv/watched")[0]["ModifyIndex"]
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(client.get(f"/v1/kv/watched?index={index}&wait=60s")))
    waiter.start()
    for number in range(20):
        assert write(servers[number % 3], f"other/{number}", "x")
    assert answers == []
    assert write(servers[1], "watched", "two")
    waiter.join(30)
    assert answers[0][0]["ModifyIndex"] > index


def test_no_acknowledged_write_is_lost_when_leaders_are_killed(cluster, until):
    servers = start_servers(cluster, ["praetor"] * 3)
    settled(servers)
    writer = Writer(servers)
    writer.start()
    for _ in range(5):
        leader = until(lambda: leader_of([one for one in servers if one.process]), lambda found: found is not None)
        before = len(writer.acknowledged)
        leader.kill()
        until(lambda before=before: len(writer.acknowledged), lambda now, before=before: now > before + 5)
        leader.start("-server", "-bootstrap-expect=3")
        settled(servers)
    assert len(writer.end()) > 25
    for agent in servers:
        assert writer.lost(agent) == []


def test_a_leader_that_stands_still_does_not_split_the_cluster(cluster, until):
    servers = start_servers(cluster, ["praetor"] * 3)
    leader = settled(servers)
    others = [one for one in servers if one is not leader]
    leader.process.send_signal(signal.SIGSTOP)
    try:
        until(lambda: leader_of(others), lambda found: found in others, 60)
        assert write(others[0], "while/away", "yes")
    finally:
        leader.process.send_signal(signal.SIGCONT)
    # It must not answer from what it believed.
    assert until(lambda: leader.call("GET", "/v1/kv/while/away?raw"), lambda got: got[0] == 200)[1] == "yes"


def test_all_servers_stopped_come_back_by_themselves(cluster, until):
    servers = start_servers(cluster, ["praetor"] * 3)
    settled(servers)
    assert write(servers[0], "kept", "yes")
    for agent in servers:
        assert agent.end(signal.SIGTERM) == 1
    for agent in servers:
        agent.start("-server", "-bootstrap-expect=3")
    settled(servers)
    for agent in servers:
        until(lambda agent=agent: agent.call("GET", "/v1/kv/kept?raw"), (200, "yes"))


def test_snapshots_of_a_cluster_through_a_follower_and_a_client(cluster, until, tmp_path):
    servers = start_servers(cluster, ["praetor"] * 3)
    client = cluster.start("praetor", "client", f"-retry-join={servers[0].address}", "-hcl=retry_interval = \"1s\"")
    leader = settled(servers)
    follower = next(one for one in servers if one is not leader)
    until(lambda: write(client, "a", "one"), True)
    file = str(tmp_path / "backup.snap")
    assert client.cli("snapshot", "save", file)[0] == 0
    assert write(leader, "a", "two")
    code, text = follower.cli("snapshot", "restore", file)
    assert (code, text) == (0, "Restored snapshot\n")
    for agent in servers + [client]:
        until(lambda agent=agent: agent.call("GET", "/v1/kv/a?raw"), (200, "one"))


@pytest.mark.parametrize("server, client", [("praetor", "consul"), ("consul", "praetor")])
def test_a_client_under_the_other_ones_servers(cluster, until, server, client):
    one = cluster.start(server, "server", "-server", "-bootstrap", FAST)
    agent = cluster.start(client, "client", f"-retry-join={one.address}", "-hcl=retry_interval = \"1s\"")
    until(lambda: write(agent, "a", "through the client"), True, 60)
    assert one.call("GET", "/v1/kv/a?raw") == (200, "through the client")
    agent.put("/v1/agent/service/register", b'{"Name": "web", "Port": 80, "Check": {"TTL": "60s", "Status": "passing"}}')
    for each in (one, agent):
        until(lambda each=each: [row["Node"]["Node"] for row in each.get("/v1/health/service/web?passing")], ["client"])
        until(lambda each=each: sorted(row["Node"] for row in each.get("/v1/catalog/nodes")), ["client", "server"])
    # Not before the leader has written the member's serfHealth.
    status, text = until(lambda: agent.call("PUT", "/v1/session/create", b'{"TTL": "10s"}'), lambda got: got[0] == 200)
    session = text.split('"')[3]
    assert agent.put(f"/v1/kv/lock?acquire={session}", b"mine") == "true"
    assert one.get("/v1/kv/lock")[0]["Session"] == session
    index = agent.get("/v1/kv/a")[0]["ModifyIndex"]
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(agent.call("GET", f"/v1/kv/a?index={index}&wait=30s&raw")))
    waiter.start()
    assert write(one, "a", "changed")
    waiter.join(30)
    assert answers == [(200, "changed")]
    until(lambda: answer_of(agent.address, "web.service.consul"), lambda got: got >= 1)
    assert agent.cli("leave")[0] == 0
    # An agent that is leaving may register itself once more; then the leader's next full look ends it, a minute later.
    until(lambda: [row["Node"] for row in one.get("/v1/catalog/nodes")], ["server"], 90)


def test_two_datacenters(cluster, until):
    one = cluster.start("praetor", "one", "-server", "-bootstrap")
    two = cluster.start("consul", "two", "-server", "-bootstrap", "-datacenter=dc2", f"-retry-join-wan={one.address}", FAST)
    three = cluster.start("praetor", "three", "-server", "-bootstrap", "-datacenter=dc3", f"-retry-join-wan={one.address}")
    for agent in (one, two, three):
        until(lambda agent=agent: sorted(agent.get("/v1/catalog/datacenters")), ["dc1", "dc2", "dc3"])
    assert one.get("/v1/catalog/datacenters")[0] == "dc1"
    for here, there, name in ((one, two, "dc2"), (two, one, "dc1"), (three, two, "dc2"), (two, three, "dc3"), (one, three, "dc3")):
        value = f"{here.name} to {there.name}"
        until(lambda: here.call("PUT", f"/v1/kv/far?dc={name}", value.encode()), (200, "true"))
        assert there.call("GET", "/v1/kv/far?raw") == (200, value)
        assert here.call("GET", f"/v1/kv/far?raw&dc={name}") == (200, value)
        until(lambda: [row["Node"] for row in here.get(f"/v1/catalog/nodes?dc={name}")], [there.name])  # it registers itself
        until(lambda: answer_of(here.address, f"{there.name}.node.{name}.consul"), 1)
    assert one.call("GET", "/v1/kv/far?dc=dc9") == (500, "No path to datacenter")
    # A client agent asks a server how far they are, once the servers have measured it.
    join = f"-retry-join={one.address}"
    clients = [cluster.start(program, f"{program}-client", join, "-hcl=retry_interval = \"1s\"") for program in ("praetor", "consul")]
    for agent in (one, *clients):
        until(lambda agent=agent: places(agent), {"dc1": ["one"], "dc2": ["two"], "dc3": ["three"]}, 90)
        code, said = agent.cli("rtt", "-wan", "one.dc1", "two.dc2")
        assert (code, "Estimated one.dc1 <-> two.dc2 rtt: " in said) == (0, True), said
    two.kill()
    gone = "Remote DC has no server currently reachable"
    until(lambda: one.call("GET", "/v1/kv/far?dc=dc2"), (500, gone), 60)
    # It is expected back: nobody may remember that it does not exist.
    assert sorted(one.get("/v1/catalog/datacenters")) == ["dc1", "dc2", "dc3"]
    assert code_of(one.address, "web.service.dc2.consul") == "SERVFAIL"
    for agent in (one, *clients):
        assert places(agent)["dc2"] == ["two"]
        assert sorted(agent.get("/v1/catalog/datacenters")) == ["dc1", "dc2", "dc3"]
    for client in clients:
        assert client.call("GET", "/v1/kv/far?dc=dc2") == (500, f"rpc error making call: {gone}")
    # One that says goodbye is not.
    assert three.cli("leave")[0] == 0
    for agent in (one, *clients):
        until(lambda agent=agent: agent.get("/v1/catalog/datacenters"), ["dc1", "dc2"])
        until(lambda agent=agent: sorted(places(agent)), ["dc1", "dc2"])
    assert one.call("GET", "/v1/kv/far?dc=dc3") == (500, "No path to datacenter")
    assert write(one, "local", "works on")


def places(agent):
    """The servers whose WAN coordinates an agent knows of, by datacentre."""
    return {dc["Datacenter"]: [one["Node"] for one in dc["Coordinates"]] for dc in agent.get("/v1/coordinate/datacenters")}


def test_a_query_asks_other_datacenters(cluster, until):
    """One datacenter of each program, whose query finds nobody at home; and what a client agent hears of it."""
    one = cluster.start("praetor", "one", "-server", "-bootstrap")
    two = cluster.start("consul", "two", "-server", "-bootstrap", "-datacenter=dc2", f"-retry-join-wan={one.address}", FAST)
    client = cluster.start("praetor", "client", f"-retry-join={one.address}")
    for agent in (one, two):
        until(lambda agent=agent: sorted(agent.get("/v1/catalog/datacenters")), ["dc1", "dc2"])
    for here, there, name in ((one, two, "dc2"), (two, one, "dc1")):
        until(lambda here=here: write(here, "ready", "yes"), True, 60)
        service = {"Service": f"only-in-{name}", "Port": 80}
        until(lambda there=there, service=service: there.call("PUT", "/v1/catalog/register", json.dumps({
            "Node": "far", "Address": "10.0.0.1", "Service": service}).encode())[0], 200, 60)
        query = {"Name": "q", "Service": {"Service": service["Service"], "Failover": {"NearestN": 1, "Datacenters": ["dc9", name]}}}
        assert here.call("POST", "/v1/query", json.dumps(query).encode())[0] == 200
        found = until(lambda here=here: here.get("/v1/query/q/execute"), lambda reply: reply["Nodes"], 30)
        assert (found["Datacenter"], found["Failovers"], found["Nodes"][0]["Service"]["Port"]) == (name, 1, 80)
    until(lambda: client.get("/v1/query/q/execute").get("Datacenter"), "dc2", 30)
    for agent in (one, client):
        assert answer_of(agent.address, "q.query.consul") == 1
    for agent in (one, two, client):
        status, text = agent.call("GET", "/v1/query/nobody/execute")
        assert (status, text.endswith("Query not found")) == (404, True)
    for agent in (one, client):
        status, text = agent.call("GET", "/v1/query/nobody/execute?dc=dc2")
        assert (status, text.endswith("rpc error making call: Query not found")) == (404, True)


def test_a_server_of_the_older_raft_protocol(cluster, until):
    one = cluster.start("praetor", "one", "-server", "-bootstrap")
    two = cluster.start("consul", "two", "-server", f"-retry-join={one.address}", "-raft-protocol=2", FAST)
    until(lambda: [(row["Node"], row["ProtocolVersion"]) for row in one.get("/v1/operator/raft/configuration")["Servers"]],
          [("one", "3"), ("two", "2")], 60)
    refused = "all servers must have raft_protocol set to 3 or higher to use this endpoint"
    for agent in (one, two):
        status, text = agent.call("GET", "/v1/operator/autopilot/health")
        assert (status, text.endswith(refused)) == (500, True)


def consistency(agent, path):
    with urllib.request.urlopen(f"http://{agent.client}:8500{path}", timeout=30) as answer:
        return answer.headers["X-Consul-Effective-Consistency"]


def test_how_old_an_answer_may_be(cluster, until):
    hold = "-hcl=performance { rpc_hold_timeout = \"500ms\" }"
    servers = start_servers(cluster, ["praetor"] * 3, hold)
    client = cluster.start("praetor", "client", f"-retry-join={servers[0].address}", hold)
    leader = settled(servers)
    follower = next(server for server in servers if server is not leader)
    until(lambda: len(follower.get("/v1/catalog/nodes?stale")), 4, 30)
    path = "/v1/catalog/nodes?stale&max_stale="
    assert consistency(follower, path + "1h") == "stale"
    assert consistency(follower, path + "1ns") == "leader"
    for server in servers:
        if server is not follower:
            server.kill()
    # What the web UI shows needs no leader.
    until(lambda: follower.call("GET", "/v1/catalog/nodes")[0], 500, 60)
    for agent in (follower, client):
        until(lambda agent=agent: agent.call("GET", "/v1/internal/ui/nodes")[0], 200, 60)
        assert len(agent.get("/v1/internal/ui/nodes")) == 4
        assert agent.call("GET", "/v1/internal/ui/services")[0] == 200
        assert agent.get(f"/v1/internal/ui/node/{follower.name}")["Node"] == follower.name


def answer_of(address, name):
    """How many answers a DNS question of type A gets."""
    return int.from_bytes(ask_dns(address, name)[6:8], "big")


def code_of(address, name):
    """The response code of a DNS question of type A."""
    return {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN"}[ask_dns(address, name)[3] & 15]


def ask_dns(address, name):
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\x00\x00\x01\x00\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + question, (address, 8600))
        return client.recv(4096)


@pytest.mark.parametrize("programs", [("praetor", "praetor", "consul"), ("consul", "consul", "praetor")],
                         ids=["two Praetor, one Consul", "two Consul, one Praetor"])
def test_a_quorum_of_both(cluster, until, programs):
    servers = start_servers(cluster, list(programs), FAST)
    settled(servers, 90)
    writer = Writer(servers)
    writer.start()
    led = set()
    deadline = time.monotonic() + 150
    while len(led) < 3 and time.monotonic() < deadline:
        leader = until(lambda: leader_of(servers), lambda found: found is not None, 60)
        led.add(leader.name)
        before = len(writer.acknowledged)
        until(lambda before=before: len(writer.acknowledged), lambda now, before=before: now > before + 5, 60)
        # It stops in the middle of its work, and comes back when another leads.
        leader.kill()
        others = [one for one in servers if one is not leader]
        until(lambda others=others: leader_of(others), lambda found, others=others: found in others, 60)
        leader.start("-server", "-bootstrap-expect=3", FAST)
        settled(servers, 90)
    assert led == {"s1", "s2", "s3"}
    assert len(writer.end()) > 15
    for agent in servers:
        until(lambda agent=agent: writer.lost(agent), [], 30)


def test_a_snapshot_taken_under_consuls_legacy_acls_restores_into_consul(cluster, until):
    # Praetor says that it has no ACLs, so the two of Consul keep to the legacy ones. It waits for them to begin.
    praetor = cluster.start("praetor", "s1", "-server")
    secret = "\"11111111-2222-3333-4444-555555555555\""
    tokens = f"master = {secret} default = {secret} agent_master = {secret}"
    acls = f"-hcl=acl {{ enabled = true default_policy = \"allow\" tokens {{ {tokens} }} }}"
    consuls = [cluster.start("consul", name, "-server", "-bootstrap-expect=3", f"-retry-join={praetor.address}",
                             "-hcl=retry_interval = \"1s\"", acls, FAST) for name in ("s2", "s3")]
    settled([praetor] + consuls, 90)
    legacy = b'{"Name": "reader", "Type": "client", "Rules": "key \\"\\" { policy = \\"read\\" }"}'
    until(lambda: consuls[0].call("PUT", "/v1/acl/create", legacy)[0], 200, 30)
    until(lambda: write(consuls[0], "after", "it"), True)
    until(lambda: praetor.call("GET", "/v1/kv/after?raw&stale")[1], "it")
    with urllib.request.urlopen(f"http://{praetor.address}:8500/v1/snapshot?stale", timeout=30) as response:
        snapshot = response.read()
    fresh = cluster.start("consul", "fresh", "-server", "-bootstrap", "-datacenter=dc1", acls, FAST)
    until(lambda: write(fresh, "before", "it"), True, 30)
    assert fresh.call("PUT", "/v1/snapshot", snapshot) == (200, "")
    until(lambda: fresh.call("GET", "/v1/kv/after?raw")[1], "it")
    names = [one["Name"] for one in json.loads(fresh.call("GET", "/v1/acl/list")[1])]
    assert sorted(names) == ["Anonymous Token", "Master Token", "reader"]
