"""The deliberate differences between Praetor and Consul 1.8.7. Every one stands, by its name and with its reason, in
docs/compatibility.md too; a test holds the two lists together. A mismatch that is not listed here fails."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    name: str          # short, as in docs/compatibility.md
    reason: str        # one sentence: why Praetor does otherwise
    scenario: str      # regular expression on the scenario's id
    step: str          # regular expression on the step's title
    real: str          # regular expression: what the real Consul says there
    praetor: str       # regular expression: what Praetor says there


DIFFERENCES: list[Difference] = [
    Difference("lost-name", "whoever watches the old name must learn that it lost the instance",
               r"^http/health::tagged checks follow the service$", r"^GET /v1/health/service/web$",
               r"X-Consul-Index: <index-2>", r"X-Consul-Index: <index-3>"),
    Difference("node-meta-index", "a changed node may come under the filter or leave it: its watchers must learn of it",
               r"^http/blocking::which index each endpoint gives$", r"^GET /v1/health/state/any\?node-meta=a:b$",
               r"X-Consul-Index: <index-2>", r"X-Consul-Index: <index-3>"),
    Difference("quiet-index", "no service has changed",
               r"^http/catalog-more::which tables a check moves$", r"^GET /v1/catalog/services$",
               r"X-Consul-Index: <index-3>", r"X-Consul-Index: <index-1>"),
    Difference("refused-check", "a mistake in a registration must not end a check that works",
               r"^http/agent-checks::register errors$", r"^GET /v1/agent/checks$",
               r'"Output": ""', r'"Output": "Service y could not be found on node "'),
]
