"""Options and the peer: --scenario picks some; the real Consul is fetched by scripts/peers when it is not there."""

import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from compatlib import binaries, compare, runner  # noqa: E402,F401


def pytest_addoption(parser):
    parser.addoption("--scenario", action="append", default=[], help="only scenarios whose id contains or matches this")
    parser.addoption("--every", type=int, metavar="N", help="of each file only each N-th scenario, beginning with the first")
    parser.addoption("--cli-only", action="store_true", help="Praetor's commands against the real Consul's agent")
    parser.addoption("--write-pending", action="store_true", help="write the ids of what fails into pending.txt")


@pytest.fixture(scope="session")
def consul():
    path = binaries.consul()
    fetch = os.path.join(binaries.ROOT, "scripts", "peers")
    if not os.path.exists(path) and "CONSUL_BIN" not in os.environ and os.access(fetch, os.X_OK):
        subprocess.run([fetch], timeout=600, check=False)
    if not os.access(path, os.X_OK):
        pytest.skip(f"the real Consul 1.8.7 is not at {path} and scripts/peers could not fetch it")
    return path


@pytest.fixture(scope="session")
def praetor():
    path = binaries.praetor()
    if not os.access(path, os.X_OK):
        pytest.skip(f"Praetor is not built: no {path}")
    return path


@pytest.fixture(scope="session")
def used_differences():
    return set()


@pytest.fixture(scope="session")
def failing(request):
    """The ids of the scenarios that differ; written to pending.txt at the end when asked."""
    found = []
    yield found
    if request.config.getoption("--write-pending"):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pending.txt")
        with open(path, encoding="utf-8") as file:
            head = [line for line in file if line.startswith("#")]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(head + [f"{one}\n" for one in found])
