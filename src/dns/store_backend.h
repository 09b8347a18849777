// The DNS view of a server agent's own store. Every answer is at hand: nothing is ever deferred.
#pragma once

#include <memory>
#include <string>

#include "dns/backend.h"

namespace praetor::server {
class Server;
}

namespace praetor::dns {

// One for each reactor; used on it only. `server` outlives it.
std::unique_ptr<Backend> make_store_backend(server::Server& server);

}  // namespace praetor::dns
