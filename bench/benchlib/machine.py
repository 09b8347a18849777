"""The conditions of a run: without them a figure means nothing."""

import os
import platform
import subprocess
import sys


def _first(command, cwd=None):
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=20, check=False)
        return (done.stdout or done.stderr).splitlines()
    except OSError:
        return []


def load():
    return f"{os.getloadavg()[0]:.1f}"


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
    found["where"] = "clients and server on the same cores, loopback, one program at a time"
    found["load average, before and after"] = load()
    found["command"] = " ".join(["bench/run", *sys.argv[1:]])
    return found
