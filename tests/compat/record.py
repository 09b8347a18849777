#!/usr/bin/python3
"""Runs scenarios on the real Consul alone and prints what it says, normalised.

  tests/compat/record.py [--twice] [--list] [--binary FILE] [--praetor] PATTERN...

PATTERN is part of a scenario's id (`http/kv::put and get`), or a regular expression on it. --twice runs each two times and says
where the runs differ; a scenario is only fit for the corpus when they do not. --praetor prints what Praetor says instead."""

import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from compatlib import binaries, compare, runner, scenario as corpus  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="*")
    parser.add_argument("--twice", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--quiet", action="store_true", help="only say what differs")
    parser.add_argument("--praetor", action="store_true")
    parser.add_argument("--binary")
    parser.add_argument("--file", help="a scenario file outside the corpus")
    options = parser.parse_args()
    if options.file:
        with open(options.file, encoding="utf-8") as file:
            scenarios = corpus.parse(os.path.basename(options.file), file.read())
    else:
        scenarios = corpus.load(os.path.join(HERE, "corpus"))
    chosen = [one for pattern in options.pattern for one in corpus.select(scenarios, pattern)] \
        if options.pattern else scenarios
    if options.list:
        for one in chosen:
            print(f"{len(one.steps):4}  {one.id}")
        return 0
    if not chosen:
        print(f"no scenario matches {' '.join(options.pattern)}", file=sys.stderr)
        return 2
    binary = options.binary or (binaries.praetor() if options.praetor else binaries.consul())
    unequal = faulty = 0
    for one in chosen:
        began = time.monotonic()
        first = runner.run(one, binary)
        faults = [f"line {result.line}: {result.title}: {result.text}" for result in first if "!!" in result.text]
        if faults:
            faulty += 1
            print(f"=== {one.id}: FAULTS\n" + "\n".join(faults))
        if not options.quiet:
            print(f"=== {one.id} ({time.monotonic() - began:.1f} s)\n{compare.render(first)}")
        if options.twice:
            difference = compare.diff(first, runner.run(one, binary))
            if difference:
                unequal += 1
                print(f"=== {one.id}: NOT THE SAME TWICE\n{difference}\n")
    if options.twice:
        print(f"{len(chosen)} scenarios run twice, {unequal} of them unequal")
    if faulty:
        print(f"{faulty} scenarios with a fault (!!)")
    return 1 if unequal or faulty else 0


if __name__ == "__main__":
    sys.exit(main())
