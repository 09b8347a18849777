"""Waiting for what must come true."""

import time

from compatlib import binaries


def until(probe, wanted, timeout=30):
    """Repeats probe() until it gives what is wanted (a value, or a predicate), and returns it; else fails."""
    accept = wanted if callable(wanted) else lambda value: value == wanted
    deadline = time.monotonic() + binaries.patience(timeout)
    while True:
        value = probe()
        if accept(value):
            return value
        assert time.monotonic() < deadline, f"after {timeout} s still {value!r}"
        time.sleep(0.05)
