"""Services and checks of an agent: in the catalog when the registration is answered, on disk whatever happens, in files that both programs read."""

import http.client
import json
import os
import random
import shutil
import signal
import threading

import pytest

from client import call, get, put, until

KILLS = 4
WORKERS = 6


def test_answered_means_told(agent):
    """Reading one's own registrations and reports, without waiting."""
    for n in range(20):
        put(agent, "/v1/agent/service/register",
            {"Name": "own", "ID": f"own-{n}", "Port": 8000 + n, "Check": {"TTL": "600s"}})
        assert len(get(agent, "/v1/health/service/own")) == n + 1
        put(agent, f"/v1/agent/check/pass/service:own-{n}")
        assert len(get(agent, "/v1/health/service/own?passing")) == n + 1
    put(agent, "/v1/agent/check/register", {"Name": "extra", "ServiceID": "own-3", "TTL": "600s"})
    assert len(get(agent, "/v1/health/service/own?passing")) == 19
    put(agent, "/v1/agent/check/deregister/extra")
    assert len(get(agent, "/v1/health/service/own?passing")) == 20
    put(agent, "/v1/agent/service/deregister/own-7")
    assert len(get(agent, "/v1/catalog/service/own")) == 19


class Worker(threading.Thread):
    """Registers (and now and then deregisters) one service after the other until the agent goes."""

    def __init__(self, agent, prefix, chance):
        super().__init__(daemon=True)
        self.port, self.prefix, self.chance = agent.ports["http"], prefix, chance
        self.there, self.unsure, self.answers = set(), set(), 0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            while True:
                remove = self.there and self.chance.random() < 0.2
                name = self.chance.choice(sorted(self.there)) if remove else f"{self.prefix}-{self.answers}"
                self.unsure = {name}
                if remove:
                    connection.request("PUT", f"/v1/agent/service/deregister/{name}")
                else:
                    connection.request("PUT", "/v1/agent/service/register",
                                       json.dumps({"Name": name, "Check": {"TTL": "3600s", "Status": "passing"}}))
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    continue
                self.unsure = set()
                self.answers += 1
                (self.there.discard if remove else self.there.add)(name)
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


def test_kill_under_registrations(launch, binary, ports):
    """kill -9 loses no registration and no deregistration that was answered, on the agent nor in the catalog."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    expected, unsure = set(), set()
    agent = launch(binary, mode="durable", ports=ports)
    for round_ in range(KILLS):
        workers = [Worker(agent, f"r{round_}w{n}", random.Random(chance.random())) for n in range(WORKERS)]
        for worker in workers:
            worker.start()
        wanted = chance.randrange(10, 200)
        until(lambda: sum(worker.answers for worker in workers), lambda count: count >= wanted)
        agent.stop()  # SIGKILL
        for worker in workers:
            worker.join(30)
            assert not worker.is_alive()
            expected |= worker.there
            unsure |= worker.unsure
        agent.start()
        found = set(until(lambda: get(agent, "/v1/agent/services"), lambda all_: expected - unsure <= set(all_)))
        assert found - unsure == expected - unsure, f"seed {seed}, kill {round_ + 1}"
        until(lambda: set(get(agent, "/v1/catalog/services")) - {"consul"}, found)
        expected = found
        unsure = set()
    checks = get(agent, "/v1/agent/checks")
    assert set(checks) == {f"service:{name}" for name in expected}


def _kept(agent):
    services = {name: (one["Port"], one["Tags"], one["Meta"]) for name, one in get(agent, "/v1/agent/services").items()}
    checks = {name: (one["Name"], one["Status"], one["Output"], one["Type"], one["ServiceID"])
              for name, one in get(agent, "/v1/agent/checks").items()}
    return services, checks


@pytest.mark.parametrize("first, second", [("consul", "praetor"), ("praetor", "consul"), ("praetor", "praetor")])
def test_files_change_hands(launch, first, second, ports):
    """What one program kept of services and checks the other one finds: only the log of consensus is its own."""
    from conftest import _binary  # pylint: disable=import-outside-toplevel
    agent = launch(_binary(first), mode="durable", ports=ports)
    put(agent, "/v1/agent/service/register",
        {"Name": "web", "Port": 80, "Tags": ["a"], "Meta": {"k": "v"}, "Checks": [
            {"CheckID": "beat", "Name": "heart beat", "TTL": "3600s"},
            {"CheckID": "port", "Name": "port", "TCP": "127.0.0.1:1", "Interval": "3600s"}]})
    put(agent, "/v1/agent/service/register", {"Name": "gone"})
    put(agent, "/v1/agent/check/register", {"Name": "node beat", "TTL": "3600s"})
    put(agent, "/v1/agent/check/pass/beat?note=fine")
    put(agent, "/v1/agent/service/maintenance/web?enable=true&reason=paint")
    put(agent, "/v1/agent/service/deregister/gone")
    before = _kept(agent)
    assert before[1]["beat"][1:3] == ("passing", "fine") and "gone" not in before[0]
    agent.stop(signal.SIGTERM)
    data = os.path.join(agent.folder, "data")
    assert sorted(os.listdir(os.path.join(data, "services"))) == ["2567a5ec9705eb7ac2c984033e06189d"]
    assert not os.path.exists(os.path.join(data, "registrations"))
    shutil.rmtree(os.path.join(data, "raft"))
    shutil.rmtree(os.path.join(data, "serf"), ignore_errors=True)
    agent = launch(_binary(second), mode="durable", ports=ports)
    assert until(lambda: _kept(agent), lambda kept: "beat" in kept[1]) == before


def test_a_killed_agent_leaves_consul_files_after_a_start_and_a_stop(launch, praetor_binary, ports):
    agent = launch(praetor_binary, mode="durable", ports=ports)
    for n in range(50):
        put(agent, "/v1/agent/service/register", {"Name": f"s{n}"})
    agent.stop()  # SIGKILL
    data = os.path.join(agent.folder, "data")
    assert os.path.exists(os.path.join(data, "registrations"))
    agent.start()
    agent.stop(signal.SIGTERM)
    assert len(os.listdir(os.path.join(data, "services"))) == 50
    assert not os.path.exists(os.path.join(data, "registrations"))


def test_a_damaged_journal_is_named(launch, praetor_binary, ports):
    agent = launch(praetor_binary, mode="durable", ports=ports)
    for name in ("first-of-all", "second"):
        put(agent, "/v1/agent/service/register", {"Name": name})
    agent.stop()  # SIGKILL
    folder = os.path.join(agent.folder, "data", "registrations")
    segment = os.path.join(folder, sorted(os.listdir(folder))[0])
    with open(segment, "r+b") as file:
        at = file.read().index(b"first-of-all")
        file.seek(at)
        file.write(b"F")
    with pytest.raises(Exception, match="move .*registrations away"):
        agent.start()
    shutil.rmtree(folder)
    agent.start()
    assert call(agent, "GET", "/v1/agent/services").status == 200
