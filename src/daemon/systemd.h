// The service manager that started the agent (sd_notify's protocol): a datagram to the unix socket that
// NOTIFY_SOCKET names, a path or (with a leading @) an abstract name. Any thread.
#pragma once

#include <string_view>

#include "base/result.h"

namespace praetor::daemon {

inline constexpr std::string_view kSystemdReady = "READY=1";

// Sends `state`; nothing to do, and no error, where no manager listens.
Status notify_systemd(std::string_view state);

}  // namespace praetor::daemon
