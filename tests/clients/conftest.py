"""Agents of either program for the client tests. Each test runs on the real Consul first: that proves the test."""

import os
import shutil
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "compat"))
sys.path.append(os.path.join(TOP, "build", "peers", "python"))

from compatlib import agents, binaries  # noqa: E402
from web import Web  # noqa: E402


def _binary(program):
    path = binaries.consul() if program == "consul" else binaries.praetor()
    if not os.access(path, os.X_OK):
        pytest.skip(f"no {path}" + (": scripts/peers consul" if program == "consul" else ": scripts/build"))
    return path


# A sanitizer build is no news about Consul.
@pytest.fixture(params=["praetor"] if binaries.sanitized() else ["consul", "praetor"])
def binary(request):
    return _binary(request.param)


@pytest.fixture
def binary_of():
    """binary_of("consul"), binary_of("praetor"): for tests that differ between the two."""
    return _binary


@pytest.fixture
def praetor_binary():
    return _binary("praetor")


@pytest.fixture
def launch(tmp_path):
    """launch(binary, mode="dev", flags=(), files=(), ports=None): a running agent that ends with the test."""
    started = []

    def start(binary, mode="dev", flags=(), files=(), ports=None):
        own = ports or agents.choose_ports()
        agent = agents.Agent(binary, str(tmp_path), own, mode, flags, files)
        started.append((agent, ports is None))
        agent.start()
        return agent

    yield start
    faults = []
    for agent, chosen_here in started:
        try:
            agent.end()
        except agents.SanitizerError as error:
            faults.append(error)
        if chosen_here:
            agents.release_ports(agent.ports)
    if faults:
        raise faults[0]


@pytest.fixture
def ports():
    chosen = agents.choose_ports()
    yield chosen
    agents.release_ports(chosen)


@pytest.fixture
def agent(launch, binary):
    return launch(binary)


@pytest.fixture
def web():
    server = Web()
    yield server
    server.close()


@pytest.fixture
def dig():
    """dig(agent, NAME, TYPE, *more): the lines of `dig +short`."""
    if not shutil.which("dig"):
        pytest.skip("no dig (package dnsutils)")

    def ask(agent, name, kind, *more):
        line = ["dig", "+short", "+time=2", "+tries=2", "@127.0.0.1", "-p", str(agent.ports["dns"]), name, kind, *more]
        done = subprocess.run(line, capture_output=True, text=True, timeout=20, check=True)
        return done.stdout.splitlines()

    return ask
