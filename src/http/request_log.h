// The log of the HTTP API: a line a request at level debug, and one at level error for what failed (Consul's
// texts). Secrets in the target are hidden. Only requests of the API are logged, not pages; any reactor.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace praetor::http {

// Whether finished requests are worth naming at all: one relaxed load.
bool logs_requests();
// `from` is the client's "ip:port", or "@" on a unix socket.
void log_request_finished(const Request& request, std::string_view from);
void log_request_error(const Request& request, std::string_view from, std::string_view error);

// The target with the values of ?token and the ids of the old ACL endpoints replaced by "<hidden>".
std::string hide_secrets(std::string_view target);

}  // namespace praetor::http
