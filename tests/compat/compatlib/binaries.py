"""Where the two programs are (CONSUL_BIN and PRAETOR_BIN, or the build folder), and what every process of theirs gets."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def consul():
    return os.environ.get("CONSUL_BIN") or os.path.join(ROOT, "build", "peers", "bin", "consul")


def praetor():
    return os.environ.get("PRAETOR_BIN") or os.path.join(ROOT, "build", "release", "praetor")


def environment(folder):
    """A clean environment with `folder` as home. A sanitizer build's options go through: where its reports belong."""
    kept = {name: text for name, text in os.environ.items() if name == "PATH" or name.endswith("SAN_OPTIONS")}
    return kept | {"HOME": folder, "GOMAXPROCS": "2"}
