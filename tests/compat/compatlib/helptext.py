"""Reduces a help text to its facts. The prose of descriptions is each program's own; what a user types and what a script reads is not."""

import re

_OPTION_HEADINGS = ("HTTP API Options", "Command Options")
_COMMAND_HEADINGS = ("Subcommands:", "Available commands are:")
_DEFAULT = re.compile(r"\(default .*\)$")


def facts(text):
    """The usage line, the section headings, the flags with their placeholders, the names of the subcommands, in
    their order; of Go's own list of flags also the defaults. Other text (errors, results) stays as it is."""
    lines, state = [], None
    for line in text.split("\n"):
        if line == "Usage:":
            state = "defaults"
        elif line.startswith("Usage: "):
            state = "prose"
        elif state and line in _OPTION_HEADINGS:
            state = "options"
        elif state and line in _COMMAND_HEADINGS:
            state = "commands"
        elif state == "prose" and not line.startswith(("stdout:", "stderr:")):
            continue
        elif state and (line == "" or line.startswith((" ", "\t"))):
            kept = _kept(state, line, lines)
            if kept is not None:
                lines.append(kept)
            continue
        elif state and line.startswith(("stdout:", "stderr:")):
            state = None
        elif state == "defaults":
            state = None
        lines.append(line)
    return "\n".join(lines)


def _kept(state, line, lines):
    """What is a fact of an indented or empty line within a help text; a default joins the flag above it."""
    if state == "options" and line.startswith("  -"):
        return line
    if state == "commands" and line.strip():
        return "    " + line.split()[0]
    if state == "defaults":
        default = _DEFAULT.search(line)
        if line.startswith("  -"):
            return line.split("\t")[0] + (" " + default[0] if default else "")
        if default and lines[-1].startswith("  -"):
            lines[-1] += " " + default[0]
    return None
