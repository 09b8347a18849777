"""The results as a Markdown table with ratios, and the conditions below it."""

from .figures import FIGURES


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _rows(figure, results):
    """(title, {program: value}, with a goal?) of a figure: two rows for what has a rate and a cost."""
    found = {program: values[figure.name] for program, values in results.items() if figure.name in values}
    if any(isinstance(value, dict) and "error" not in value for value in found.values()):
        for unit, key in (("/s", "per second"), ("/CPU-s", "per CPU-second")):
            values = {program: value.get(key) for program, value in found.items()}
            yield f"{figure.title}, {unit}", values, unit == figure.unit
    elif found:
        values = {program: None if isinstance(value, dict) else value for program, value in found.items()}
        yield f"{figure.title}, {figure.unit}", values, True


def met(goal, ours, theirs):
    if goal.startswith("<= "):
        return ours <= float(goal[3:])
    if theirs is None:
        return None
    if goal.startswith("1/"):
        return ours <= theirs / float(goal[2:])
    return ours >= theirs * float(goal[:-1])


def _ratio(ours, theirs, more):
    if not ours or not theirs or ours < 0 or theirs < 0:
        return "-"
    if more:
        return f"{number(ours / theirs)}x"
    return f"1/{number(theirs / ours)}" if theirs > ours else f"{number(ours / theirs)}x"


def render(results, scale, conditions):
    lines = ["| figure | Consul 1.8.7 | Praetor | ratio | reach | |", "|---|---|---|---|---|---|"]
    failed = []
    for figure in FIGURES:
        for title, values, judged in _rows(figure, results):
            theirs, ours = values.get("consul"), values.get("praetor")
            verdict = ""
            if judged and ours is not None:
                verdict = {True: "reached", False: "missed", None: ""}[met(figure.goal, ours, theirs)]
            cells = [title, *("-" if value is None else number(value) for value in (theirs, ours)),
                     _ratio(ours, theirs, figure.more), figure.goal if judged else "", verdict]
            lines.append("| " + " | ".join(cells) + " |")
        failed += [f"- {program}, {figure.name}: {values[figure.name]['error']}" for program, values in results.items()
                   if isinstance(values.get(figure.name), dict) and "error" in values[figure.name]]
    lines += ["", f"{scale.seconds:g} s of load a figure, {scale.keys:,} keys, {scale.watchers:,} watchers, "
              f"{scale.idle:g} s of idleness, {scale.kills} killed leaders (at most 3 of Consul's)."]
    lines += [f"- {name}: {value}" for name, value in conditions.items()]
    if failed:
        lines += ["", "Failed:", *failed]
    return "\n".join(lines)
