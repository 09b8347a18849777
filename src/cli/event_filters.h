// The filters that `event` and `exec` send along.
#pragma once

#include <string>

#include "base/result.h"

namespace praetor::cli {

// Regular expressions or empty. Error: `Failed to compile node filter regexp: …` or what else is wrong.
Status check_event_filters(const std::string& node, const std::string& service, const std::string& tag);

}  // namespace praetor::cli
