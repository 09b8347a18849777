"""A cluster of Consul's servers becomes one of Praetor's, server by server, and back, while it works."""

import json
import signal

import pytest

from compatlib.clusters import Writer, leader_of, settled, start_servers, voters
from marks import long

# Elections with Consul's default timings. What is quicker: a fresh server's vote, and the end of one that has left.
QUICK = ('-hcl=performance { leave_drain_time = "1s" }', '-hcl=autopilot { server_stabilization_time = "1s" }')
PAUSE = 5  # seconds without an acknowledged write


def lock(agent, key):
    session = json.loads(agent.put("/v1/session/create", b'{"Name": "holder"}'))["ID"]
    assert agent.put(f"/v1/kv/{key}?acquire={session}", b"held") == "true"
    return session


def put_state(client):
    """Services, sessions and keys that must outlive every server."""
    client.put("/v1/agent/service/register", b'{"Name": "web", "Port": 80, "Check": {"TTL": "3600s", "Status": "passing"}}')
    client.put("/v1/catalog/register", json.dumps({"Node": "outside", "Address": "192.0.2.1", "Service": {
        "Service": "db", "Port": 5432, "Tags": ["v1"]}}).encode())
    client.put("/v1/kv/kept", b"from the beginning")
    assert client.call("POST", "/v1/query", b'{"Name": "finds", "Service": {"Service": "web"}}')[0] == 200
    return lock(client, "lock")


def assert_state(agent, until, session):
    assert agent.call("GET", "/v1/kv/kept?raw") == (200, "from the beginning")
    assert agent.get("/v1/kv/lock")[0]["Session"] == session
    assert [one["Node"] for one in agent.get(f"/v1/session/info/{session}")] == ["client"]
    assert [one["ServiceTags"] for one in agent.get("/v1/catalog/service/db")] == [["v1"]]
    assert [one["Name"] for one in agent.get("/v1/query")] == ["finds"]
    until(lambda: [one["Node"]["Node"] for one in agent.get("/v1/health/service/web?passing")], ["client"])


class Rolling:
    """Replaces servers one at a time: a fresh one joins, has its vote, and then an old one leaves."""

    def __init__(self, cluster, until, servers, writers):
        self.cluster, self.until, self.writers = cluster, until, writers
        self.servers = servers
        self.notes = []

    def replace(self, old, program, name):
        others = [one for one in self.servers if one is not old]
        led = leader_of(self.servers)
        fresh = self.cluster.add(program, name)
        fresh.start("-server", f"-retry-join={others[0].address}", '-hcl=retry_interval = "1s"', *QUICK)
        self.until(lambda: voters(others[0]), lambda found: fresh.address in found, 60)
        self.servers.append(fresh)
        for writer in self.writers:
            writer.mark()
        self.servers.remove(old)
        code, text = old.cli("leave")
        assert code == 0, text
        old.process.wait(30)
        remain = sorted(one.address for one in self.servers)
        for one in self.servers:
            self.until(lambda one=one: voters(one), remain, 60)
        leader = settled(self.servers)
        self.notes.append(f"{old.name} ({'led' if old is led else 'followed'}) -> {name}, {led.program} led, then "
                          f"{leader.program}: " + ", ".join(f"{writer.since_mark():.2f} s" for writer in self.writers))

    def replace_all(self, program, letter):
        """The leader first: the followers after it may be led by either program."""
        old = sorted(self.servers, key=lambda one: one is not leader_of(self.servers))
        for number, one in enumerate(old, 1):
            self.replace(one, program, f"{letter}{number}")


@pytest.mark.parametrize("client", ["praetor", pytest.param("consul", marks=long)])
def test_three_servers_of_consul_become_praetor_and_consul_again(cluster, until, client):
    servers = start_servers(cluster, ["consul"] * 3, *QUICK)
    settled(servers)
    agent = cluster.start(client, "client", f"-retry-join={servers[0].address}", '-hcl=retry_interval = "1s"')
    until(lambda: agent.call("GET", "/v1/health/node/client")[1], lambda text: "serfHealth" in text, 60)
    session = put_state(agent)
    writers = [Writer(servers, "at the servers"), Writer([agent], "at the client")]
    for writer in writers:
        writer.start()
    rolling = Rolling(cluster, until, servers, writers)
    rolling.replace_all("praetor", "p")
    for one in servers + [agent]:
        assert_state(one, until, session)
    rolling.replace_all("consul", "c")
    for one in servers + [agent]:
        assert_state(one, until, session)
    print("\n".join(rolling.notes))
    for writer in writers:
        acknowledged = writer.end()
        assert len(acknowledged) > 50
        for one in servers:
            until(lambda one=one, writer=writer: writer.lost(one), [])
    assert max(writer.longest_pause() for writer in writers) < PAUSE, "\n".join(rolling.notes)


@pytest.mark.parametrize("first, second", [("consul", "praetor"), ("praetor", "consul")])
def test_a_client_agent_is_replaced_on_its_data_directory(cluster, until, first, second):
    server = cluster.start(first, "server", "-server", "-bootstrap")
    agent = cluster.start(first, "client", f"-retry-join={server.address}", '-hcl=retry_interval = "1s"')
    agent.put("/v1/agent/service/register", json.dumps({
        "Name": "web", "Port": 80, "Tags": ["v1"], "Meta": {"a": "b"},
        "Check": {"TTL": "3600s", "Notes": "kept"}}).encode())
    agent.put("/v1/agent/check/pass/service:web")  # a report is kept; a check's first status is not
    agent.put("/v1/agent/check/register", b'{"Name": "alone", "TTL": "3600s"}')
    agent.put("/v1/agent/check/pass/alone?note=well")

    def registered():
        return (agent.get("/v1/agent/self")["Config"]["NodeID"], agent.get("/v1/agent/services"),
                {name: (check["Status"], check["Output"], check["Notes"])
                 for name, check in agent.get("/v1/agent/checks").items()})

    before = registered()
    for program in (second, first):
        assert agent.end(signal.SIGTERM) == 0
        agent.program = program
        agent.start(f"-retry-join={server.address}", '-hcl=retry_interval = "1s"')
        assert registered() == before
        until(lambda: [(one["Node"]["ID"], one["Service"]["Tags"]) for one in server.get("/v1/health/service/web?passing")],
              [(before[0], ["v1"])], 90)
