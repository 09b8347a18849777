"""docs/limits.md and the code name the same limits."""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from structure import Tree  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DECLARATION = re.compile(r"^inline constexpr [^;]*;", re.MULTILINE)
NAME = re.compile(r"\bkMax\w+(?=\s*=)")


def in_code(tree):
    return {name for path, text in tree.items() if path.startswith("src/") and path.endswith(".h")
            for declaration in DECLARATION.findall(text) for name in NAME.findall(declaration)}


def in_document(text):
    return set(re.findall(r"`(kMax\w+)`", text))


class Limits(unittest.TestCase):
    def test_listed(self):
        tree = Tree.of_repository(TOP)
        code, document = in_code(tree), in_document(tree["docs/limits.md"])
        self.assertGreater(len(code), 30)
        self.assertEqual(sorted(code - document), [], "limits that docs/limits.md does not list")
        self.assertEqual(sorted(document - code), [], "limits of docs/limits.md that no header of src/ declares")

    def test_a_planted_one_is_found(self):
        tree = {"src/a/b.h": "inline constexpr size_t kMaxA = 1, kMaxB = 2;\n", "src/a/c.cc": "kMaxC = 1;"}
        self.assertEqual(in_code(tree), {"kMaxA", "kMaxB"})


if __name__ == "__main__":
    unittest.main()
