"""The rules about the source tree that a compiler does not check.

Each rule takes a Tree (path -> text) and yields Violations. Pure: reading the disk is Tree.of_repository's
affair, so test_structure.py plants violations in trees made of strings.

Run by hand: python3 tests/structure/structure.py
"""
import dataclasses
import os
import posixpath
import re
import subprocess
import sys

MAX_LINES = 600
# Consensus, gossip and state meet only in the layers above them.
STRANGERS = ("raft", "gossip", "store")

CODE_FOLDERS = ("src/", "tests/", "bench/")
CODE_SUFFIXES = (".cc", ".h", ".c", ".proto", ".py", ".sh", ".js", ".ts", ".css", ".cmake", "CMakeLists.txt")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.MULTILINE)
NETWORK_HEADER = re.compile(r"boost/(asio|beast)(\.hpp|/)")

# Package registries: a machine's own configuration names its mirrors, the repository never does.
REGISTRY = re.compile(
    r"\b(?:(?:deb|ftp|archive|security|snapshot|cdn-aws)(?:\.\w+)?\.debian\.org"
    r"|registry\.(?:npmjs\.org|yarnpkg\.com)|pypi\.org|files\.pythonhosted\.org"
    r"|proxy\.golang\.org|(?:index\.|static\.)?crates\.io|repo1?\.maven\.(?:apache\.)?org|rubygems\.org)\b")
# The folder where this project's sessions happen to work.
MACHINE_PATH = re.compile(r"(?<![\w.})\]/-])/work/\w")


@dataclasses.dataclass(frozen=True)
class Violation:
    path: str
    line: int
    what: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}"


class Tree(dict):
    """The committed (and the about to be committed) text files: repository path -> text."""

    @classmethod
    def of_repository(cls, top):
        tree = cls()
        for path in _listed(top):
            try:
                with open(os.path.join(top, path), encoding="utf-8") as file:
                    tree[path] = file.read()
            except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
                continue  # binary; deleted but not yet committed; a link to a folder
        return tree

    def layers(self):
        found = re.search(r"set\(PRAETOR_LAYERS\s+([^)]*)\)", self["CMakeLists.txt"])
        if not found:
            raise ValueError("CMakeLists.txt sets no PRAETOR_LAYERS")
        return found.group(1).split()

    def includes(self, path):
        """(line, included path) of every #include, with src/ as the include folder."""
        text = self[path]
        for match in INCLUDE.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, match.group(1)


def _listed(top):
    git = subprocess.run(["git", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                         capture_output=True, check=False)
    if git.returncode == 0:
        return sorted({name for name in git.stdout.decode().split("\0") if name})
    paths = []
    for folder, folders, files in os.walk(top):  # an unpacked archive: no git, nothing ignored but build/
        folders[:] = [name for name in folders if name not in ("build", ".git", "__pycache__", "node_modules")]
        paths += [os.path.relpath(os.path.join(folder, name), top) for name in files]
    return sorted(paths)


def _layer_of(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def _is_cpp(path):
    return path.endswith((".cc", ".h"))


def layering(tree):
    """A layer includes itself and what stands before it in PRAETOR_LAYERS."""
    layers = tree.layers()
    rank = {layer: i for i, layer in enumerate(layers)}
    unlisted = set()
    for path in sorted(tree):
        own = _layer_of(path)
        if own is None or not _is_cpp(path):
            continue
        if own not in rank:
            if own not in unlisted:
                unlisted.add(own)
                yield Violation(path, 1, f"src/{own} is not in PRAETOR_LAYERS of CMakeLists.txt")
            continue
        for line, included in tree.includes(path):
            first = included.split("/")[0]
            if ".." in included.split("/"):
                yield Violation(path, line, f"includes {included}: name it from src/, as {own}/...")
            elif rank.get(first, -1) > rank[own]:
                yield Violation(path, line, f"{own} includes {included}: {first} is a layer above it")


def strangers(tree):
    """raft, gossip and store reach each other by no chain of includes."""
    def headers_of(path):
        for line, included in tree.includes(path):
            for candidate in ("src/" + included, posixpath.join(posixpath.dirname(path), included)):
                if candidate in tree:
                    yield line, candidate
                    break

    for path in sorted(tree):
        own = _layer_of(path)
        if own not in STRANGERS or not _is_cpp(path):
            continue
        for line, first in headers_of(path):
            seen, queue = {first}, [first]
            while queue:
                header = queue.pop()
                layer = _layer_of(header)
                if layer in STRANGERS and layer != own:
                    through = "" if header == first else f" through {first[len('src/'):]}"
                    yield Violation(path, line, f"{own} knows {layer}: it reaches {header[len('src/'):]}{through}")
                    break
                for _, following in headers_of(header):
                    if following not in seen:
                        seen.add(following)
                        queue.append(following)


def file_length(tree):
    for path in sorted(tree):
        if path.startswith(CODE_FOLDERS) and path.endswith(CODE_SUFFIXES):
            lines = len(tree[path].splitlines())
            if lines > MAX_LINES:
                yield Violation(path, MAX_LINES + 1, f"{lines} lines; {MAX_LINES} at the most: split it by noun")


def network_headers(tree):
    """Asio and Beast stay inside .cc files: they cost seconds for each file that sees them."""
    for path in sorted(tree):
        if path.startswith(CODE_FOLDERS) and path.endswith((".h", ".hpp")):
            for line, included in tree.includes(path):
                if NETWORK_HEADER.match(included):
                    yield Violation(path, line, f"a header includes {included}: keep it in the .cc")


def machine_names(tree):
    """No file names a package registry's host or a folder of this machine."""
    for path in sorted(tree):
        for number, text in enumerate(tree[path].split("\n"), 1):
            for match in REGISTRY.finditer(text):
                yield Violation(path, number, f"names the registry host {match.group(0)}")
            if MACHINE_PATH.search(text):
                yield Violation(path, number, "names a path of one machine's work folder")


RULES = (layering, strangers, file_length, network_headers, machine_names)


def main():
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    tree = Tree.of_repository(top)
    violations = [violation for rule in RULES for violation in rule(tree)]
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
