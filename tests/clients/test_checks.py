"""Health checks end to end: aliases, thresholds, what the log says, and checks that behave badly."""

import os
import re

from client import call, get, put, until


def _status(agent, check):
    return get(agent, "/v1/agent/checks")[check]["Status"]


def test_alias_of_another_node(launch, praetor_binary):
    """Only on Praetor: Consul 1.8.7 panics when an alias of another node names a service."""
    agent = launch(praetor_binary)
    far = {"Node": "far", "Address": "10.0.0.9", "Service": {"Service": "db"},
           "Check": {"Name": "db answers", "ServiceID": "db", "Status": "passing"}}
    put(agent, "/v1/agent/check/register", {"Name": "like db", "AliasNode": "far", "AliasService": "db"})
    put(agent, "/v1/agent/check/register", {"Name": "like far", "AliasNode": "far"})
    shown = lambda name: (lambda check: (check["Status"], check["Output"]))(get(agent, "/v1/agent/checks")[name])  # noqa: E731
    until(lambda: shown("like db"), ("critical", "Service db could not be found on node far"))
    until(lambda: shown("like far"), ("passing", "No checks found."))
    put(agent, "/v1/catalog/register", far)
    until(lambda: shown("like db"), ("passing", "All checks passing."))
    far["Check"] |= {"Status": "warning", "Output": "slow"}
    put(agent, "/v1/catalog/register", far)
    until(lambda: shown("like db"), ("warning", 'Aliased check "db answers" failing: slow'))
    put(agent, "/v1/catalog/register", {"Node": "far", "Address": "10.0.0.9",
                                        "Check": {"Name": "disk", "Status": "critical", "Output": "full"}})
    until(lambda: shown("like db"), ("critical", 'Aliased check "disk" failing: full'))
    until(lambda: shown("like far"), ("critical", 'Aliased check "disk" failing: full'))
    put(agent, "/v1/catalog/deregister", {"Node": "far"})
    until(lambda: shown("like db"), ("critical", "Service db could not be found on node far"))


def test_log_of_results(launch, binary, web):
    """The same words, fields and levels in both programs."""
    web.codes["/health"] = 200
    agent = launch(binary, flags=["-log-level=trace", "-enable-script-checks"])
    checks = {"web": {"HTTP": web.url("/health")}, "refused": {"TCP": "127.0.0.1:1"},
              "script": {"Args": ["sh", "-c", "echo said; exit 1"]}, "absent": {"Args": ["/nonexistent"]},
              "slow": {"Args": ["sleep", "60"], "Timeout": "1s"}, "beat": {"TTL": "1s"},
              "held": {"Args": ["sh", "-c", "echo looked; test -e held || exit 2"], "FailuresBeforeCritical": 2, "SuccessBeforePassing": 2}}
    for name, check in checks.items():
        put(agent, "/v1/agent/check/register", {"Name": name} | ({} if "TTL" in check else {"Interval": "1s"}) | check)
    put(agent, "/v1/agent/check/pass/beat")
    until(lambda: get(agent, "/v1/agent/checks")["held"]["Output"], "looked\n")
    held = os.path.join(agent.folder, "held")
    with open(held, "w", encoding="utf-8"):
        pass
    until(lambda: _status(agent, "held"), "passing")
    os.remove(held)
    wanted = ["[DEBUG] agent: Check status updated: check=web status=passing",
              "[WARN]  agent: Check socket connection failed: check=refused error=\"dial tcp 127.0.0.1:1: connect: connection refused\"",
              "[WARN]  agent: Check is now critical: check=refused",
              "[TRACE] agent: Check output: check=script output=\"said",
              "[DEBUG] agent: Check status updated: check=script status=warning",
              "[ERROR] agent: Check failed to invoke: check=absent error=\"fork/exec /nonexistent: no such file or directory\"",
              "[WARN]  agent: Timed out running check: check=slow timeout=1s",
              "[DEBUG] agent: Check status updated: check=beat status=passing",
              "[WARN]  agent: Check missed TTL, is now critical: check=beat",
              "[WARN]  agent: Check passed but has not reached success threshold: check=held status=passing success_count=1 success_threshold=2",
              "[WARN]  agent: Check failed but has not reached failure threshold: check=held status=critical failure_count=1 failure_threshold=2"]
    until(lambda: [line for line in wanted if line not in agent.tail(10**7)], [])
    assert "now critical: check=absent" not in agent.tail(10**7)
    assert "now critical: check=slow" not in agent.tail(10**7)


def _children(agent):
    found = []
    for task in os.listdir(f"/proc/{agent.process.pid}/task"):
        with open(f"/proc/{agent.process.pid}/task/{task}/children", encoding="ascii") as file:
            found += file.read().split()
    return found


def test_bad_checks_harm_nobody(launch, praetor_binary, web):
    """Checks that hang, flood, fork or refuse to die: the others run, the agent answers, nothing piles up."""
    web.codes["/health"] = 200
    agent = launch(praetor_binary, flags=["-enable-script-checks"])
    bad = {"hangs": "sleep 600", "floods": "exec yes flood", "forks": "for n in 1 2 3 4 5 6 7 8; do sleep 600 & done; wait",
           "stays": "trap '' TERM INT HUP; while :; do sleep 600; done",
           "escapes": "setsid sleep 5 & echo gone", "closes": "exec >&- 2>&-; sleep 600",
           "huge": "head -c 50000000 /dev/zero"}
    for name, script in bad.items():
        put(agent, "/v1/agent/check/register",
            {"Name": name, "Args": ["sh", "-c", script], "Interval": "1s", "Timeout": "1s"})
    put(agent, "/v1/agent/check/register", {"Name": "good", "HTTP": web.url("/health"), "Interval": "1s"})
    until(lambda: _status(agent, "good"), "passing")
    outputs = until(lambda: {name: check["Output"] for name, check in get(agent, "/v1/agent/checks").items()},
                    lambda all_: all(all_[name] for name in bad if name not in ("huge", "escapes")), 60)
    for name in ("hangs", "forks", "stays", "closes"):
        assert outputs[name].startswith("Timed out (1s) running check"), name
    assert re.match(r"Timed out \(1s\) running check\n\nCaptured 4096 of \d+ bytes\n\.\.\.\n", outputs["floods"])
    for _ in range(100):
        assert call(agent, "GET", "/v1/agent/self", timeout=10).status == 200
    for name in bad:
        put(agent, f"/v1/agent/check/deregister/{name}")
    until(lambda: _children(agent), [], 30)
