"""JSON over HTTP with the standard library, and waiting for a condition with a bound."""

import json
import os
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "compat"))
from compatlib.waiting import until  # noqa: E402  pylint: disable=unused-import


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def call(agent, method, path, payload=None, timeout=30):
    """payload: bytes as they are, anything else as JSON. An error status is an answer, not an exception."""
    data = payload if isinstance(payload, bytes) or payload is None else json.dumps(payload).encode()
    request = urllib.request.Request(f"http://{agent.http}{path}", data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def get(agent, path, timeout=30):
    answer = call(agent, "GET", path, timeout=timeout)
    assert answer.status == 200, f"GET {path}: {answer.status} {answer.body!r}"
    return answer.json()


def put(agent, path, payload=None):
    answer = call(agent, "PUT", path, payload)
    assert answer.status == 200, f"PUT {path}: {answer.status} {answer.body!r}"
    return answer.body
