// The Operator endpoint: the raft configuration.
#pragma once

#include <functional>
#include <string>

#include "model/agent.h"
#include "server/method.h"
#include "server/server.h"

namespace praetor::server {

model::RaftConfigurationResponse raft_configuration(Server& server);

// By id or by address, whichever is not empty. Errors: `address "x" was not found in the Raft configuration`.
void raft_remove_peer(Server& server, Reactor& reactor, const std::string& id, const std::string& address,
                      std::function<void(Status)> done);

inline constexpr CallMethod<model::DCSpecificRequest, model::RaftConfigurationResponse>
    kOperatorRaftGetConfiguration{"Operator.RaftGetConfiguration",
                                  [](Server& server, Reactor&, model::DCSpecificRequest, auto done) {
                                    done(raft_configuration(server));
                                  },
                                  Place::kReadable};
inline constexpr CallMethod<model::RaftRemovePeerRequest, Nothing> kOperatorRaftRemovePeerByAddress{
    "Operator.RaftRemovePeerByAddress",
    [](Server& server, Reactor& reactor, model::RaftRemovePeerRequest request, auto done) {
      raft_remove_peer(server, reactor, "", request.address, without_reply(std::move(done)));
    }};
inline constexpr CallMethod<model::RaftRemovePeerRequest, Nothing> kOperatorRaftRemovePeerById{
    "Operator.RaftRemovePeerByID",
    [](Server& server, Reactor& reactor, model::RaftRemovePeerRequest request, auto done) {
      raft_remove_peer(server, reactor, request.id, "", without_reply(std::move(done)));
    }};

}  // namespace praetor::server
