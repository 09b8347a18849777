"""What arrives at a running agent and is not what it should be: a clear answer, and the agent keeps serving.

Only on Praetor: where Consul differs the limits are Praetor's own (docs/limits.md), and what both answer alike is compared
in tests/compat.
"""

import json
import os
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from compatlib import binaries
from client import call, get, put, until

KIB, MIB = 1 << 10, 1 << 20
IDLE_CONNECTIONS = 10_000


@pytest.fixture
def server(launch, praetor_binary):
    return launch(praetor_binary, flags=["-hcl=limits { http_max_conns_per_client = 15000 }"])


def connect(agent, kind="http", timeout=30):
    return socket.create_connection(("127.0.0.1", agent.ports[kind]), timeout)


def send_all(sock, data):
    """False when the other side stopped reading before it was all sent."""
    try:
        sock.sendall(data)
        return True
    except (BrokenPipeError, ConnectionResetError):
        return False


def flood(sock, block, seconds=30):
    """Sends until the other side has had enough: it may read on for a while (2 s), so that its answer is seen."""
    deadline = time.monotonic() + seconds
    while send_all(sock, block):
        assert time.monotonic() < deadline, "it reads on and on"


def flood_all(agent, floods):
    """Each (start, block) on a connection of its own, all at once; each must end."""
    def one(start, block):
        with connect(agent) as sock:
            assert send_all(sock, start)
            flood(sock, block)

    with ThreadPoolExecutor(len(floods)) as pool:
        for done in [pool.submit(one, start, block) for start, block in floods]:
            done.result()


def answer_of(sock):
    """Everything until the other side closes."""
    received = b""
    try:
        while chunk := sock.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def exchange(agent, data):
    with connect(agent) as sock:
        send_all(sock, data)
        return answer_of(sock)


