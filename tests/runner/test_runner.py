"""The runner itself: a run that fails, hangs, crashes or leaks must not count as passed."""
import os
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import tally  # noqa: E402

CTEST = ('<testsuite name="x" tests="4"><testcase name="a" status="run"/><testcase name="b" status="fail"><failure/>'
         '</testcase><testcase name="c" status="notrun"><skipped/></testcase><testcase name="d" status="disabled"/>'
         "</testsuite>")
PYTEST = ('<testsuites><testsuite tests="4"><testcase name="a"/><testcase name="b"><error/></testcase>'
          '<testcase name="c"><failure/></testcase><testcase name="d"><skipped/></testcase></testsuite></testsuites>')
GOOD = '<testsuite><testcase name="a" status="run"/></testsuite>'


class Tally(unittest.TestCase):
    def test_ctest_report(self):
        self.assertEqual(tally.count(CTEST), (1, 1, 2))

    def test_pytest_report(self):
        self.assertEqual(tally.count(PYTEST), (1, 2, 1))

    def test_good_stage(self):
        self.assertEqual(tally.stage(GOOD, 0), (1, 0, 0, None))

    def test_failing_stage_is_counted_once(self):
        self.assertEqual(tally.stage(CTEST, 8), (1, 1, 2, None))

    def test_exit_code_without_a_failed_test(self):
        self.assertEqual(tally.stage(GOOD, 139), (1, 1, 0, "exited with 139"))
        self.assertEqual(tally.stage(GOOD, 124), (1, 1, 0, "ran out of time"))
        self.assertEqual(tally.stage(GOOD, 125), (1, 1, 0, "left processes behind"))

    def test_no_report_and_no_test(self):
        self.assertEqual(tally.stage(None, 0), (0, 1, 0, "wrote no report"))
        self.assertEqual(tally.stage("<testsuite", 0), (0, 1, 0, "wrote a broken report"))
        self.assertEqual(tally.stage("<testsuite/>", 0), (0, 1, 0, "ran no test"))

    def closing(self, **stages):
        with tempfile.TemporaryDirectory() as folder:
            for name, (report, code) in stages.items():
                for suffix, text in ((".xml", report), (".exit", str(code))):
                    with open(os.path.join(folder, name + suffix), "w", encoding="utf-8") as file:
                        file.write(text)
            done = subprocess.run([sys.executable, os.path.join(HERE, "tally.py"), folder], check=False,
                                  capture_output=True, text=True)
            return done.returncode, done.stdout.splitlines()[-1]

    def test_closing_line(self):
        self.assertEqual(self.closing(unit=(GOOD, 0), compat=(GOOD, 0)), (0, "2 passed, 0 failed, 0 skipped"))
        self.assertEqual(self.closing(unit=(GOOD, 0), compat=(PYTEST, 1)), (1, "2 passed, 2 failed, 1 skipped"))

    def test_nothing_ran(self):
        self.assertEqual(self.closing(), (1, "0 passed, 0 failed, 0 skipped"))


class Contain(unittest.TestCase):
    def run_contained(self, seconds, script):
        return subprocess.run([sys.executable, os.path.join(HERE, "contain.py"), str(seconds), "sh", "-c", script],
                              check=False, capture_output=True, text=True, timeout=60)

    def test_exit_code_passes_through(self):
        self.assertEqual(self.run_contained(30, "exit 0").returncode, 0)
        self.assertEqual(self.run_contained(30, "exit 3").returncode, 3)
        self.assertEqual(self.run_contained(30, "kill -9 $$").returncode, 137)

    def test_time_is_up(self):
        started = time.monotonic()
        self.assertEqual(self.run_contained(0.5, "sleep 50 & sleep 50").returncode, 124)
        self.assertLess(time.monotonic() - started, 20)

    def test_a_daemon_is_killed_and_named(self):
        done = self.run_contained(30, "setsid sh -c 'echo $$; exec sleep 4711' & sleep 0.3")
        self.assertEqual(done.returncode, 125)
        self.assertIn("sleep 4711", done.stderr)
        self.assertFalse(os.path.exists(f"/proc/{int(done.stdout)}"))

    def test_a_leak_does_not_hide_a_failure(self):
        self.assertEqual(self.run_contained(30, "sleep 50 & exit 7").returncode, 7)

    def test_one_that_is_just_ending_is_no_leak(self):
        self.assertEqual(self.run_contained(30, "sleep 0.3 & exit 0").returncode, 0)


class Spend(unittest.TestCase):
    """A fuzzer's time is the processor's, not the clock's."""

    def run_spending(self, seconds, script):
        return subprocess.run([sys.executable, os.path.join(TOP, "tests", "fuzz", "spend.py"), str(seconds), "sh", "-c", script],
                              check=False, capture_output=True, text=True, timeout=60)

    def test_asks_when_it_was_had(self):
        done = self.run_spending(0.5, "trap 'echo asked; exit 0' USR1; while :; do :; done")
        self.assertEqual((done.returncode, done.stdout.splitlines()[0]), (0, "asked"))
        self.assertRegex(done.stdout, r"spent: [01] s of processor time in \d+ s\n$")

    def test_waiting_does_not_count(self):
        done = self.run_spending(0.2, "trap 'echo asked; exit 0' USR1; sleep 1; exit 3")
        self.assertEqual((done.returncode, done.stdout[:6]), (3, "spent:"))


class Scripts(unittest.TestCase):
    def run_script(self, *arguments):
        return subprocess.run([os.path.join(TOP, "scripts", arguments[0]), *arguments[1:]], check=False,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)

    def test_build_folders(self):
        for options, folder in (((), "release"), (("--debug",), "debug"), (("--sanitize=thread",), "tsan"),
                                (("--sanitize=address,undefined",), "asan")):
            self.assertEqual(self.run_script("build", "--where", *options).stdout, f"build/{folder}\n")

    def test_wrong_arguments_are_refused(self):
        for arguments in (("build", "--frobnicate"), ("build", "--sanitize=memory"), ("test", "frobnicate"),
                          ("setup", "frobnicate"), ("peers", "frobnicate")):
            done = self.run_script(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertTrue(done.stderr, arguments)

    def test_setup_with_nothing_to_do_is_quick(self):
        started = time.monotonic()
        done = self.run_script("setup")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertLess(time.monotonic() - started, 10)

    def test_every_package_is_named_once(self):
        with open(os.path.join(TOP, "scripts", "packages"), encoding="utf-8") as file:
            names = [line.strip() for line in file if line.strip() and not line.startswith(("#", "["))]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
