#!/usr/bin/python3
"""Runs a command for at most so long, and lets none of its processes outlive it.

  tests/runner/contain.py SECONDS COMMAND [ARGUMENT...]

Exits as the command did; 124 when the time was up; 125 when the command succeeded and left processes behind.
Those are named and killed. For test runners: a forgotten agent would hold its ports against the next test.
"""
import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 2.0


def children():
    """The live children of this process: pid -> command line. Reaps the dead ones."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
            if int(parent) != os.getpid():
                continue
            if state == "Z":
                os.waitpid(int(name), os.WNOHANG)
                continue
            with open(f"/proc/{name}/cmdline", encoding="utf-8", errors="replace") as file:
                found[int(name)] = file.read().replace("\0", " ").strip()
        except (OSError, ValueError):
            continue  # gone meanwhile
    return found


def kill_all():
    """Orphans of a killed child become children of this process, so the loop ends with the last of them."""
    while alive := children():
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def interrupt(number, _frame):
    raise SystemExit(128 + number)


def main():
    if len(sys.argv) < 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    limit, command = float(sys.argv[1]), sys.argv[2:]
    # Orphans are handed to this process instead of to init.
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        print("contain: cannot become a subreaper", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    try:
        process = subprocess.Popen(command)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            print(f"contain: stopped after {limit:g} s: {' '.join(command)}", file=sys.stderr)
            return 124
        until = time.monotonic() + GRACE_SECONDS
        while (left := children()) and time.monotonic() < until:
            time.sleep(0.05)
        for pid, line in left.items():
            print(f"contain: left behind, killed: {pid} {line}", file=sys.stderr)
        if code < 0:
            code = 128 - code
        return 125 if left and code == 0 else code
    finally:
        kill_all()


if __name__ == "__main__":
    sys.exit(main())
