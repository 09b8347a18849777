"""Clusters of real processes: tests/compat/compatlib/clusters.py says how they are made."""

import os
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "compat"))

from compatlib import binaries, clusters  # noqa: E402
from compatlib.waiting import until  # noqa: E402

ISOLATED = "PRAETOR_TEST_ISOLATED"
# Namespaces of its own for mounts, network and processes: what it leaves ends with it. Nobody has to be root.
UNSHARE = ["unshare", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


def pytest_configure(config):
    config.addinivalue_line("markers", "isolated: runs in namespaces of its own, where it may mount and cut wires")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test that is marked so is run by another pytest, in namespaces of its own."""
    if pyfuncitem.get_closest_marker("isolated") is None or os.environ.get(ISOLATED):
        return None
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False, timeout=30).returncode != 0:
        pytest.skip("this machine gives no namespaces: " + " ".join(UNSHARE))
    done = subprocess.run([*UNSHARE, sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", pyfuncitem.nodeid],
                          cwd=str(pyfuncitem.config.rootpath), env=os.environ | {ISOLATED: "1"}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False)
    print(done.stdout)
    if done.returncode != 0:
        pytest.fail(f"in namespaces of its own:\n{done.stdout}", pytrace=False)
    if " skipped" in done.stdout:
        pytest.skip(done.stdout[-300:])
    return True


def find(program):
    path = binaries.path_of(program)
    if not os.access(path, os.X_OK):
        pytest.skip(f"no {path}" + (": scripts/peers consul" if program == "consul" else ": scripts/build"))
    return path


@pytest.fixture
def cluster(tmp_path):
    if os.environ.get(ISOLATED):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    made = clusters.Cluster(str(tmp_path), find)
    yield made
    made.close()


@pytest.fixture(name="until")
def until_fixture():
    return until
