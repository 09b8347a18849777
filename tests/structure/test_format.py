"""Every C++ file is formatted as .clang-format says."""
import os
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Format(unittest.TestCase):
    def test_all_files(self):
        done = subprocess.run(["scripts/format", "--check", "--all"], cwd=TOP, capture_output=True, text=True, check=False)
        complaints = [line for line in done.stderr.splitlines() if "error:" in line]
        self.assertEqual(done.returncode, 0, "run scripts/format --all: " + "\n".join(complaints[:20] or [done.stderr]))


if __name__ == "__main__":
    unittest.main()
