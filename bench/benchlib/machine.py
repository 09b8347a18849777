"""The conditions of a run: without them a figure means nothing."""

import os
import platform
import subprocess
import sys
import tempfile
import time


def _first(command, cwd=None):
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=20, check=False)
        return (done.stdout or done.stderr).splitlines()
    except OSError:
        return []


def load():
    return f"{os.getloadavg()[0]:.1f}"


def syncs_a_second(folder, seconds=1.0):
    """What the disk gives: a durable write waits for one of these, so N connections never do more than N times this."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, 64 << 20)
        os.fsync(file.fileno())
        began, count, block = time.monotonic(), 0, b"x" * 4096
        while time.monotonic() < began + seconds:
            os.pwrite(file.fileno(), block, count * len(block) % (64 << 20))
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.monotonic() - began)


def conditions(top, programs, folder):
    os.makedirs(folder, exist_ok=True)
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), platform.machine())
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo", encoding="utf-8")
                  if line.startswith("MemTotal")) / 1024 / 1024
    commit = (_first(["git", "rev-parse", "--short=12", "HEAD"], top) or ["unknown"])[0]
    if _first(["git", "status", "--porcelain", "--untracked-files=no", "src"], top):
        commit += " with changes"
    disk = (_first(["stat", "-f", "-c", "%T", folder]) or ["unknown"])[0]
    if "PRAETOR_BIN" in os.environ:
        commit += " has the script; the binary is the one that PRAETOR_BIN names"
    found = {"commit": commit}
    for name, path in programs.items():
        versions = [line for line in _first([path, "version"]) if line.startswith(("Consul v", "Praetor v"))]
        found[name] = "; ".join(versions)
    found["machine"] = f"{os.cpu_count()} x {cpu}, {memory:.0f} GiB, Linux {platform.release()}, data on {disk}"
    found["disk"] = f"{syncs_a_second(folder):,.0f} fdatasync of 4 KiB a second, one after the other"
    found["where"] = "clients and server on the same cores, loopback, one program at a time"
    found["load average, before and after"] = load()
    found["command"] = " ".join(["bench/" + os.path.basename(sys.argv[0]), *sys.argv[1:]])
    return found
