"""Three servers and 300 client agents, each a process."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

from compatlib.clusters import leader_of, settled, start_servers, write

CLIENTS = 300
SERVICE = json.dumps({"Name": "web", "Port": 80, "Check": {"TTL": "3600s", "Status": "passing"}}).encode()


def alive(agent):
    return sum(status == "alive" for status in agent.members().values())


def test_three_hundred_clients_outlive_a_server(cluster, until):
    began = time.monotonic()

    def note(what):
        print(f"{time.monotonic() - began:6.1f} s: {what}")

    servers = start_servers(cluster, ["praetor"] * 3)
    settled(servers)
    clients = [cluster.add("praetor", f"c{number}") for number in range(CLIENTS)]
    for number, client in enumerate(clients):
        client.spawn(f"-retry-join={servers[number % 3].address}", '-hcl=retry_interval = "1s"', "-log-level=info")
    note("started")
    for server in servers:
        until(lambda server=server: alive(server), CLIENTS + 3, 120)
    note("all servers see all members")
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda client: client.put("/v1/agent/service/register", SERVICE), clients))
        note("all have registered")
        for server in servers:
            until(lambda server=server: len(server.get("/v1/health/service/web?passing")), CLIENTS, 120)
        note("all servers know all services, and that they pass")
        leader = leader_of(servers)
        leader.kill()
        note("the leader is killed")

        def answers(client):
            until(lambda: write(client, f"from/{client.name}", "x"), True, 60)
            return len(client.get("/v1/health/service/web?passing"))

        found = list(pool.map(answers, clients))
        note("every client has written and read")
    assert found == [CLIENTS] * CLIENTS
    others = [server for server in servers if server is not leader]
    for server in others:
        assert len(json.loads(server.call("GET", "/v1/kv/from/?keys&consistent")[1])) == CLIENTS
    # Nobody but the server that was killed is taken for dead.
    for server in others:
        until(lambda server=server: server.members()[leader.name], "failed", 60)
        assert alive(server) == CLIENTS + 2
    note("only the killed server is missed")
