"""Two runs side by side: deliberate differences applied, the rest shown as a readable diff."""

import difflib
import re


def render(results):
    """A run as text: each step's title and, indented, what came back."""
    lines = []
    for result in results:
        lines.append(f"{result.line}: {result.title}")
        lines += ["    " + line for line in result.text.split("\n")] if result.text else []
    return "\n".join(lines) + "\n"


def apply(differences, scenario_id, results, side, used):
    """Rewrites what a listed difference names (`real` on one side, `praetor` on the other) to one common text."""
    for result in results:
        for each in differences:
            if not re.search(each.scenario, scenario_id) or not re.search(each.step, result.title):
                continue
            if each.reduce:
                changed = each.reduce(result.text)
            else:
                pattern = each.real if side == "real" else each.praetor
                changed = re.sub(pattern, f"<difference {each.name}>", result.text)
            if changed != result.text:
                used.add(each.name)
                result.text = changed


def diff(real, ours):
    """An empty string when equal; otherwise each differing step with both texts as a diff."""
    parts = [f"{name} did not start: {run[0].text}" for name, run in (("the real Consul", real), ("Praetor", ours))
             if run and run[0].title == "(start)"]
    if parts:
        return "\n\n".join(parts)
    for index in range(max(len(real), len(ours))):
        if index >= len(real) or index >= len(ours):
            side, rest = ("Praetor", ours[index:]) if index >= len(real) else ("the real Consul", real[index:])
            parts.append(f"only {side} has: " + "; ".join(f"{one.title}: {one.text}" for one in rest))
            break
        left, right = real[index], ours[index]
        if left.title == right.title and left.text == right.text:
            continue
        lines = difflib.unified_diff(left.text.split("\n"), right.text.split("\n"), "consul 1.8.7", "praetor",
                                     lineterm="", n=3)
        title = left.title if left.title == right.title else f"{left.title} / {right.title}"
        parts.append(f"line {left.line}: {title}\n" + "\n".join("    " + line for line in lines))
    return "\n\n".join(parts)
