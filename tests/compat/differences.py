"""The deliberate differences between Praetor and Consul 1.8.7. Every one stands, by its name and with its reason, in
docs/compatibility.md too; a test holds the two lists together. A mismatch that is not listed here fails."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from compatlib import helptext


@dataclass(frozen=True)
class Difference:
    name: str          # short, as in docs/compatibility.md
    reason: str        # one sentence: why Praetor does otherwise
    scenario: str      # regular expression on the scenario's id
    step: str          # regular expression on the step's title
    real: str = ""     # regular expression: what the real Consul says there
    praetor: str = ""  # regular expression: what Praetor says there
    reduce: Callable[[str], str] | None = None   # in their place: what both sides' text is reduced to


def without_praetor_tag(text):
    return re.sub(r'\s*"praetor": ?"[0-9.]+",|\bpraetor=[0-9.]+,', "", text)


DIFFERENCES: list[Difference] = [
    Difference(name="praetor-tag",
               reason="in a mixed cluster both people and servers must see which members may be sent what only Praetor knows",
               scenario=r"", step=r"/v1/agent/(self|members)|members -detailed", reduce=without_praetor_tag),
    Difference("lost-name", "whoever watches the old name must learn that it lost the instance",
               r"^http/health::tagged checks follow the service$", r"^GET /v1/health/service/web$",
               r"X-Consul-Index: <index-2>", r"X-Consul-Index: <index-3>"),
    Difference("node-meta-index", "a changed node may come under the filter or leave it: its watchers must learn of it",
               r"^http/blocking::which index each endpoint gives$", r"^GET /v1/health/state/any\?node-meta=a:b$",
               r"X-Consul-Index: <index-2>", r"X-Consul-Index: <index-3>"),
    Difference("quiet-index", "no service has changed",
               r"^http/catalog-more::which tables a check moves$", r"^GET /v1/catalog/services\?pretty$",
               r"X-Consul-Index: <index-3>", r"X-Consul-Index: <index-1>"),
    Difference("refused-check", "a mistake in a registration must not end a check that works",
               r"^http/agent-checks::register errors$", r"^GET /v1/agent/checks$",
               r'"Output": ""', r'"Output": "Service y could not be found on node "'),
    Difference(name="help-texts",
               reason="long prose is its author's; what is typed and what scripts read is the same",
               scenario=r"^(cli/|config/startup::flags$)", step=r"^\$", reduce=helptext.facts),
    Difference(name="version-line",
               reason="tools read the first lines; people want to know what they run",
               scenario=r"^cli/help::the program itself$", step=r"^\$ (-v|--version|-version|version( -format=pretty| extra)?)$",
               real=r"(?<=agents\))\n", praetor=r"(?<=agents\))\nPraetor v[0-9.]+\n"),
    Difference(name="bad-base64",
               reason="a mistyped value must not silently replace a good one by an empty one",
               scenario=r"^cli/commands::kv put of bad base 64$", step=r"^\$ kv put -base64 e !!!$",
               real=r"exit 0\nstdout:\nSuccess! Data written to: e\n", praetor=r"exit 1\n"),
    Difference(name="tls-warning",
               reason="the same warning in our own words",
               scenario=r"^cli/tls::", step=r"^\$ tls cert create",
               real=r"==> WARNING: (.|\n)*?\n(?===>)", praetor=r"==> WARNING: (.|\n)*?\n(?===>)"),
]
