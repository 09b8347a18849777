"""Runs commands of the program under test: exit code, stdout and stderr."""

import os
import re
import shlex
import signal
import subprocess
import threading
import time

from compatlib import binaries

LOG_LINE = re.compile(r"^    \d{4}-\d\d-\d\dT\S+ \[[A-Z]+\] .*$")


def _environment(run, step):
    environment = binaries.environment(run.folder) | {"SHELL": "/bin/sh", "CONSUL_HTTP_ADDR": run.variables["http"]}
    for value in step.all("env"):
        name, _, text = run.expand(value).partition("=")
        environment[name] = text
    return environment


class Output:
    """Reads a pipe in a thread, so that text can be waited for while the command runs."""

    def __init__(self, pipe):
        self.data = b""
        self._pipe = pipe
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while chunk := os.read(self._pipe.fileno(), 65536):
            self.data += chunk

    def text(self):
        self._thread.join(2)
        return self.data.decode("utf-8", "backslashreplace")


def execute(run, step, words):
    """One command. `until-output REGEX` waits for that text and then sends `signal NAME` (default INT)."""
    # Both are started under the name `consul`, which help texts show.
    process = subprocess.Popen(["consul", *words], executable=run.binary, cwd=run.folder, env=_environment(run, step),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
    out, err = Output(process.stdout), Output(process.stderr)
    note = ""
    deadline = time.monotonic() + binaries.patience(float(step.option("timeout", "15")))
    try:
        given = step.option("stdin")
        data = run.expand(given if given is not None else (step.body or ""))
        process.stdin.write(data.encode("utf-8", "surrogateescape"))
        process.stdin.close()
    except BrokenPipeError:
        pass
    pattern = step.option("until-output")
    if pattern is not None:
        pattern = re.compile(run.expand(pattern).encode())
        while process.poll() is None and time.monotonic() < deadline and not pattern.search(out.data + err.data):
            time.sleep(0.02)
        found = pattern.search(out.data + err.data)
        note = "" if found else f"!! never said {step.option('until-output')}\n"
        if process.poll() is None:
            time.sleep(0.1)
            os.kill(process.pid, getattr(signal, "SIG" + step.option("signal", "INT")))
    try:
        code = process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        code = "(still running)"
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait(10)
    if report := binaries.reports(process.pid):
        note += f"!! a sanitizer's report:\n{report[:6000]}\n"
    return code, out.text(), err.text(), note


def _block(name, text):
    if not text:
        return ""
    return f"{name}:\n{text}" + ("" if text.endswith("\n") else "\u23ce\n")


def run(one, step):
    """`$ args`, `VALIDATE ext` (the body is a config file), `AGENT ext [flags]` (starts with that file, bounded)."""
    args = one.expand(step.args)
    if step.kind == "$":
        words = shlex.split(args)
    else:
        kind, *rest = shlex.split(args)
        folder = os.path.join(one.folder, "cfg")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "c." + kind)
        with open(path, "w", encoding="utf-8") as file:
            file.write(one.expand(step.body or "") + "\n")
        step = _without_body(step)
        if step.kind == "VALIDATE":
            words = ["validate", *rest, path]
        else:
            ports = one.ports
            words = ["agent", "-node=compat-node", "-bind=127.0.0.1", f"-data-dir={one.folder}/data",
                     f"-http-port={ports['http']}", f"-dns-port={ports['dns']}",
                     f"-serf-lan-port={ports['serf_lan']}", f"-serf-wan-port={ports['serf_wan']}",
                     f"-server-port={ports['server']}", *rest, f"-config-file={path}"]
    code, out, err, note = execute(one, step, words)
    if words[:1] == ["agent"] and not step.has("keep"):
        out = "".join(line for line in out.splitlines(True) if not LOG_LINE.match(line.rstrip("\n")))
    for each in step.all("mask-file"):
        out = out.replace(each, "<file>")
    return f"{note}exit {code}\n" + _block("stdout", out) + _block("stderr", err)


def _without_body(step):
    from dataclasses import replace
    return replace(step, body=None)
