"""What a newcomer does in the first hour, in the order of the usual tutorials."""

import json
import os
import subprocess

from client import call, get, put, until

REDIS = """{
  "ID": "redis-%(n)d",
  "Name": "redis",
  "Tags": ["%(tag)s"],
  "Address": "127.0.0.1",
  "Port": 600%(n)d,
  "Check": {"Name": "redis %(n)d answers", "HTTP": "%(url)s", "Interval": "200ms", "Timeout": "5s"}
}
"""
WEB_FILE = """{
  "service": {
    "id": "web-1", "name": "web", "tags": ["rails"], "port": 80,
    "check": {"name": "web is up", "http": "%s", "interval": "200ms"}
  }
}
"""


def instances(agent, service, passing=True):
    query = f"/v1/health/service/{service}" + ("?passing=true" if passing else "")
    return sorted(one["Service"]["ID"] for one in get(agent, query))


def status(agent, check):
    return {one["CheckID"]: one["Status"] for one in get(agent, "/v1/health/state/any")}.get(check)


def test_three_redis(agent, web, tmp_path):
    web.codes.update({"/1": 200, "/2": 200})  # nothing answers for the third: 404
    for number, tag in ((1, "primary"), (2, "replica"), (3, "replica")):
        payload = tmp_path / f"redis-{number}.json"
        payload.write_text(REDIS % {"n": number, "tag": tag, "url": web.url(f"/{number}")})
        line = ["curl", "-sS", "-w", "%{http_code}", "--request", "PUT", "--data", f"@{payload}",
                f"http://{agent.http}/v1/agent/service/register"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=20, check=True)
        assert done.stdout == "200"

    until(lambda: instances(agent, "redis"), ["redis-1", "redis-2"])
    assert instances(agent, "redis", passing=False) == ["redis-1", "redis-2", "redis-3"]
    until(lambda: status(agent, "service:redis-3"), "critical")
    third = [one for one in get(agent, "/v1/health/checks/redis") if one["ServiceID"] == "redis-3"]
    assert third[0]["Name"] == "redis 3 answers" and third[0]["Type"] == "http"
    assert "404" in until(lambda: get(agent, "/v1/agent/checks")["service:redis-3"]["Output"], bool)

    web.codes["/3"] = 200
    until(lambda: instances(agent, "redis"), ["redis-1", "redis-2", "redis-3"])
    web.codes["/3"] = 404
    until(lambda: status(agent, "service:redis-3"), "critical")
    web.codes["/3"] = 429
    until(lambda: status(agent, "service:redis-3"), "warning")
    assert instances(agent, "redis") == ["redis-1", "redis-2"]
    assert call(agent, "GET", "/v1/agent/health/service/name/redis?format=text").status == 429
    assert [one["Service"]["ID"] for one in get(agent, "/v1/health/service/redis?tag=primary")] == ["redis-1"]
    for number in (1, 2, 3):
        put(agent, f"/v1/agent/service/deregister/redis-{number}")
    until(lambda: instances(agent, "redis", passing=False), [])


def test_web_from_a_file_and_dns(launch, binary, web, dig):
    """A definition in the configuration folder; once its endpoint is gone, so is the name."""
    web.codes["/web"] = 200
    agent = launch(binary, files=[("web.json", WEB_FILE % web.url("/web"))])
    srv = until(lambda: dig(agent, "web.service.consul", "SRV"), bool)
    assert srv == ["1 1 80 compat-node.node.dc1.consul."]
    assert dig(agent, "web.service.consul", "A") == ["127.0.0.1"]
    assert dig(agent, "rails.web.service.consul", "A") == ["127.0.0.1"]
    del web.codes["/web"]
    until(lambda: dig(agent, "web.service.consul", "SRV"), [])
    web.codes["/web"] = 200
    until(lambda: dig(agent, "web.service.consul", "SRV"), srv)


def test_watch_posts_what_changed(launch, binary, web, ports):
    watch = {"watches": [{"type": "service", "service": "shop", "handler_type": "http",
                          "http_handler_config": {"path": web.url("/changed"), "method": "POST", "timeout": "10s",
                                                  "header": {"X-From": ["watch"]}}}]}
    agent = launch(binary, files=[("watch.json", json.dumps(watch))], ports=ports)

    def register(ident, port):
        put(agent, "/v1/agent/service/register", {"Name": "shop", "ID": ident, "Port": port})

    def has(*wanted):
        def accept(path, headers, body):
            found = sorted(one["Service"]["ID"] for one in json.loads(body) or [])
            return path == "/changed" and found == sorted(wanted)
        return accept

    register("shop-1", 1001)
    posted = web.wait_for_post(has("shop-1"))
    assert posted, f"no post about shop-1: {web.posts}"
    assert posted[1]["X-From"] == "watch" and int(posted[1]["X-Consul-Index"]) > 0
    register("shop-2", 1002)
    assert web.wait_for_post(has("shop-1", "shop-2")), f"no post about both: {web.posts}"
    put(agent, "/v1/agent/service/deregister/shop-1")
    assert web.wait_for_post(has("shop-2")), f"no post about shop-2 alone: {web.posts}"


def test_members(agent):
    done = subprocess.run([agent.binary, "members", f"-http-addr={agent.http}"], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["Node", "Address", "Status", "Type", "Build", "Protocol", "DC", "Segment"]
    assert lines[1] == ["compat-node", f"127.0.0.1:{agent.ports['serf_lan']}", "alive", "server", "1.8.7", "2", "dc1",
                        "<all>"]


def test_command_line(agent):
    environment = dict(os.environ, CONSUL_HTTP_ADDR=agent.http)

    def run(*line):
        return subprocess.run([agent.binary, *line], capture_output=True, text=True, timeout=20, check=False,
                              env=environment)

    assert run("catalog", "services").stdout == "consul\n"
    absent = run("kv", "get", "greeting")
    assert absent.returncode == 1 and "No key exists at: greeting" in absent.stderr
    assert run("kv", "put", "greeting", "hello").stdout == "Success! Data written to: greeting\n"
    assert run("kv", "get", "greeting").stdout == "hello\n"
    assert run("kv", "delete", "greeting").stdout == "Success! Deleted key: greeting\n"
