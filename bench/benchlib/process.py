"""What a running process has used."""

import time


def cpu(pid):
    """Seconds of processor time so far, user and system, of all its threads, to the nanosecond."""
    return time.clock_gettime(~pid << 3 | 2)  # the kernel's number for that process's clock (CPUCLOCK_SCHED)


def memory(pid):
    """Resident MiB."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024
