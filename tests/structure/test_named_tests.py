"""The tests that documents name as proofs exist."""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from structure import Tree  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENTS = ("docs/limits.md", "docs/durability.md")
UNIT = re.compile(r"\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)")
NAMED_UNIT = re.compile(r"`([A-Z]\w+\.(?:\w+|\*))`|`…([A-Z]\w+)`")
NAMED_CLIENT = re.compile(r"`(\w+)::(test_\w+)`")


def unit_tests(tree):
    found = set()
    for path, text in tree.items():
        if path.endswith("_test.cc"):
            for suite, name in UNIT.findall(text):
                found |= {f"{suite}.{name}", f"{suite}.*", name}
    return found


def client_tests(tree):
    return {(os.path.basename(path)[len("test_"):-len(".py")], name) for path, text in tree.items()
            if path.startswith("tests/clients/test_") for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}


class NamedTests(unittest.TestCase):
    def test_exist(self):
        tree = Tree.of_repository(TOP)
        units, clients = unit_tests(tree), client_tests(tree)
        count = 0
        for document in DOCUMENTS:
            names = {first or second for first, second in NAMED_UNIT.findall(tree[document])}
            self.assertEqual(sorted(names - units), [], document)
            pairs = set(NAMED_CLIENT.findall(tree[document]))
            self.assertEqual(sorted(pairs - clients), [], document)
            count += len(names) + len(pairs)
        self.assertGreater(count, 30)


if __name__ == "__main__":
    unittest.main()
