// Where the alias checks of other nodes look: this server's catalog.
#pragma once

#include <functional>

#include "agent/check_runner.h"

namespace praetor::server {
class Server;
}

namespace praetor::agent {

// For CheckHooks::query_remote: answers on `reactor`. Both outlive the result.
std::function<void(const AliasQuery&, std::function<void(Result<AliasReply>)>)> alias_query_on(
    server::Server& server, Reactor& reactor);

}  // namespace praetor::agent
