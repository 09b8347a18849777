// What any agent may have a server do in its gossip pools: user events, and the keys that encrypt gossip.
// Consul's Internal.EventFire and Internal.KeyringOperation (wire.md 5.9).
#pragma once

#include <functional>

#include "model/agent.h"
#include "model/operator.h"
#include "server/method.h"

namespace praetor::server {

void fire_event(Server& server, Reactor& reactor, model::EventFireRequest request,
                std::function<void(Result<model::EventFireResponse>)> done);

// Without `forwarded` or `local_only`: the WAN pool's keys, and then, by one server of each datacenter, those
// of its LAN pool. What went wrong in a pool stands in its response; an error is a datacenter that does not
// answer.
void operate_keyring(Server& server, Reactor& reactor, model::KeyringRequest request,
                     std::function<void(Result<model::KeyringResponses>)> done);

inline constexpr CallMethod<model::EventFireRequest, model::EventFireResponse> kInternalEventFire{
    "Internal.EventFire", fire_event, Place::kAnyServer};
inline constexpr CallMethod<model::KeyringRequest, model::KeyringResponses> kInternalKeyringOperation{
    "Internal.KeyringOperation", operate_keyring, Place::kAnyServer};

}  // namespace praetor::server
