// The agent's process: wires configuration, server, HTTP and DNS together, starts and ends them in order.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/runtime_config.h"
#include "agent/telemetry.h"
#include "base/result.h"

namespace praetor::daemon {

class Signals;

class Daemon {
 public:
  struct Options {
    std::shared_ptr<const agent::RuntimeConfig> config;
    // Reload (SIGHUP, PUT /v1/agent/reload), one at a time, from any thread: loads the configuration again;
    // and takes over what the daemon does not own (watches, the log's level).
    std::function<Result<agent::RuntimeConfig>()> load;
    std::function<Status(const agent::RuntimeConfig&)> apply;
    Signals* signals = nullptr;  // not owned
    std::unique_ptr<agent::Telemetry> telemetry;
  };
  static Result<std::unique_ptr<Daemon>> start(Options options);
  ~Daemon();

  // Main thread, once, after the start: -join and -join-wan, which must work; `say` gets a line before each.
  Status join(const std::function<void(const std::string&)>& say);
  // Main thread. Runs until a signal or a request ends the agent; the process's exit code.
  int run();

 private:
  struct Impl;
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::daemon
