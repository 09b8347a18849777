// The DNS view of an agent: its own store where it is a server that may answer, else its servers, over RPC.
#pragma once

#include <memory>

#include "base/reactor.h"
#include "dns/backend.h"

namespace praetor::server {
class Gateway;
}

namespace praetor::dns {

// One for each reactor; used on it only. `gateway` and `reactor` outlive it.
std::unique_ptr<Backend> make_gateway_backend(server::Gateway& gateway, Reactor& reactor);

}  // namespace praetor::dns
