"""Joining, leaving, failing and coming back: Praetor among its own, and beside the real Consul."""

import json
import os
import signal

import pytest

LEADER = ("-server", "-bootstrap")
SERVER = ("-server",)


def all_alive(*names):
    return dict.fromkeys(names, "alive")


def agree(until, agents, wanted, wan=False):
    for agent in agents:
        until(lambda agent=agent: agent.members(wan), wanted)


def test_two_servers_join_and_one_leaves(cluster, until):
    one = cluster.start("praetor", "one", *LEADER)
    two = cluster.start("praetor", "two", *SERVER)
    assert one.members() == all_alive("one")
    assert one.cli("join", two.address) == (0, "Successfully joined cluster by contacting 1 nodes.\n")
    agree(until, [one, two], all_alive("one", "two"))
    # The servers of one datacenter find each other in the WAN pool without being told.
    agree(until, [one, two], all_alive("one.dc1", "two.dc1"), wan=True)
    code, text = one.cli("members", "-detailed")
    assert code == 0 and "wan_join_port=8302" in text and "praetor=" in text
    assert two.cli("leave")[0] == 0
    assert two.process.wait(20) == 0
    until(one.members, {"one": "alive", "two": "left"})
    until(lambda: one.members(wan=True), {"one.dc1": "alive", "two.dc1": "left"})
    assert "server starting leave" in two.tail()


def test_three_servers_one_is_killed_and_comes_back(cluster, until):
    one = cluster.start("praetor", "one", *LEADER)
    two = cluster.start("praetor", "two", *SERVER, f"-retry-join={one.address}")
    three = cluster.start("praetor", "three", *SERVER, f"-join={two.address}")
    everyone = all_alive("one", "two", "three")
    agree(until, [one, two, three], everyone)
    three.kill()
    agree(until, [one, two], everyone | {"three": "failed"})
    status, text = one.call("PUT", "/v1/agent/force-leave/nobody")
    assert (status, text) == (500, "agent: No node found with name 'nobody'")
    assert one.cli("force-leave", "three")[0] == 0
    agree(until, [one, two], everyone | {"three": "left"})
    assert one.cli("force-leave", "-prune", "three")[0] == 0
    agree(until, [one, two], all_alive("one", "two"))
    # Its snapshot remembers the others: nobody has to be named.
    three.start(*SERVER)
    agree(until, [one, two, three], everyone)
    assert "Attempting re-join to previously known node" in three.tail()


def test_rejoin_after_leave_is_asked_for(cluster, until):
    one = cluster.start("praetor", "one", *LEADER)
    two = cluster.start("praetor", "two", *SERVER, f"-join={one.address}")
    agree(until, [one, two], all_alive("one", "two"))
    for flags, seen in [((), all_alive("two")), (("-rejoin",), all_alive("one", "two"))]:
        assert two.cli("leave")[0] == 0
        assert two.process.wait(20) == 0
        until(one.members, {"one": "alive", "two": "left"})
        two.start(*SERVER, *flags)
        until(two.members, seen)
        if not flags:
            two.put(f"/v1/agent/join/{one.address}")
            agree(until, [one, two], all_alive("one", "two"))


def test_a_join_that_fails_ends_the_agent(cluster):
    agent = cluster.add("praetor", "one")
    nobody = cluster.address(200)
    assert agent.run_to_end(*LEADER, f"-join={nobody}") == 1
    assert f"Failed to join {nobody}: dial tcp {nobody}:8301: connect: connection refused" in agent.tail()
    assert agent.run_to_end(*LEADER, "-retry-join=provider=aws tag_key=x", f"-retry-join={nobody}") == 1
    assert 'cloud provider "aws"' in agent.tail()


def test_retry_join_gives_up_when_told_to(cluster):
    agent = cluster.add("praetor", "one")
    assert agent.run_to_end(*LEADER, f"-retry-join={cluster.address(200)}", "-retry-max=2", "-retry-interval=100ms") == 1
    log = agent.tail()
    assert 'Retry join failed: error="agent: max join LAN retry exhausted, exiting"' in log
    assert log.count("Join cluster failed, will retry: cluster=LAN retry_interval=100ms") == 2


