// The KV store of this server for `consul exec`'s jobs.
#pragma once

#include "agent/remote_exec.h"
#include "base/reactor.h"

namespace praetor::server {
class Server;
}

namespace praetor::daemon {

// Both outlive what is returned. Its functions wait for the reactor.
agent::RemoteExecStore exec_store(server::Server& server, Reactor& reactor, std::string datacenter,
                                  std::string token);

}  // namespace praetor::daemon
