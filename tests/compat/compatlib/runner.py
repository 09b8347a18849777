"""Runs one scenario against one program and returns, step by step, what came back in a form that compares."""

import json
import os
import re
import shutil
import signal
import tempfile
import threading
import time
from dataclasses import dataclass

from . import agents, binaries, clirun, dnsmsg, helpers, httpraw
from .normalise import Normaliser, pick, shape, unordered
from .scenario import HTTP_METHODS, CorpusError, substitute

STEP_TIMEOUT = binaries.patience(20)


@dataclass
class Result:
    """What one step gave: the title as the corpus wrote it and the normalised text."""
    line: int
    title: str
    text: str


class Run:
    """One run of one scenario on one side: its folder, its agent, its helpers, its variables."""

    def __init__(self, scenario, binary, agent_binary=None):
        self.scenario, self.binary, self.agent_binary = scenario, binary, agent_binary or binary
        self.folder = tempfile.mkdtemp(prefix="compat-")
        self.ports = agents.choose_ports()
        self.agent = self.recursor = self.web = None
        self.background = []
        literals = {str(port): f"<port-{name}>" for name, port in self.ports.items()}
        self.variables = {"node": agents.NODE, "nodeid": agents.NODE_ID, "tmp": self.folder,
                          "http": f"127.0.0.1:{self.ports['http']}",
                          **{f"port_{name}": port for name, port in self.ports.items()}}
        if scenario.bodies("recursor"):
            body = "\n".join(body or "" for _, body in scenario.bodies("recursor"))
            self.recursor = helpers.Recursor(body.split("\n"))
            self.variables["recursor"] = f"127.0.0.1:{self.recursor.port}"
            literals[str(self.recursor.port)] = "<port-recursor>"
        if scenario.bodies("web"):
            self.web = helpers.Web()
            self.variables["web"] = f"127.0.0.1:{self.web.port}"
            self.variables["port_web"] = self.web.port
            literals[str(self.web.port)] = "<port-web>"
        literals[self.folder] = "<tmp>"
        self.normaliser = Normaliser(scenario.text + agents.NODE_ID, literals)

    def close(self):
        fault = None
        try:
            if self.agent:
                self.agent.end()
        except agents.SanitizerError as error:
            fault = error
        for each in (self.recursor and self.recursor.close, self.web and self.web.close):
            if each:
                each()
        for task in self.background:
            task.abandon()
        agents.release_ports(self.ports)
        shutil.rmtree(self.folder, ignore_errors=True)
        if fault:
            raise fault

    def expand(self, text):
        return substitute(text, self.variables)

    def prepare(self):
        for name, body in self.scenario.bodies("file"):
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.expand(body or "") + "\n")
        mode = self.scenario.agent
        if mode == "none":
            return
        files = [(name, self.expand(body or "")) for name, body in self.scenario.bodies("conf")]
        for number, (argument, body) in enumerate(self.scenario.bodies("config")):
            text = argument if body is None else body
            files.append((f"config-{number}.{'json' if text.lstrip().startswith('{') else 'hcl'}", self.expand(text)))
        flags = [flag for argument, _ in self.scenario.bodies("flags") for flag in self.expand(argument).split()]
        self.agent = agents.Agent(self.agent_binary, self.folder, self.ports, mode, flags, files)
        self.agent.start()
        if mode != "client":
            self.normaliser.start_index = self.agent.last_index()

    def run(self):
        """All results, normalised."""
        self.prepare()
        results = []
        for step in self.scenario.steps:
            title = step.title
            try:
                text = self.step(step)
            except (CorpusError, OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
                text = f"!! {type(error).__name__}: {error}"
            results.append(Result(step.line, title, self.normaliser.text(text)))
        for result in results:
            result.text = self.normaliser.finish(result.text)
        return results

    def step(self, step):
        if step.background:
            task = Task(lambda: self.repeat(step))
            self.background.append(task)
            time.sleep(0.15)        # let it reach the agent before the next step
            return "(started)"
        text = self.repeat(step)
        return "(not shown)" if step.has("quiet") and not text.startswith("!!") else text

    def repeat(self, step):
        value = step.option("repeat")
        if value is None:
            return self.until(step)
        name, first, last = re.fullmatch(r"(\w+) (\d+)\.\.(\d+)", value).groups()
        seen = {}
        for number in range(int(first), int(last) + 1):
            self.variables[name] = number
            text = self.until(step)
            seen[text] = seen.get(text, 0) + 1
        if step.has("distinct"):
            return "\n".join(sorted(seen))
        return "\n".join(f"{count} times:\n{text}" for text, count in seen.items())

    def until(self, step):
        """With `until REGEX` the step is repeated until its text matches (10 s at most)."""
        pattern = step.option("until")
        if pattern is None:
            return self.once(step)
        deadline = time.monotonic() + binaries.patience(float(step.option("timeout", "10")))
        while True:
            text = self.once(step)
            if re.search(self.expand(pattern), text):
                return text
            if time.monotonic() > deadline:
                return f"!! never matched {pattern}; at last:\n{text}"
            time.sleep(0.05)

    def once(self, step):
        kind = step.kind
        if kind in HTTP_METHODS:
            text = self.http(step)
        elif kind == "RAW":
            text = self.raw(step)
        elif kind in ("DNS", "DNSRAW"):
            text = self.dns(step)
        elif kind in ("$", "VALIDATE", "AGENT"):
            text = clirun.run(self, step)
        else:
            text = self.other(step)
        for mask in step.all("mask"):
            text = re.sub(self.expand(mask), "<masked>", text)
        if step.has("sort-lines"):
            text = "\n".join(sorted(text.split("\n")))
        if step.has("keep"):
            text = "\n".join(line for line in text.split("\n") if re.search(step.option("keep"), line))
        return text

    def http(self, step):
        headers = [tuple(self.expand(value).split(": ", 1)) for value in step.all("header")]
        target = self.expand(step.args)
        address = self.variables["http"]
        if target.startswith("["):          # [host:port or unix path]/path asks another listener
            address, target = target[1:].split("]", 1)
        timeout = binaries.patience(float(step.option("timeout", "20")))
        response = httpraw.request(address, step.kind, target, headers, self.expand(step.body), timeout)
        body = httpraw.decoded(response)
        faults = self.capture(step, response, body)
        text = httpraw.printable(body)
        if step.has("pick"):
            try:
                text = json.dumps(pick(json.loads(text), step.option("pick")), indent=4)
            except (ValueError, KeyError, IndexError, TypeError) as error:
                text = f"!! cannot pick: {error!r} from:\n{text}"
        if step.has("shape"):
            text = shape(text, step.option("shape").split())
        if step.has("unordered"):
            text = unordered(text, self.normaliser, step.option("unordered"))
        dropped = {name.lower() for value in step.all("drop-header") for name in value.split()}
        lines = [line for line in httpraw.render_headers(response) if line.split(":")[0].lower() not in dropped]
        lines = [response.status, *lines]
        if step.has("status-only"):
            lines = lines[:1]
        lines += faults
        if response.framing:
            lines.append("!! " + response.framing)
        if step.has("within"):
            least, most = (float(part) for part in step.option("within").split())
            lines.append(f"took between {least} and {most} s" if least <= response.elapsed <= binaries.patience(most)
                         else f"!! took {response.elapsed:.2f} s, not {least} to {most} s")
        if step.has("status-only"):
            return "\n".join(lines)
        return "\n".join(lines) + "\n\n" + text + ("" if text.endswith("\n") else "\u23ce" if text else "")

    def capture(self, step, response, body):
        """`set name json:PATH`, `set name header:NAME`, `set name body`; returns what could not be set."""
        faults = []
        for value in step.all("set"):
            name, source = value.split(" ", 1)
            if source == "body":
                found = body.decode("utf-8", "replace")
            elif source.startswith("header:"):
                found = response.header(source.removeprefix("header:"))
            else:
                try:
                    found = pick(json.loads(body), source.removeprefix("json:"))
                except (ValueError, KeyError, IndexError, TypeError) as error:
                    faults.append(f"!! cannot set {name}: {error!r}")
                    continue
            self.variables[name] = found
        return faults

    def raw(self, step):
        data = self.expand(step.body or "").encode().decode("unicode_escape").encode("latin-1")
        idle = binaries.patience(float(step.option("timeout", "0.7")))
        received, closed = httpraw.exchange(self.variables["http"], data, STEP_TIMEOUT, idle)
        text = httpraw.printable(received.replace(b"\r\n", b"\n"))
        text = re.sub(r"(?m)^Date: .*\n", "", text)
        return text + f"\n({'closed' if closed else 'kept open'})"

    def dns(self, step):
        if step.kind == "DNSRAW":
            words = step.args.split()
            data, transport = bytes.fromhex(words[0]), "tcp" if "tcp" in words[1:] else "udp"
        else:
            name, qtype, *words = self.expand(step.args).split()
            options = dict(word.partition("=")[::2] for word in words)
            transport = "tcp" if "tcp" in options else "udp"
            data = dnsmsg.query(name, qtype, qclass=options.get("class", "IN"), rd="nord" not in options,
                                opcode=int(options.get("opcode", 0)), ecs=options.get("ecs"), do="do" in options,
                                edns=int(options["edns"]) if "edns" in options else None,
                                edns_version=int(options.get("edns_version", 0)),
                                flags=int(options.get("flags", "0"), 16),
                                more=[tuple(item.split("/")) for item in options.get("more", "").split(",") if item])
        timeout = binaries.patience(float(step.option("timeout", 4)))
        address = ("127.0.0.1", self.ports["dns"])
        answer = (dnsmsg.tcp if transport == "tcp" else dnsmsg.udp)(address, data, timeout)
        if answer is None:
            return "(no answer)"
        return self.render_dns(step, answer)

    def render_dns(self, step, answer):
        try:
            message = dnsmsg.Message(answer)
        except (dnsmsg.Malformed, IndexError) as error:
            return f"!! malformed ({error}): {answer.hex()}"
        lines = [f"id {message.ident:04x} {message.header}"]
        if not step.has("nosize"):
            lines.append(f"size {message.size}, {message.pointers} compression pointers followed"
                         + (f", {message.trailing} bytes after the end" if message.trailing else ""))
        lines += ["question " + text for text in message.questions]
        for name, records in zip(("answer", "authority", "additional"), message.sections):
            texts = [re.sub(r"( SOA \S+ \S+) \d+ ", r"\1 <now> ", text) for _, text in records]
            if step.has("shape"):    # a random choice out of many: only how many of what kind
                kinds = [re.sub(r"\d+", "N", text) for text in texts]
                texts = [f"{kinds.count(kind)} x {kind}" for kind in sorted(set(kinds))]
                lines.append(f"{name}: {len(records)}")
                lines += ["  " + text for text in texts]
                continue
            lines.append(f"{name}: {len(records)}")
            lines += ["  " + text for text in sorted(texts)]
        return "\n".join(lines) + "\n"

    def other(self, step):
        args = self.expand(step.args)
        if step.kind == "SLEEP":
            time.sleep(float(args))
            return ""
        if step.kind == "SETTLED":
            self.normaliser.start_index = self.agent.last_index()
            return ""
        if step.kind == "JOIN":
            tasks, self.background = self.background, []
            return "\n".join(task.result() for task in tasks)
        if step.kind == "RESTART":
            code = self.agent.stop(getattr(signal, "SIG" + (args or "TERM")))
            self.agent.start()
            return f"exit {code}"
        if step.kind == "SIGNAL":
            self.agent.send(getattr(signal, "SIG" + args))
            return ""
        if step.kind == "STOP":
            code = self.agent.stop(getattr(signal, "SIG" + args)) if args else self.agent.wait()
            return f"exit {code}"
        if step.kind == "RECURSOR-LOG":
            lines, self.recursor.log = self.recursor.log, []
            return "\n".join(lines)
        if step.kind == "WEB-LOG":
            wanted = int(args or 1)
            deadline = time.monotonic() + 5
            while len(self.web.log) < wanted and time.monotonic() < deadline:
                time.sleep(0.02)
            entries, self.web.log = self.web.log, []
            return "\n--\n".join(entries)
        if step.kind == "WEB-SET":
            self.web.chosen = int(args)
            return ""
        path = os.path.join(self.folder, args)
        if step.kind == "FILE":
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.expand(step.body or "") + "\n")
            return ""
        if step.kind == "CAT":
            with open(path, encoding="utf-8", errors="backslashreplace") as file:
                return file.read()
        if step.kind == "LS":
            found = []
            for folder, _, names in os.walk(path):
                found += [os.path.relpath(os.path.join(folder, name), path) for name in names]
            return "\n".join(sorted(found))
        raise CorpusError(f"no such step {step.kind}")


class Task:
    """A step in its own thread; the result is collected by JOIN."""

    def __init__(self, work):
        self._text = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work):
        try:
            self._text = work()
        except Exception as error:          # shown as the step's result, like any other
            self._text = f"!! {type(error).__name__}: {error}"

    def result(self):
        self._thread.join(STEP_TIMEOUT + 15)
        return self._text if self._text is not None else "!! never ended"

    def abandon(self):
        self._thread.join(0.1)


def run(scenario, binary, agent_binary=None):
    """Runs it whole; always cleans up. With agent_binary the commands are one program's and the agent the other's."""
    one = Run(scenario, binary, agent_binary)
    try:
        return one.run()
    except agents.StartError as error:
        text = str(error)
        return [Result(scenario.line, "(start)", f"!! {text}")]
    finally:
        one.close()
