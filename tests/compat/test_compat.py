"""Every scenario of the corpus, on the real Consul and on Praetor at the same time, compared step by step."""

import os
import re
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from compatlib import compare, runner
from compatlib import scenario as corpus
from differences import DIFFERENCES

HERE = os.path.dirname(os.path.abspath(__file__))
SCENARIOS = corpus.load(os.path.join(HERE, "corpus"))

SERVER_SIDE = "server: "             # a reason in pending.txt that begins so: the commands are there, their server is not


def _pending():
    with open(os.path.join(HERE, "pending.txt"), encoding="utf-8") as file:
        lines = [line.strip() for line in file if not line.startswith("#")]
    return [(line.partition("#")[0].strip(), line.partition("#")[2].strip()) for line in lines if line]


PENDING = _pending()


def _why_pending(one):
    for pattern, why in PENDING:
        if pattern == one.id or re.fullmatch(pattern, one.id):
            return why or "not there yet"
    return None


def _part(scenarios, every):
    """Some of every area: of each file each N-th that is not pending, beginning with its first."""
    areas = {}
    for one in scenarios:
        if not _why_pending(one):
            areas.setdefault(one.path, []).append(one)
    return [one for area in areas.values() for one in area[::every]]


def pytest_generate_tests(metafunc):
    if "one" in metafunc.fixturenames:
        config = metafunc.config
        wanted = config.getoption("--scenario")
        chosen = [each for pattern in wanted for each in corpus.select(SCENARIOS, pattern)] if wanted else SCENARIOS
        if config.getoption("--every"):
            chosen = _part(chosen, config.getoption("--every"))
        if config.getoption("--cli-only"):
            chosen = [each for each in chosen if any(step.area == "cli" for step in each.steps)]
        metafunc.parametrize("one", chosen, ids=lambda each: each.id)


def _compare(one, consul, praetor, agent, used_differences):
    with ThreadPoolExecutor(2) as pool:
        left, right = pool.submit(runner.run, one, consul), pool.submit(runner.run, one, praetor, agent)
        real, ours = left.result(), right.result()
    compare.apply(DIFFERENCES, one.id, real, "real", used_differences)
    compare.apply(DIFFERENCES, one.id, ours, "praetor", used_differences)
    return compare.diff(real, ours)


def test_side_by_side(one, consul, praetor, used_differences, failing, request):
    agent = consul if request.config.getoption("--cli-only") else None
    difference = _compare(one, consul, praetor, agent, used_differences)
    why = _why_pending(one)
    if difference and not why:
        # Two real programs with real timers on a loaded machine: what differs must differ twice. What was seen once is told.
        first, difference = difference, _compare(one, consul, praetor, agent, used_differences)
        if not difference:
            warnings.warn(f"{one.id} differed once and not again:\n{first}")
    if difference:
        failing.append(one.id)
        if why:
            _hold_the_commands(one, consul, praetor, why, agent, used_differences)
            pytest.xfail(f"{why}\n\n{difference}")
        pytest.fail(f"{one.id} (corpus/{one.path}:{one.line})\n\n{difference}", pytrace=False)
    if why and not (agent and why.startswith(SERVER_SIDE)):
        pytest.fail(f"{one.id} passes: take it off pending.txt", pytrace=False)


def _hold_the_commands(one, consul, praetor, why, agent, used_differences):
    """Where only the server's side is missing, the commands are compared on the real agent meanwhile."""
    if agent or not why.startswith(SERVER_SIDE):
        return
    difference = _compare(one, consul, praetor, consul, used_differences)
    if difference:
        pytest.fail(f"{one.id} (corpus/{one.path}:{one.line}), commands on the real agent\n\n{difference}", pytrace=False)


def test_every_listed_difference_shows(consul, praetor, used_differences, request):
    """A difference that no scenario shows any more is a stale claim."""
    options = request.config
    if options.getoption("--scenario") or options.getoption("--every") or options.getoption("--cli-only") or options.getoption("maxfail"):
        pytest.skip("only part of the corpus was run")
    assert {each.name for each in DIFFERENCES} == used_differences
