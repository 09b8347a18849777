"""dig and curl as a shell user has them."""

import json
import shutil
import subprocess
import time

import pytest

from client import call, get, put, until


FORMAT = "%{num_connects} %{http_code}\n"  # connections it had to open, status


def register(agent, name, ident, address, port, tags=()):
    put(agent, "/v1/agent/service/register",
        {"Name": name, "ID": ident, "Address": address, "Port": port, "Tags": list(tags)})
    until(lambda: ident in [one["ServiceID"] for one in get(agent, f"/v1/catalog/service/{name}")], True)


def test_dig(agent, dig):
    register(agent, "web", "web-1", "10.0.0.1", 8001, ["v1"])
    register(agent, "web", "web-2", "10.0.0.2", 8002)
    assert sorted(dig(agent, "web.service.consul", "A")) == ["10.0.0.1", "10.0.0.2"]
    assert sorted(dig(agent, "web.service.consul", "A", "+tcp")) == ["10.0.0.1", "10.0.0.2"]
    srv = sorted(dig(agent, "web.service.consul", "SRV"))
    assert srv == ["1 1 8001 0a000001.addr.dc1.consul.", "1 1 8002 0a000002.addr.dc1.consul."]
    assert dig(agent, "0a000001.addr.dc1.consul", "A") == ["10.0.0.1"]
    assert dig(agent, "v1.web.service.consul", "A") == ["10.0.0.1"]
    assert dig(agent, "_web._v1.service.consul", "SRV") == ["1 1 8001 0a000001.addr.dc1.consul."]
    assert dig(agent, "compat-node.node.consul", "A") == ["127.0.0.1"]
    assert dig(agent, "none.service.consul", "A") == []


@pytest.fixture
def curl():
    if not shutil.which("curl"):
        pytest.skip("no curl")
    processes = []

    def start(*arguments):
        process = subprocess.Popen(["curl", "-sS", "--max-time", "30", *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_curl_long_poll(agent, curl):
    put(agent, "/v1/kv/watched", b"before")
    index = call(agent, "GET", "/v1/kv/watched").headers["X-Consul-Index"]
    poll = curl("-i", f"http://{agent.http}/v1/kv/watched?raw&index={index}&wait=20s")
    time.sleep(0.3)  # not synchronisation: gives a wrong answer the time to come early
    assert poll.poll() is None
    put(agent, "/v1/kv/watched", b"after")
    head, _, body = poll.communicate(timeout=15)[0].partition("\n\n")
    assert head.splitlines()[0] == "HTTP/1.1 200 OK" and body == "after"
    headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:])
    assert int(headers["x-consul-index"]) > int(index)


def test_curl_long_poll_times_out_with_the_same_answer(agent, curl):
    put(agent, "/v1/kv/still", b"same")
    before = call(agent, "GET", "/v1/kv/still")
    out = curl("-i", f"http://{agent.http}/v1/kv/still?raw&index={before.headers['X-Consul-Index']}&wait=300ms")
    text = out.communicate(timeout=15)[0]
    # 200 with the body, never 304.
    assert text.startswith("HTTP/1.1 200 OK") and text.endswith("\n\nsame")
    assert f"X-Consul-Index: {before.headers['X-Consul-Index']}\n" in text.replace("\r", "")


def test_curl_keeps_the_connection(agent, curl):
    url = f"http://{agent.http}/v1/kv/kept"
    out = curl("-X", "PUT", "--data-binary", "x" * 3000, "-w", FORMAT, url, "--next", "-sS",
               "--compressed", "-w", FORMAT, url + "?raw", "--next", "-sS",
               "-w", FORMAT, f"http://{agent.http}/v1/kv/absent")
    lines = out.communicate(timeout=15)[0].splitlines()
    assert lines == ["true", "1 200", "x" * 3000 + "0 200", "0 404"]


def test_curl_registers_from_stdin(agent, curl):
    body = json.dumps({"service": {"name": "wrong"}})
    refused = curl("-w", "%{http_code}", "-X", "PUT", "--data", body, f"http://{agent.http}/v1/agent/service/register")
    assert refused.communicate(timeout=15)[0] == 'Request decode failed: json: unknown field "service"400'
