// Results of watches in the shape of Consul's Go API client, which handlers receive: its field order, its
// omissions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace praetor::agent {

// `body` is what the HTTP API answered; an empty one stands for a key that does not exist ("null").
Result<std::string> watch_key(std::string_view body);
Result<std::string> watch_key_prefix(std::string_view body);
Result<std::string> watch_services(std::string_view body);
Result<std::string> watch_nodes(std::string_view body);
Result<std::string> watch_service(std::string_view body);
Result<std::string> watch_checks(std::string_view body);
// Only the events after the one whose index (event_index in agent/user_events.h) is `last_index`.
Result<std::string> watch_events(std::string_view body, uint64_t last_index);
Result<std::string> watch_connect_roots(std::string_view body);
Result<std::string> watch_connect_leaf(std::string_view body);
Result<std::string> watch_agent_service(std::string_view body);

}  // namespace praetor::agent
