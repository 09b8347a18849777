// Which part of the configuration a running agent takes over on reload (config.md 10), and which waits for
// the next start. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/runtime_config.h"

namespace praetor::agent {

// `running` with what may change at once taken from `fresh`: definitions, watches, node metadata, the log's
// level, DNS answers and recursors, limits of clients, tokens, TLS files and rules, the metrics filter.
RuntimeConfig reloaded_config(const RuntimeConfig& running, const RuntimeConfig& fresh);

// The names (those of /v1/agent/self) of what differs between the two and is not taken over, sorted. Two
// configurations that were loaded, not reloaded ones.
std::vector<std::string> needs_restart(const RuntimeConfig& started, const RuntimeConfig& fresh);

}  // namespace praetor::agent
