"""Clusters of real processes: tests/compat/compatlib/clusters.py says how they are made."""

import os
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "compat"))

from compatlib import binaries, clusters  # noqa: E402
from compatlib.waiting import until  # noqa: E402


def find(program):
    path = binaries.path_of(program)
    if not os.access(path, os.X_OK):
        pytest.skip(f"no {path}" + (": scripts/peers consul" if program == "consul" else ": scripts/build"))
    return path


@pytest.fixture
def cluster(tmp_path):
    made = clusters.Cluster(str(tmp_path), find)
    yield made
    made.close()


@pytest.fixture(name="until")
def until_fixture():
    return until
