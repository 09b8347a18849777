// The Operator endpoint: the raft configuration.
#pragma once

#include <functional>
#include <string>

#include "model/agent.h"
#include "server/server.h"

namespace praetor::server {

model::RaftConfigurationResponse raft_configuration(Server& server);

// By id or by address, whichever is not empty. Errors: `address "x" was not found in the Raft configuration`.
void raft_remove_peer(Server& server, Reactor& reactor, const std::string& id, const std::string& address,
                      std::function<void(Status)> done);

}  // namespace praetor::server
