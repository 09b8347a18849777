// The node's UUID: given, read from <data_dir>/node-id, or made and written there.
#pragma once

#include <string>

#include "agent/runtime_config.h"
#include "base/result.h"

namespace praetor::daemon {

Result<std::string> ensure_node_id(const agent::RuntimeConfig& config);

}  // namespace praetor::daemon
