"""python3-consul (Debian's python-consul), unchanged, with either program."""

import threading

import pytest

from client import until

consul = pytest.importorskip("consul", reason="no python3-consul: scripts/peers python3-consul")


@pytest.fixture
def client(agent):
    return consul.Consul(host="127.0.0.1", port=agent.ports["http"])


def in_background(function):
    """Runs function in a thread; the result, or what it raised, comes from the returned function."""
    results = []

    def run():
        try:
            results.append((function(), None))
        except Exception as error:  # pylint: disable=broad-except
            results.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def result(timeout=20):
        thread.join(timeout)
        assert results, f"no answer after {timeout} s"
        value, error = results[0]
        if error:
            raise error
        return value

    return result


def deregister(client, kind, ident):
    """This version of the client still says GET, which Consul has refused since 1.0 (405): so over its own PUT."""
    assert getattr(client.agent, kind).deregister(ident) is False
    assert client.http.put(lambda answer: answer.code, f"/v1/agent/{kind}/deregister/{ident}") == 200


def test_service_life(client, web):
    """Registered with an HTTP check, discovered, watched by index, deregistered."""
    web.codes["/health"] = 200
    check = consul.Check.http(web.url("/health"), "30s")
    assert client.agent.service.register("web", service_id="web-1", address="10.1.2.3", port=8080,
                                         tags=["v1", "blue"], check=check)
    services = client.agent.services()
    assert services["web-1"]["Service"] == "web" and services["web-1"]["Port"] == 8080

    # The first probe comes somewhere in the first interval; nobody waits 30 s for it.
    index, instances = client.health.service("web")
    assert [one["Service"]["ID"] for one in instances] == ["web-1"]
    assert instances[0]["Service"]["Tags"] == ["v1", "blue"] and instances[0]["Service"]["Address"] == "10.1.2.3"
    checks = {one["CheckID"]: one for one in instances[0]["Checks"]}
    assert set(checks) == {"serfHealth", "service:web-1"} and checks["service:web-1"]["Type"] == "http"
    _, by_tag = client.catalog.service("web", tag="blue")
    assert len(by_tag) == 1
    _, absent = client.catalog.service("web", tag="green")
    assert absent == []
    _, names = client.catalog.services()
    assert sorted(names["web"]) == ["blue", "v1"]

    watch = in_background(lambda: client.health.service("web", index=index, wait="20s"))
    assert client.agent.service.register("web", service_id="web-2", port=8081)
    changed, instances = watch()
    assert int(changed) > int(index)
    # The service and its checks may come one after the other: a watcher asks again.
    while len(instances) < 2:
        changed, instances = client.health.service("web", index=changed, wait="20s")
    assert sorted(one["Service"]["ID"] for one in instances) == ["web-1", "web-2"]

    deregister(client, "service", "web-1")
    deregister(client, "service", "web-2")
    until(lambda: client.catalog.service("web")[1], [])
    assert "web-1" not in client.agent.services()


def test_http_check_runs(client, web):
    web.codes["/health"] = 200
    assert client.agent.service.register("api", port=1, check=consul.Check.http(web.url("/health"), "200ms"))

    def passing():
        return len(client.health.service("api", passing=True)[1])

    until(passing, 1)
    web.codes["/health"] = 503
    until(passing, 0)


def test_ttl_check(client):
    assert client.agent.check.register("beat", check=consul.Check.ttl("60s"), check_id="beat")
    assert client.agent.check.ttl_pass("beat") is False  # a GET as well
    for report, status in (("pass", "passing"), ("warn", "warning"), ("fail", "critical")):
        path = f"/v1/agent/check/{report}/beat"
        assert client.http.put(lambda answer: answer.code, path, params=[("note", "as told")]) == 200
        assert client.agent.checks()["beat"]["Status"] == status
        until(lambda: {one["CheckID"]: one["Status"] for one in client.health.state("any")[1]}["beat"], status)
    deregister(client, "check", "beat")
    assert "beat" not in client.agent.checks()


def test_kv(client):
    assert client.kv.get("none")[1] is None
    assert client.kv.put("a/one", b"\x00binary\xff", flags=2**63) is True
    _, entry = client.kv.get("a/one")
    assert entry["Value"] == b"\x00binary\xff" and entry["Flags"] == 2**63 and entry["LockIndex"] == 0
    assert client.kv.put("a/one", "lost", cas=0) is False
    assert client.kv.put("a/one", "won", cas=entry["ModifyIndex"]) is True
    client.kv.put("a/two", "2")
    client.kv.put("b/three", "3")
    assert [one["Key"] for one in client.kv.get("a/", recurse=True)[1]] == ["a/one", "a/two"]
    assert client.kv.get("", keys=True, separator="/")[1] == ["a/", "b/"]
    index, _ = client.kv.get("a/two")
    watch = in_background(lambda: client.kv.get("a/two", index=index, wait="20s"))
    assert client.kv.put("a/two", "changed") is True
    changed, entry = watch()
    assert entry["Value"] == b"changed" and int(changed) > int(index)
    assert client.kv.delete("a/", recurse=True) is True
    assert client.kv.get("a/", recurse=True)[1] is None
    assert client.kv.get("b/three")[1]["Value"] == b"3"


def test_sessions_and_locks(client):
    first = client.session.create(name="first", ttl=600, lock_delay=0)
    second = client.session.create(name="second", behavior="delete", lock_delay=0)
    assert {one["ID"] for one in client.session.list()[1]} == {first, second}
    assert client.session.info(first)[1]["Name"] == "first"
    assert client.kv.put("lock", "1", acquire=first) is True
    assert client.kv.put("lock", "2", acquire=second) is False
    entry = client.kv.get("lock")[1]
    assert entry["Session"] == first and entry["Value"] == b"1" and entry["LockIndex"] == 1
    assert client.session.renew(first)["ID"] == first
    assert client.kv.put("lock", "1", release=first) is True
    assert client.kv.put("lock", "2", acquire=second) is True
    assert client.session.destroy(second) is True
    assert client.kv.get("lock")[1] is None  # its behaviour was delete
    assert client.session.destroy(first) is True
    assert client.session.list()[1] == []


def test_status(client, agent):
    assert client.status.leader() == f"127.0.0.1:{agent.ports['server']}"
    assert client.status.peers() == [f"127.0.0.1:{agent.ports['server']}"]
    assert client.catalog.datacenters() == ["dc1"]
    assert client.agent.self()["Config"]["Datacenter"] == "dc1"
    assert [one["Status"] for one in client.agent.members()] == [1]