def test_wrong_datacenter_and_wrong_pool_are_refused(cluster, until):
    one = cluster.start("praetor", "one", *LEADER)
    far = cluster.start("praetor", "far", *LEADER, "-datacenter=dc2")
    status, text = one.call("PUT", f"/v1/agent/join/{far.address}")
    assert status == 500
    assert text == (f"1 error occurred:\n\t* Failed to join {far.address}: Member 'far' part of wrong datacenter 'dc2'"
                    "\n\n")
    one.put(f"/v1/agent/join/{far.address}?wan=1")
    agree(until, [one, far], all_alive("one.dc1", "far.dc2"), wan=True)
    assert one.members() == all_alive("one")


@pytest.mark.parametrize("first, second", [("consul", "praetor"), ("praetor", "consul")])
def test_consul_and_praetor_agree(cluster, until, first, second):
    def flags(program):  # the real one leads: it fires no event without a leader
        return LEADER if program == "consul" else SERVER

    one = cluster.start(first, "one", *flags(first))
    two = cluster.start(second, "two", *flags(second), f"-retry-join={one.address}")
    three = cluster.start("consul", "three", f"-retry-join={two.address}", "-retry-interval=1s")
    everyone = [one, two, three]
    names = all_alive("one", "two", "three")
    agree(until, everyone, names)
    agree(until, [one, two], all_alive("one.dc1", "two.dc1"), wan=True)

    def details(agent):
        return sorted(agent.get("/v1/agent/members"), key=lambda member: member["Name"])

    until(lambda: details(one) == details(two) == details(three), True)

    # User events cross both ways, with their filters.
    for number, agent in enumerate(everyone[:2]):
        until(lambda agent=agent, number=number: agent.call("PUT", f"/v1/event/fire/deploy{number}", b"load")[0], 200)
        agent.put(f"/v1/event/fire/only{number}?node=^two$", b"x")
    for agent in everyone:
        wanted = {"deploy0", "deploy1"} | ({"only0", "only1"} if agent is two else set())
        until(lambda agent=agent: set(agent.events()), wanted)

    three.kill()
    agree(until, [one, two], names | {"three": "failed"})
    three.start()  # its snapshot knows the way
    agree(until, everyone, names)
    assert three.end(signal.SIGINT) == 0
    agree(until, [one, two], names | {"three": "left"})


KEYS = ["pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=", "HS5lJ+XuTlYKWaeGYyG+/A=="]


def test_keys_rotate_across(cluster, until):
    one = cluster.start("consul", "one", *LEADER, f"-encrypt={KEYS[0]}")
    two = cluster.start("praetor", "two", *SERVER, f"-encrypt={KEYS[0]}", f"-retry-join={one.address}")
    agree(until, [one, two], all_alive("one", "two"))
    agree(until, [one, two], all_alive("one.dc1", "two.dc1"), wan=True)

    def rings(agent):
        found = {}
        for name in ("local", "remote"):
            with open(os.path.join(agent.folder, "data", "serf", f"{name}.keyring"), encoding="utf-8") as file:
                found[name] = json.load(file)
        return found

    assert rings(two) == rings(one)
    code, text = two.cli("keyring", f"-install={KEYS[1]}")
    assert code == 0, text
    code, text = two.cli("keyring", f"-use={KEYS[1]}")
    assert code == 0, text
    status, text = two.call("DELETE", "/v1/operator/keyring", json.dumps({"Key": KEYS[1]}).encode())
    assert status == 500 and "WAN error: 2/2 nodes reported failure" in text
    assert "two: Removing the primary key is not allowed" in text
    code, text = two.cli("keyring", f"-remove={KEYS[0]}")
    assert code == 0, text
    ring = [KEYS[1]]
    assert rings(one) == rings(two) == {"local": ring, "remote": ring}
    for pool in two.get("/v1/operator/keyring"):
        assert (pool["Keys"], pool["PrimaryKeys"], pool["NumNodes"]) == ({KEYS[1]: 2}, {KEYS[1]: 2}, 2)
    # With the old key nobody comes in any more; the file beats the flag.
    late = cluster.start("praetor", "late", *SERVER, f"-encrypt={KEYS[0]}")
    assert late.call("PUT", f"/v1/agent/join/{one.address}")[0] == 500
    two.kill()
    two.start(*SERVER, f"-encrypt={KEYS[0]}")
    agree(until, [one, two], all_alive("one", "two"))
    assert "keyring doesn't include key provided with -encrypt, using keyring" in two.tail()


