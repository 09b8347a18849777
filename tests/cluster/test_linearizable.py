"""The checker of histories can fail, and does not fail for nothing."""

import random

import pytest

from linearizable import Operation, first_misfit


def read(began, ended, value):
    return Operation("read", began, ended, value)


def put(began, ended, value):
    return Operation("write", began, ended, value)


def cas(began, ended, expected, value, swapped=True):
    return Operation("cas", began, ended, value, expected, swapped)


GOOD = {
    "nothing": [],
    "one after the other": [put(0, 1, "a"), read(2, 3, "a"), put(4, 5, "b"), read(6, 7, "b")],
    "a key that is not there yet": [read(0, 1, None), put(2, 3, "a")],
    "a read beside a write sees either": [put(0, 1, "a"), put(2, 9, "b"), read(3, 4, "a"), read(5, 6, "b")],
    "writes side by side take any order": [put(0, 9, "a"), put(1, 8, "b"), read(10, 11, "a")],
    "an unknown write that happened late": [put(0, 1, "a"), put(2, None, "b"), read(3, 4, "a"), read(5, 6, "b")],
    "an unknown write that never happened": [put(0, 1, "a"), put(2, None, "b"), read(3, 4, "a"), read(5, 6, "a")],
    "a swap that nobody knows of": [put(0, 1, "a"), cas(2, None, "a", "b"), read(3, 4, "a"), read(5, 6, "b")],
    "an unseen write lets a swap fail": [put(0, 1, "a"), put(2, None, "b"), cas(3, 4, "a", "c", False), put(5, 6, "d")],
    "swaps in a chain": [cas(0, 1, None, "a"), cas(2, 3, "a", "b"), cas(4, 5, "a", "c", False), read(6, 7, "b")],
}
BAD = {
    "an acknowledged write is lost": [put(0, 1, "a"), put(2, 3, "b"), read(4, 5, "a")],
    "a write is seen and gone again": [put(0, 1, "a"), put(2, 9, "b"), read(3, 4, "b"), read(5, 6, "a")],
    "a value that nobody wrote": [put(0, 1, "a"), read(2, 3, "x")],
    "a value of the future": [put(0, 1, "a"), read(2, 3, "b"), put(4, 5, "b")],
    "a key that is gone": [put(0, 1, "a"), read(2, 3, None)],
    "an unknown write that is seen, and then is not": [put(0, 1, "a"), put(2, None, "b"), read(3, 4, "b"), read(5, 6, "a")],
    "two swaps of one value": [put(0, 1, "a"), cas(2, 9, "a", "b"), cas(3, 8, "a", "c")],
    "a swap fails though nothing changed": [put(0, 1, "a"), cas(2, 3, "a", "b", False)],
    "a swap of what was replaced": [put(0, 1, "a"), put(2, 3, "b"), cas(4, 5, "a", "c")],
    "two readers disagree on the order": [put(0, 9, "a"), put(0, 9, "b"), read(10, 11, "a"), read(12, 13, "b")],
}


@pytest.mark.parametrize("name", GOOD)
def test_histories_that_are(name):
    assert first_misfit(GOOD[name]) is None


@pytest.mark.parametrize("name", BAD)
def test_histories_that_are_not(name):
    assert first_misfit(BAD[name]) in BAD[name]


def of_a_register(seed, count, lose):
    """What five clients saw of a true register; some never heard of their write. With one late answer from the past."""
    chance, now, state, free = random.Random(seed), 0.0, None, [0.0] * 5
    past, made = [], []
    for number in range(count):
        client = min(range(5), key=lambda one: free[one])
        began = max(free[client], now) + chance.random()
        at, ended = began + 3 * chance.random(), began + 4
        now, free[client] = began, ended
        made.append((at, began, ended, number, chance.random(), chance.random()))
    done = []
    for at, began, ended, number, kind, luck in sorted(made):
        if kind < 0.5:
            done.append(read(began, ended, state))
        elif luck < lose:
            done.append(put(began, None, f"lost {number}"))
            state = f"lost {number}" if luck < lose / 2 else state
        elif kind < 0.8:
            done.append(put(began, ended, f"put {number}"))
            state = f"put {number}"
        else:
            expected = state if luck < 0.7 or not past else chance.choice(past)
            done.append(cas(began, ended, expected, f"cas {number}", expected == state))
            state = f"cas {number}" if expected == state else state
        if state is not None:
            past.append(state)
    return done


@pytest.mark.parametrize("seed", range(10))
def test_a_long_history_of_a_true_register(seed):
    assert first_misfit(of_a_register(seed, 2000, 0.05)) is None


@pytest.mark.parametrize("seed", range(10))
def test_a_long_history_with_one_old_answer(seed):
    history = of_a_register(seed, 2000, 0.05)
    reads = [at for at, one in enumerate(history) if one.kind == "read" and at > 1000 and one.value is not None]
    old = next(one.value for one in history if one.kind == "read" and one.value is not None)
    history[reads[0]] = history[reads[0]]._replace(value=old)
    assert first_misfit(history) is not None
