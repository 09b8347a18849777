#!/usr/bin/python3
"""Adds up what the test runners reported and prints the closing line of scripts/test.

  tests/runner/tally.py FOLDER

FOLDER holds, for each stage, STAGE.xml (JUnit, of ctest or pytest) and STAGE.exit (the runner's exit code).
A stage that failed without a failed test in its report (it crashed, timed out, leaked a process, wrote no
report) counts as one failed; so does one that ran no test. Exits 1 when anything failed or nothing ran.
"""
import os
import sys
import xml.etree.ElementTree


def count(report):
    """(passed, failed, skipped) of one JUnit text."""
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.fromstring(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            failed += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def stage(report, exit_code):
    """(passed, failed, skipped, what is odd or None); report is None when there is none."""
    odd = None
    try:
        passed, failed, skipped = count(report) if report is not None else (0, 0, 0)
        if report is None:
            odd = "wrote no report"
    except xml.etree.ElementTree.ParseError:
        passed, failed, skipped, odd = 0, 0, 0, "wrote a broken report"
    if odd is None and passed + failed + skipped == 0:
        odd = "ran no test"
    if odd is None and exit_code != 0 and failed == 0:
        odd = {124: "ran out of time", 125: "left processes behind"}.get(exit_code, f"exited with {exit_code}")
    if odd is not None and failed == 0:
        failed = 1
    return passed, failed, skipped, odd


def main(folder):
    total = [0, 0, 0]
    stages = sorted(name[:-len(".exit")] for name in os.listdir(folder) if name.endswith(".exit"))
    for name in stages:
        with open(os.path.join(folder, name + ".exit"), encoding="ascii") as file:
            exit_code = int(file.read())
        try:
            with open(os.path.join(folder, name + ".xml"), encoding="utf-8", errors="replace") as file:
                report = file.read()
        except FileNotFoundError:
            report = None
        *counts, odd = stage(report, exit_code)
        total = [a + b for a, b in zip(total, counts)]
        passed, failed, skipped = counts
        print(f"  {name:<12} {passed:>6} passed {failed:>4} failed {skipped:>4} skipped"
              + (f"  ({odd})" if odd else ""))
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
