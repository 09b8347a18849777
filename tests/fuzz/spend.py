#!/usr/bin/python3
"""Runs a fuzzer until it has had so much processor time, however long that takes on a busy machine.

  tests/fuzz/spend.py CPU_SECONDS COMMAND [ARGUMENT...]

Then asks it to end (SIGUSR1, which libFuzzer answers with its figures and 0) and exits as it did. The last line says how
much processor and how much clock time it was. An end by itself (a finding) counts as it comes; when the command gets less
than a fiftieth of a processor, it is asked to end too, and the line says so.
"""
import os
import signal
import subprocess
import sys
import time

SLOWEST = 50  # seconds of the clock for one of the processor, at most
GRACE_SECONDS = 300.0  # one input may take long, and the question is answered between two


def spent(pid):
    """Processor seconds of the process and of its children that have ended; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def main():
    if len(sys.argv) < 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    wanted, began, used = float(sys.argv[1]), time.monotonic(), 0.0
    with subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL) as process:
        asked = None
        try:
            while True:
                # Left as a zombie until it has been looked at, so that the last figure is the whole.
                ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                now = time.monotonic()
                used = spent(process.pid) or used
                if ended is not None:
                    break
                if asked is None and (used >= wanted or now - began > wanted * SLOWEST + 60):
                    process.send_signal(signal.SIGUSR1)
                    asked = now
                if asked is not None and now - asked > GRACE_SECONDS:
                    process.kill()
                time.sleep(min(0.2, wanted / 10))
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
        code = process.wait()
    short = " (the machine was too busy for more)" if code == 0 and asked is not None and used < wanted else ""
    print(f"spent: {used:.0f} s of processor time in {time.monotonic() - began:.0f} s{short}", flush=True)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
