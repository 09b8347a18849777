"""Was a recorded history of one key linearizable? A search in the way of Wing and Gong, with Lowe's memory of what was tried.

Every write has a value of its own, which tells more than a register usually does: an unknown write that somebody read
has happened, before the first such read ended.
"""

import math
from typing import NamedTuple, Optional

STEPS = 2_000_000  # a history that takes more has no verdict


class Operation(NamedTuple):
    """`began` to `ended` on one clock. ended is None of a write that may or may not have happened, then or later."""
    kind: str                      # "read", "write" or "cas"
    began: float
    ended: Optional[float]
    value: Optional[str]           # what was read or is to be written; None: no such key
    expected: Optional[str] = None  # what a cas replaces; None: nothing
    swapped: bool = True           # what a cas said


class Undecided(Exception):
    """The search took too long."""


def after(operation, state):
    """(whether the operation can happen now, the state behind it)."""
    if operation.kind == "read":
        return state == operation.value, state
    if operation.kind == "write":
        return True, operation.value
    if operation.swapped or operation.ended is None:
        return state == operation.expected, operation.value
    return state != operation.expected, state


def _bounded(operations):
    """Those that have an end, and the unknown ones that nobody is known to have seen."""
    seen = {}
    for one in operations:
        found = one.value if one.kind == "read" else one.expected if one.kind == "cas" and one.swapped else None
        if found is not None and one.ended is not None:
            seen[found] = min(seen.get(found, math.inf), one.ended)
    known, unseen = [], []
    for one in operations:
        if one.ended is not None:
            known.append((one.began, one.ended, one))
        elif one.value in seen:
            known.append((one.began, seen[one.value], one))
        elif one.kind != "read":
            unseen.append(one)
    return sorted(known, key=lambda entry: entry[:2]), sorted(unseen, key=lambda one: one.began)


def first_misfit(operations, state=None):
    """None when the history of one key, which began with `state`, is linearizable; else the operation that the longest
    order found could not be followed by."""
    known, unseen = _bounded(operations)

    def choices(low, done, lost, state):
        """The positions that can follow: all that began before the first of the rest has ended. Unseen ones last."""
        limit, at, found = math.inf, low, []
        while at < len(known) and known[at][0] <= limit:
            if at not in done:
                limit = min(limit, known[at][1])
                found.append(at)
            at += 1
        for at in found:
            possible, then = after(known[at][2], state)
            if known[at][0] <= limit and possible:
                reached, rest = low, done | {at}
                while reached in rest:
                    rest -= {reached}
                    reached += 1
                yield reached, rest, lost, then
        # An unseen one serves only to let a cas fail that would find what it expects. Plain writes serve alike.
        refused = (known[at][2] for at in found)
        if not any(one.kind == "cas" and not one.swapped and one.expected == state for one in refused):
            return
        plain = False
        for at, one in enumerate(unseen):
            possible, then = after(one, state)
            if at not in lost and one.began <= limit and possible and not (plain and one.kind == "write"):
                plain = plain or one.kind == "write"
                yield low, done, lost | {at}, then

    start = (0, frozenset(), frozenset(), state)
    tried, path, furthest = {start}, [choices(*start)], 0
    while path:
        step = next(path[-1], None)
        if step is None:
            path.pop()
        elif step[0] == len(known):
            return None
        elif step not in tried:
            if len(tried) > STEPS:
                raise Undecided(f"{len(tried)} steps, {furthest} of {len(known)} operations")
            tried.add(step)
            furthest = max(furthest, step[0])
            path.append(choices(*step))
    return known[furthest][2] if known else None