def resident(agent):
    """MiB of memory; a sanitizer build's say nothing."""
    if binaries.sanitized():
        return 0
    with open(f"/proc/{agent.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def descriptors(agent):
    return len(os.listdir(f"/proc/{agent.process.pid}/fd"))


def serves(agent):
    """It takes a write and gives it back, and nobody's mess is in the store."""
    put(agent, "/v1/kv/still", b"serving")
    assert call(agent, "GET", "/v1/kv/still?raw").body == b"serving"
    assert get(agent, "/v1/kv/?keys") == ["still"]


HEAD = "PUT {} HTTP/1.1\r\nHost: x\r\n{}\r\n\r\n"


@pytest.mark.parametrize("path, text", [("/v1/kv/big", b"too large, max size: 524288"), ("/v1/txn", b"too large, max size: 524288"),
                                        ("/v1/agent/service/register", b""), ("/v1/catalog/register", b"")])
@pytest.mark.parametrize("length", [9 * 10**18, 2**63, 2**64, 10**40, -1])
def test_content_length_that_cannot_be(server, path, text, length):
    answer = exchange(server, HEAD.format(path, f"Content-Length: {length}").encode() + b"x" * 100)
    status, _, rest = answer.partition(b"\r\n")
    assert status.split(b" ")[1] in (b"400", b"413"), answer[:500]
    if length == 9 * 10**18 and text:
        assert text in rest, answer[:500]
    serves(server)


def test_oversized_bodies(server):
    before = resident(server)
    for path, size in (("/v1/kv/big", 512 * KIB + 1), ("/v1/kv/big", 64 * MIB), ("/v1/txn", 64 * MIB)):
        answer = exchange(server, HEAD.format(path, f"Content-Length: {size}\r\nConnection: close").encode() + b"x" * size)
        assert answer.startswith(b"HTTP/1.1 413 "), (path, size, answer[:200])
    assert call(server, "PUT", "/v1/kv/still", b"x" * 512 * KIB).status == 200
    assert resident(server) < before + 40
    serves(server)


def test_chunked_body_without_end(server):
    """Refused when its limit is reached, however the chunks are cut, and not kept."""
    before = resident(server)
    head = HEAD.format("/v1/kv/endless", "Transfer-Encoding: chunked").encode()
    blocks = [(f"{chunk:x}\r\n".encode() + b"x" * chunk + b"\r\n") * (MIB // chunk) for chunk in (1, 1000, MIB)]
    for block in blocks:
        with connect(server) as sock:
            assert send_all(sock, head + block)
            answer = sock.recv(4096)
            assert answer.startswith(b"HTTP/1.1 413 "), answer[:200]
    flood_all(server, [(head, block) for block in blocks])
    assert resident(server) < before + 40
    serves(server)


def test_heads_without_end(server):
    flood_all(server, [(b"GET /", b"a" * MIB), (b"GET / HTTP/1.1\r\nX: ", b"a" * MIB),
                       (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 10000)])
    serves(server)


def test_slow_clients(server):
    """Clients that send a byte now and then, or do not read their answers, cost nobody else anything."""
    put(server, "/v1/kv/slow", b"x" * 500 * KIB)
    slow = [connect(server) for _ in range(300)]
    request = HEAD.format("/v1/kv/slow", "Content-Length: 100000").encode()
    for n, sock in enumerate(slow):
        if n % 3 == 0:
            send_all(sock, request[:1 + n % len(request)])
        elif n % 3 == 1:
            send_all(sock, request + b"x" * n)
        else:
            send_all(sock, b"GET /v1/kv/slow?raw HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    before = resident(server)
    for _ in range(20):
        for sock in slow:
            if slow.index(sock) % 3 != 2:
                send_all(sock, b"x")
        assert call(server, "GET", "/v1/status/leader", timeout=10).status == 200
    assert resident(server) < before + 100
    for sock in slow:
        sock.close()
    put(server, "/v1/kv/slow", b"")
    assert call(server, "DELETE", "/v1/kv/slow").status == 200
    serves(server)


def test_requests_without_reading(server):
    """One connection that asks for more and more, and reads nothing: no answers are kept for it."""
    before = resident(server)
    request = b"GET /v1/agent/self HTTP/1.1\r\nHost: x\r\n\r\n"
    count = 150 * MIB // len(call(server, "GET", "/v1/agent/self").body)
    with connect(server, timeout=1) as sock:
        try:
            sock.sendall(request * count)
        except TimeoutError:
            pass  # it does not read on, as it should
        for _ in range(20):
            assert call(server, "GET", "/v1/status/leader", timeout=10).status == 200
        assert resident(server) < before + 40
    serves(server)


def test_idle_connections(server):
    before, memory = descriptors(server), resident(server)
    idle = []
    try:
        for _ in range(IDLE_CONNECTIONS):
            try:
                idle.append(connect(server))
            except OSError as error:
                pytest.skip(f"this machine gives {len(idle)} connections: {error}")
        until(lambda: descriptors(server) - before, lambda count: count >= IDLE_CONNECTIONS - 10)
        assert resident(server) < memory + 60
        serves(server)
        for sock in random.sample(idle, 100):  # they are all alive
            sock.sendall(b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sock.recv(65536).startswith(b"HTTP/1.1 200 OK")
    finally:
        for sock in idle:
            sock.close()
    until(lambda: descriptors(server), lambda count: count <= before + 4)
    serves(server)


BAD_UTF8 = [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80abc", b"a\x00b"]


def test_invalid_utf8(server):
    """In a path, a parameter, a header, a body of JSON and a filter: an answer, and JSON that others can read."""
    for bad in BAD_UTF8:
        body = b'{"Name": "' + bad + b'", "Tags": ["' + bad + b'"], "Meta": {"' + bad + b'": "x"}}'
        size = f"Content-Length: {len(body)}\r\nConnection: close".encode()
        escaped = b"".join(b"%%%02x" % byte for byte in bad)
        for head in (b"PUT /v1/agent/service/register HTTP/1.1\r\nHost: x\r\n" + size + b"\r\n\r\n" + body,
                     b"GET /v1/catalog/service/" + bad + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                     b"GET /v1/catalog/service/" + escaped + b"?tag=" + escaped + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                     b"GET /v1/catalog/nodes?filter=Node==%22" + escaped + b"%22 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                     b"GET /v1/agent/self HTTP/1.1\r\nHost: x\r\nX-Consul-Token: " + bad + b"\r\nConnection: close\r\n\r\n",
                     b"PUT /v1/event/fire/" + escaped + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"):
            answer = exchange(server, head)
            assert answer.startswith(b"HTTP/1.1 "), (head, answer[:200])
            assert answer.split(b" ", 2)[1] in (b"200", b"400", b"500"), (head, answer[:300])
    for path in ("/v1/agent/services", "/v1/catalog/services", "/v1/event/list"):
        json.loads(call(server, "GET", path).body.decode("utf-8"))
    for bad in BAD_UTF8:
        name = "".join(f"%{byte:02x}" for byte in bad)
        if call(server, "PUT", f"/v1/kv/{name}", bad).status == 200:
            assert call(server, "GET", f"/v1/kv/{name}?raw").body == bad
            json.loads(call(server, "GET", f"/v1/kv/{name}").body.decode("utf-8"))
            assert call(server, "DELETE", f"/v1/kv/{name}").status == 200
    serves(server)


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}"), ('{"Meta":{"a":', "}}"), ('{"Check":', "}"),
                                              ('{"Definition":{"a":', "}}"), ('[{"KV":', "}]")])
def test_deep_json(server, opening, closing):
    """Up to what the endpoint takes, whole and cut off."""
    for path, size in (("/v1/agent/service/register", 400 * KIB), ("/v1/agent/check/register", 400 * KIB),
                       ("/v1/catalog/register", 400 * KIB), ("/v1/txn", 400 * KIB), ("/v1/query", 400 * KIB),
                       ("/v1/session/create", 400 * KIB), ("/v1/catalog/register", 8 * MIB)):
        depth = size // (len(opening) + len(closing))
        for text in (opening * depth, opening * depth + "1" + closing * depth):
            answer = call(server, "POST" if path == "/v1/query" else "PUT", path, text.encode())
            assert answer.status in (400, 413, 500), (path, answer.status)
            assert answer.body and len(answer.body) < 1000, (path, answer.body[:300])
    serves(server)


def test_deep_filters(server):
    for text in ("(" * 5000, "not " * 5000 + "ServiceName == x", "(" * 5000 + "Node == x" + ")" * 5000, "Node == x and " * 3000):
        answer = call(server, "GET", "/v1/catalog/nodes?filter=" + text.replace(" ", "%20"))
        assert answer.status in (400, 500) and len(answer.body) < 100 * KIB, (text[:20], answer.status)
    serves(server)


def test_noise(server):
    """Random bytes on every port, UDP and TCP."""
    chance = random.Random(4711)
    for kind in ("http", "dns"):
        for _ in range(200):
            with connect(server, kind) as sock:
                send_all(sock, chance.randbytes(chance.randrange(1, 3000)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(2000):
            sock.sendto(chance.randbytes(chance.randrange(0, 2000)), ("127.0.0.1", server.ports["dns"]))
    before = descriptors(server)
    until(lambda: descriptors(server), lambda count: count <= before)
    serves(server)


def test_request_that_stops_in_the_middle(server):
    """Cut at every byte and closed: nothing of it is done, nothing is kept."""
    request = HEAD.format("/v1/kv/half", "Content-Length: 5").encode() + b"whole"
    before = descriptors(server)
    for end in range(len(request)):
        with connect(server) as sock:
            send_all(sock, request[:end])
    until(lambda: descriptors(server), lambda count: count <= before + 4)
    serves(server)
