"""Wires are cut and mended: leaders in the minority, one-way wires, client agents that lose their servers."""

import pytest

from compatlib.clusters import leader_of, settled, start_servers, write
from conftest import find
from marks import long
from recording import Recording, assert_linearizable
from wires import Wired

pytestmark = pytest.mark.isolated
# A silent wire is noticed by timeouts alone: the shortest that Consul's configuration has.
QUICK = '-hcl=performance { raft_multiplier = 1 }'


@pytest.fixture
def wired(tmp_path):
    made = Wired(str(tmp_path), find)
    yield made
    made.close()


def led_by(agents):
    """The one of `agents` that all of them name."""
    try:
        found = [leader_of([agent] + agents) for agent in agents]
    except OSError:
        return None
    return found[0] if len(set(found)) == 1 and found[0] in agents else None


def test_leaders_that_are_cut_off_answer_nothing_that_is_not_true(wired, until):
    servers = start_servers(wired, ["praetor"] * 3, QUICK)
    settled(servers)
    recording = Recording(servers, clients=6)
    for turn in range(6):
        leader = until(lambda: led_by(servers), lambda found: found is not None, 60)
        others = [one for one in servers if one is not leader]
        before = recording.answered()
        until(recording.answered, lambda now, before=before: now > before + 100)
        if turn % 3 == 0:
            wired.cut([leader], others)
        elif turn % 3 == 1:
            wired.cut([leader], others, back=False)
        else:
            wired.cut(others, [leader], back=False)
        until(lambda others=others: led_by(others), lambda found: found is not None, 60)
        until(lambda others=others, turn=turn: write(others[0], "after", str(turn)), True)
        before = recording.answered()
        until(recording.answered, lambda now, before=before: now > before + 50)
        wired.heal()
    settled(servers)
    histories = recording.end()
    print(f"longest time without a write {recording.longest_silence():.2f} s")
    recording.assert_one_index_a_value()
    assert_linearizable(histories)


def test_a_cut_off_leader_refuses_and_a_stale_read_does_not(wired, until):
    servers = start_servers(wired, ["praetor"] * 3, QUICK)
    leader = settled(servers)
    others = [one for one in servers if one is not leader]
    assert write(leader, "a", "one")
    wired.cut([leader], others)
    until(lambda: led_by(others), lambda found: found is not None, 60)
    assert write(others[0], "a", "two")
    assert leader.call("GET", "/v1/kv/a?raw&stale") == (200, "one")
    assert leader.call("GET", "/v1/kv/a?raw&consistent", timeout=60)[0] == 500
    assert leader.call("PUT", "/v1/kv/a", b"three", timeout=60)[0] == 500
    wired.heal()
    until(lambda: leader.call("GET", "/v1/kv/a?raw"), (200, "two"), 60)


def statuses(agent, node):
    return {one["CheckID"]: one["Status"] for one in agent.get(f"/v1/health/node/{node}")}


def test_a_client_agent_that_is_cut_off_comes_back(wired, until):
    servers = start_servers(wired, ["praetor"] * 3, QUICK)
    client = wired.start("praetor", "client", f"-retry-join={servers[0].address}", '-hcl=retry_interval = "1s"')
    settled(servers)
    client.put("/v1/agent/service/register", b'{"Name": "web", "Check": {"TTL": "3600s", "Status": "passing"}}')
    until(lambda: statuses(servers[0], "client"), {"serfHealth": "passing", "service:web": "passing"})
    wired.cut([client], servers)
    until(lambda: statuses(servers[0], "client")["serfHealth"], "critical", 60)
    # What is registered meanwhile is the agent's own affair until it can tell.
    client.put("/v1/agent/service/register", b'{"Name": "db"}')
    assert client.call("PUT", "/v1/kv/a", b"x", timeout=60)[0] == 500
    wired.heal()
    until(lambda: statuses(servers[0], "client"), {"serfHealth": "passing", "service:web": "passing"}, 90)
    until(lambda: [one["ServiceName"] for one in servers[0].get("/v1/catalog/service/db")], ["db"], 90)
    until(lambda: write(client, "a", "x"), True, 60)


@long  # only a connection's keepalive tells, after 40 s
def test_a_client_agent_that_loses_one_server_asks_another(wired, until):
    servers = start_servers(wired, ["praetor"] * 3, QUICK)
    client = wired.start("praetor", "client", f"-retry-join={servers[0].address}", '-hcl=retry_interval = "1s"')
    settled(servers)
    until(lambda: write(client, "a", "x"), True)
    for cut in servers:
        wired.cut([client], [cut])
        until(lambda: write(client, "a", cut.name), True, 60)
        wired.heal()
