#include <gtest/gtest.h>
#include <sys/wait.h>

#include "agent/check_test_server.h"

namespace praetor::agent {
namespace {

struct ScriptCheck : ProbeFixture {
  CheckSpec spec_of(const std::string& script, Duration timeout = std::chrono::seconds(10)) {
    CheckSpec spec;
    spec.args = {"/bin/sh", "-c", script};
    spec.timeout = timeout;
    return spec;
  }
  CheckResult run(const std::string& script, Duration timeout = std::chrono::seconds(10)) {
    return probe(make_script_probe, spec_of(script, timeout));
  }
  CheckResult run_args(std::vector<std::string> args) {
    CheckSpec spec;
    spec.args = std::move(args);
    return probe(make_script_probe, spec);
  }
  // Until every program is gone and reaped.
  void wait_until_idle() {
    bool idle = false;
    for (int i = 0; i < 2000 && !idle; ++i) {
      on_reactor([&] { idle = scripts->running() == 0; });
      if (!idle) ::usleep(5000);
    }
    EXPECT_TRUE(idle);
  }
};

constexpr Duration kShort = std::chrono::milliseconds(300);

TEST_F(ScriptCheck, ExitCodes) {
  EXPECT_EQ(run("echo hi"), (CheckResult{CheckStatus::kPassing, "hi\n"}));
  EXPECT_EQ(run("echo warn; exit 1"), (CheckResult{CheckStatus::kWarning, "warn\n"}));
  EXPECT_EQ(run("echo err >&2; echo out; exit 2"), (CheckResult{CheckStatus::kCritical, "err\nout\n"}));
  EXPECT_EQ(run("kill -9 $$"), (CheckResult{CheckStatus::kCritical, ""}));
  EXPECT_EQ(run_args({"echo", "a b", "$HOME"}), (CheckResult{CheckStatus::kPassing, "a b $HOME\n"}));
}

TEST_F(ScriptCheck, WhatCannotStart) {
  EXPECT_EQ(run_args({"/nonexistent/x", "a"}).output, "fork/exec /nonexistent/x: no such file or directory");
  EXPECT_EQ(run_args({"/tmp"}).output, "fork/exec /tmp: permission denied");
  EXPECT_EQ(run_args({"nonexistent-cmd"}).output,
            "exec: \"nonexistent-cmd\": executable file not found in $PATH");
}

TEST_F(ScriptCheck, LongOutputKeepsItsEnd) {
  CheckSpec spec = spec_of("seq 1 3000; exit 3");
  CheckResult result = probe(make_script_probe, spec);
  EXPECT_EQ(result.status, CheckStatus::kCritical);
  EXPECT_TRUE(result.output.starts_with("Captured 4096 of 13893 bytes\n...\n"));
  EXPECT_TRUE(result.output.ends_with("2999\n3000\n"));
}

TEST_F(ScriptCheck, InputIsEmptyAndNothingLeaks) {
  EXPECT_EQ(run("cat; ls /proc/self/fd | wc -l"), (CheckResult{CheckStatus::kPassing, "4\n"}));
}

TEST_F(ScriptCheck, TimeoutKillsTheGroup) {
  EXPECT_EQ(run("trap '' TERM; echo no; sleep 60 & sleep 60", kShort),
            (CheckResult{CheckStatus::kCritical, "Timed out (300ms) running check\n\nno\n",
                         CheckResult::Run::kTimedOut}));
  wait_until_idle();
  EXPECT_EQ(run("exec 1>&- 2>&-; sleep 60", kShort).output, "Timed out (300ms) running check");
  wait_until_idle();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);  // no zombie
}

TEST_F(ScriptCheck, WaitsForChildrenThatHoldTheOutput) {
  EXPECT_EQ(run("echo part; (sleep 0.2; echo late) & exit 0"),
            (CheckResult{CheckStatus::kPassing, "part\nlate\n"}));
  EXPECT_EQ(run("echo part; sleep 60 & exit 0", kShort).output, "Timed out (300ms) running check\n\npart\n");
  EXPECT_EQ(run("echo part; setsid sleep 3 & exit 0", kShort).output,
            "Timed out (300ms) running check\n\npart\n");
  wait_until_idle();
}

TEST_F(ScriptCheck, FloodEndsAtTheDeadline) {
  CheckResult result = run("yes", kShort);
  EXPECT_EQ(result.status, CheckStatus::kCritical);
  EXPECT_TRUE(result.output.starts_with("Timed out (300ms) running check\n\nCaptured 4096 of "));
  wait_until_idle();
}

TEST_F(ScriptCheck, StoppedCheckLetsItsProgramEnd) {
  std::unique_ptr<Probe> made;
  on_reactor([&] {
    made = make_script_probe(spec_of("sleep 0.1"), *env);
    made->run([](const CheckResult&) { ADD_FAILURE() << "a stopped check reported"; });
    made.reset();
    EXPECT_EQ(scripts->running(), 1u);
  });
  wait_until_idle();
}

}  // namespace
}  // namespace praetor::agent
