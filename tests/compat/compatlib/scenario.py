"""The corpus format: text files of scenarios, each a sequence of steps (see README.md beside this folder)."""

import os
import re
from dataclasses import dataclass, field

HTTP_METHODS = {"GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "FOO"}
OTHER_STEPS = {"DNS", "DNSRAW", "$", "RAW", "VALIDATE", "AGENT", "SLEEP", "JOIN", "RESTART", "SIGNAL", "STOP",
               "RECURSOR-LOG", "WEB-LOG", "WEB-SET", "FILE", "LS", "CAT", "SETTLED"}
STEP_OPTIONS = {"header", "set", "unordered", "mask", "shape", "pick", "until", "timeout", "within", "repeat",
                "stdin", "env", "close", "quiet", "until-output", "signal", "nosize", "sort-lines", "keep",
                "distinct", "drop-header", "mask-file", "status-only"}
DIRECTIVES = {"agent", "config", "flags", "file", "conf", "recursor", "web", "acl", "ready"}


class CorpusError(Exception):
    """A corpus file that does not follow the format; names the file and line."""


@dataclass
class Step:
    kind: str                       # first word: a method, DNS, $, ...
    args: str                       # the rest of the line
    line: int
    background: bool = False
    options: list = field(default_factory=list)   # (name, value)
    body: str | None = None         # the '|' lines

    def option(self, name, default=None):
        for key, value in self.options:
            if key == name:
                return value
        return default

    def all(self, name):
        return [value for key, value in self.options if key == name]

    def has(self, name):
        return any(key == name for key, _ in self.options)

    @property
    def title(self):
        return ("& " if self.background else "") + self.kind + (" " + self.args if self.args else "")

    @property
    def area(self):
        """What the step counts as: http, dns, cli or other."""
        if self.kind in HTTP_METHODS or self.kind == "RAW":
            return "http"
        if self.kind in ("DNS", "DNSRAW"):
            return "dns"
        if self.kind in ("$", "VALIDATE", "AGENT"):
            return "cli"
        return "other"


@dataclass
class Scenario:
    path: str                       # relative to corpus/
    title: str
    line: int
    directives: list = field(default_factory=list)   # (name, argument, body)
    steps: list = field(default_factory=list)
    text: str = ""                  # all of its source, to know which ids are its own

    @property
    def id(self):
        return f"{self.path.removesuffix('.txt')}::{self.title}"

    def directive(self, name, default=None):
        value = default
        for key, argument, _ in self.directives:
            if key == name:
                value = argument
        return value

    def bodies(self, name):
        return [(argument, body) for key, argument, body in self.directives if key == name]

    @property
    def agent(self):
        return self.directive("agent", "dev")


def _fail(path, number, what):
    raise CorpusError(f"{path}:{number}: {what}")


def _repeat_body(text):
    """`600000 x` -> that many x."""
    count, _, unit = text.strip().partition(" ")
    return int(count) * unit


def parse(path, text):
    """The scenarios of one corpus file."""
    scenarios, common = [], []
    scenario = step = None
    target = None                   # what '|' lines belong to: ("step", Step) or ("directive", index, list)
    own_lines = []

    def flush_text():
        if scenario is not None:
            scenario.text = "\n".join(own_lines)

    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("== "):
            flush_text()
            scenario = Scenario(path, line[3:].strip(), number, list(common))
            if any(other.title == scenario.title for other in scenarios):
                _fail(path, number, f"a second scenario {scenario.title!r}")
            scenarios.append(scenario)
            own_lines = [str(entry) for entry in common]
            step = target = None
            continue
        own_lines.append(line)
        if line.startswith("@"):
            name, _, argument = line[1:].partition(" ")
            if name not in DIRECTIVES:
                _fail(path, number, f"unknown directive @{name}")
            if step is not None:
                _fail(path, number, f"@{name} after a step")
            where = scenario.directives if scenario is not None else common
            where.append((name, argument.strip(), None))
            target = ("directive", where, len(where) - 1)
            continue
        if line.startswith("  "):
            word = line.strip()
            if word.startswith("|"):
                chunk = _repeat_body(word[2:]) if word.startswith("|*") else line[line.index("|") + 1:]
                if not word.startswith("|*"):
                    chunk = chunk.removeprefix(" ")
                if target is None:
                    _fail(path, number, "a body line that belongs to nothing")
                if target[0] == "step":
                    step.body = chunk if step.body is None else step.body + "\n" + chunk
                else:
                    _, where, index = target
                    name, argument, body = where[index]
                    where[index] = (name, argument, chunk if body is None else body + "\n" + chunk)
                continue
            name, _, value = word.partition(" ")
            if step is None or name not in STEP_OPTIONS:
                _fail(path, number, f"unknown option {name!r}")
            step.options.append((name, value.strip()))
            continue
        if scenario is None:
            _fail(path, number, "a step before the first '== title'")
        background = line.startswith("& ")
        kind, _, args = line.removeprefix("& ").partition(" ")
        if kind not in HTTP_METHODS and kind not in OTHER_STEPS:
            _fail(path, number, f"unknown step {kind!r}")
        step = Step(kind, args.strip(), number, background)
        scenario.steps.append(step)
        target = ("step", step)
    flush_text()
    for each in scenarios:
        if not each.steps:
            _fail(path, each.line, "a scenario without steps")
    return scenarios


def load(corpus):
    """Every scenario under the corpus folder, in path order."""
    found = []
    for folder, _, names in sorted(os.walk(corpus)):
        for name in sorted(names):
            if name.endswith(".txt"):
                full = os.path.join(folder, name)
                with open(full, encoding="utf-8") as file:
                    found += parse(os.path.relpath(full, corpus), file.read())
    return found


def select(scenarios, pattern):
    """Those whose id contains the pattern, or matches it as a regular expression."""
    exact = [one for one in scenarios if one.id == pattern or one.title == pattern]
    if exact:
        return exact
    return [one for one in scenarios if pattern in one.id or re.search(pattern, one.id)]


def substitute(text, variables):
    """Replaces ${name}; an unknown name is a corpus error."""
    def value(match):
        if match[1] not in variables:
            raise CorpusError(f"no variable ${{{match[1]}}}")
        return str(variables[match[1]])
    return re.sub(r"\$\{([A-Za-z_][\w-]*)\}", value, text) if text else text
