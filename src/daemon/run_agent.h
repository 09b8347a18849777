// The `agent` command: loads the configuration, sets logging up, prints the banner, runs the agent.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "agent/config_load.h"

namespace praetor::daemon {

using Output = std::function<void(std::string_view)>;

// Starts the watches of a configuration; they end with the object.
using WatchStarter = std::function<Result<std::shared_ptr<void>>(const agent::RuntimeConfig&)>;

// Main thread, before any other exists. Returns the process's exit code.
int run_agent(const agent::LoadOptions& options, const Output& out, const Output& err,
              const WatchStarter& start_watches);

}  // namespace praetor::daemon
