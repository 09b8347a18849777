"""Every scenario of the corpus, on the real Consul and on Praetor at the same time, compared step by step."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from compatlib import compare, runner
from compatlib import scenario as corpus
from differences import DIFFERENCES

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
SCENARIOS = corpus.load(CORPUS)


def pytest_generate_tests(metafunc):
    if "one" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--scenario")
        chosen = [each for pattern in wanted for each in corpus.select(SCENARIOS, pattern)] if wanted else SCENARIOS
        metafunc.parametrize("one", chosen, ids=lambda each: each.id)


def test_side_by_side(one, consul, praetor, used_differences):
    with ThreadPoolExecutor(2) as pool:
        real, ours = pool.map(lambda binary: runner.run(one, binary), (consul, praetor))
    compare.apply(DIFFERENCES, one.id, real, "real", used_differences)
    compare.apply(DIFFERENCES, one.id, ours, "praetor", used_differences)
    difference = compare.diff(real, ours)
    if difference:
        pytest.fail(f"{one.id} (corpus/{one.path}:{one.line})\n\n{difference}", pytrace=False)
