"""Where the two programs are (CONSUL_BIN and PRAETOR_BIN, or the build folder), and what every process of theirs gets."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def consul():
    return os.environ.get("CONSUL_BIN") or os.path.join(ROOT, "build", "peers", "bin", "consul")


def praetor():
    return os.environ.get("PRAETOR_BIN") or os.path.join(ROOT, "build", "release", "praetor")


def path_of(program):
    return consul() if program == "consul" else praetor()


def sanitized():
    """Whether Praetor is a sanitizer build (scripts/test says so): agents then end by SIGTERM, so that leaks are seen."""
    return bool(os.environ.get("PRAETOR_SANITIZED"))


def patience(seconds):
    """How long to wait at most for what takes so long in a release build: a sanitizer build is several times slower."""
    return seconds * (4 if sanitized() else 1)


def reports(pid):
    """What a sanitizer said about that process. Its options name the file."""
    found = ""
    for name, options in os.environ.items():
        path = dict(one.partition("=")[::2] for one in options.split(":")).get("log_path")
        if name.endswith("SAN_OPTIONS") and path and os.path.exists(f"{path}.{pid}"):
            with open(f"{path}.{pid}", encoding="utf-8", errors="replace") as file:
                found = file.read()
    return found


def environment(folder):
    """A clean environment with `folder` as home. A sanitizer build's options go through: where its reports belong."""
    kept = {name: text for name, text in os.environ.items() if name == "PATH" or name.endswith("SAN_OPTIONS")}
    return kept | {"HOME": folder, "GOMAXPROCS": "2"}
