// The agent's process: wires configuration, server, HTTP and DNS together, starts and ends them in order.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/runtime_config.h"
#include "base/result.h"

namespace praetor::daemon {

class Signals;

class Daemon {
 public:
  struct Options {
    std::shared_ptr<const agent::RuntimeConfig> config;
    // Loads the configuration again (SIGHUP, PUT /v1/agent/reload).
    std::function<Result<std::shared_ptr<const agent::RuntimeConfig>>()> reload;
    Signals* signals = nullptr;  // not owned
  };
  static Result<std::unique_ptr<Daemon>> start(Options options);
  ~Daemon();

  // Main thread. Runs until a signal or a request ends the agent; the process's exit code.
  int run();

 private:
  struct Impl;
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::daemon
