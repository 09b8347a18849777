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


DIFFERENCES: list[Difference] = []
