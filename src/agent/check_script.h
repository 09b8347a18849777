// Runs the programs of script checks. Each runs in a process group of its own, with no input and its output
// caught up to a limit; at its deadline the whole group is killed. A program that floods its output is slowed
// down, not the agent. Everything on the reactor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/check_state.h"
#include "base/reactor.h"

namespace praetor::agent {

class ScriptHost {
 public:
  explicit ScriptHost(Reactor& reactor);
  // Kills what still runs and reaps it.
  ~ScriptHost();

  struct Job {
    std::vector<std::string> args;  // a program and its arguments
    Duration timeout{0};
    size_t output_limit = kDefaultCheckOutput;
  };
  // `exited` says that the program is gone too (after a timeout it may take a moment): only then is it proper
  // to start it again.
  struct Callbacks {
    std::function<void(CheckResult)> result;
    std::function<void()> exited;
  };
  using Ticket = uint64_t;

  // Both callbacks run once, `result` first, later. Failing to start is a result: `fork/exec x: …`.
  Ticket run(const Job& job, const Callbacks& callbacks);
  // The program goes on until it ends or its deadline comes, but nobody hears of it.
  void abandon(Ticket ticket);
  size_t running() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::agent
