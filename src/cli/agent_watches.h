// The `watches` of an agent's configuration: each follows the local agent's HTTP API on a thread of its own
// and runs its handler, a program or an HTTP endpoint, when the result changes.
#pragma once

#include <memory>
#include <vector>

#include "agent/runtime_config.h"
#include "base/result.h"

namespace praetor::cli {

class AgentWatches {
 public:
  // Errors: a watch that cannot be understood, in Consul's words.
  static Result<std::shared_ptr<AgentWatches>> start(const agent::RuntimeConfig& config);
  ~AgentWatches();  // ends the requests and waits for the threads

 private:
  struct Runner;
  AgentWatches() = default;
  std::vector<std::unique_ptr<Runner>> runners_;
};

}  // namespace praetor::cli