@pytest.mark.parametrize("first, second", [("praetor", "consul"), ("consul", "praetor"), ("praetor", "praetor")])
def test_events_and_keys_of_another_datacenter(cluster, until, first, second):
    """A client asks its server, and that one a server of the other datacenter."""
    one = cluster.start(first, "one", *LEADER, f"-encrypt={KEYS[0]}")
    two = cluster.start(second, "two", *LEADER, "-datacenter=dc2", f"-encrypt={KEYS[0]}",
                        f"-retry-join-wan={one.address}")
    client = cluster.start(second, "client", f"-retry-join={one.address}", f"-encrypt={KEYS[0]}")
    agree(until, [one, two], all_alive("one.dc1", "two.dc2"), wan=True)
    for agent in (one, client, two):
        for name in ("dc1", "dc2"):
            until(lambda agent=agent, name=name: agent.call("PUT", f"/v1/kv/ready?dc={name}", b"")[0], 200)

    client.put("/v1/event/fire/deploy?dc=dc2", b"now")
    until(two.events, ["deploy"])
    two.put("/v1/event/fire/back?dc=dc1&node=one")
    until(one.events, ["back"])
    assert client.events() == []

    def pools(agent):
        return sorted((each["WAN"], each["Datacenter"], each["NumNodes"], each["Keys"]) for each in
                      agent.get("/v1/operator/keyring"))

    wanted = [(False, "dc1", 2, {KEYS[0]: 2}), (False, "dc2", 1, {KEYS[0]: 1})]
    for agent in (one, two):
        until(lambda agent=agent: pools(agent), lambda found: found[:2] == wanted and found[2][3] == {KEYS[0]: 2})
    code, text = one.cli("keyring", f"-install={KEYS[1]}")
    assert code == 0, text
    until(lambda: pools(two)[:2], [(False, "dc1", 2, {key: 2 for key in KEYS[:2]}),
                                   (False, "dc2", 1, {key: 1 for key in KEYS[:2]})])
    assert len(one.get("/v1/operator/keyring?local-only=1")) == 1


def test_coordinates_are_measured(cluster, until):
    fast = ('-hcl=gossip_lan { probe_interval = "100ms" }', '-hcl=gossip_wan { probe_interval = "100ms" }')
    one = cluster.start("praetor", "one", *LEADER, *fast)
    two = cluster.start("praetor", "two", *SERVER, *fast, f"-join={one.address}")
    agree(until, [one, two], all_alive("one", "two"))
    until(lambda: any(one.get("/v1/agent/self")["Coord"]["Vec"]), True)
    agree(until, [one, two], all_alive("one.dc1", "two.dc1"), wan=True)

    def rtt():
        return one.cli("rtt", "-wan", "one.dc1", "two.dc1")

    code, text = until(rtt, lambda answer: answer[0] == 0)
    assert text.startswith("Estimated one.dc1 <-> two.dc1 rtt: ") and text.endswith(" ms (using WAN coordinates)\n")


def test_exec_runs_where_it_is_allowed(cluster, until):
    one = cluster.start("praetor", "one", *LEADER, "-hcl=disable_remote_exec = false")
    two = cluster.start("praetor", "two", *SERVER, f"-join={one.address}")  # off unless it is asked for
    agree(until, [one, two], all_alive("one", "two"))
    until(lambda: one.get("/v1/catalog/nodes") != [], True)
    code, text = until(lambda: one.cli("exec", "echo hello; exit 4"), lambda answer: "1 / 1" in answer[1])
    assert code == 2 and "    one: hello" in text and "==> one: finished with exit code 4" in text
    until(two.tail, lambda log: "ignoring remote exec event, disabled." in log)
