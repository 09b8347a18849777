"""Where the two programs are: CONSUL_BIN and PRAETOR_BIN, or the build folder."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def consul():
    return os.environ.get("CONSUL_BIN") or os.path.join(ROOT, "build", "peers", "bin", "consul")


def praetor():
    return os.environ.get("PRAETOR_BIN") or os.path.join(ROOT, "build", "release", "praetor")
