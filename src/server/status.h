// The Status endpoint: what a server says of its consensus. Never forwarded to the leader.
#pragma once

#include <functional>
#include <string>

#include "model/operator.h"
#include "server/method.h"
#include "server/server.h"

namespace praetor::server {

using Addresses = codec::List<std::string>;

inline constexpr CallMethod<Nothing, Nothing> kStatusPing{
    "Status.Ping", [](Server&, Reactor&, Nothing, auto done) { done(Nothing{}); }, Place::kAnyServer};
// Where the leader is; empty when none is known.
inline constexpr CallMethod<model::DCSpecificRequest, std::string> kStatusLeader{
    "Status.Leader",
    [](Server& server, Reactor&, model::DCSpecificRequest, auto done) { done(server.leader_address()); },
    Place::kAnyServer};
inline constexpr CallMethod<model::DCSpecificRequest, Addresses> kStatusPeers{
    "Status.Peers",
    [](Server& server, Reactor&, model::DCSpecificRequest, auto done) {
      done(Addresses(server.raft_peers()));
    },
    Place::kAnyServer};
inline constexpr CallMethod<Nothing, model::RaftStats> kStatusRaftStats{
    "Status.RaftStats", [](Server& server, Reactor&, Nothing, auto done) { done(server.raft_stats()); },
    Place::kAnyServer};

}  // namespace praetor::server
