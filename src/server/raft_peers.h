// How raft's configuration follows the members (semantics.md 3, Raft ids): which changes the leader makes
// when a server joins or leaves. Pure.
#pragma once

#include <string>
#include <vector>

#include "gossip/serf.h"
#include "raft/node.h"
#include "server/server_tags.h"

namespace praetor::server {

struct PeerChange {
  raft::ConfigurationChange change{};
  raft::Server server;
  std::string note;  // for the log, once it is done
};

struct PeerChanges {
  std::vector<PeerChange> changes;  // in order, each after the one before
  std::string refusal;              // why nothing is done; empty: nothing to say
};

// The lowest raft protocol among the datacenter's servers that are alive; 0 without any.
int64_t least_raft_protocol(const std::vector<gossip::Member>& members, const std::string& datacenter);

// A server is alive. `self`: this server's raft id. This leader itself is never taken out.
PeerChanges join_peer(const raft::Configuration& configuration, const std::vector<gossip::Member>& members,
                      const ServerTags& server, const std::string& self);

// Whether the voters that would be left without this one are a majority of themselves alive: else the change
// could never be committed, and would stand in the way of those that come back.
bool keeps_quorum(const raft::Configuration& configuration, const std::vector<gossip::Member>& members,
                  const raft::Server& without, const std::string& self);

// A server has left, or was reaped. Not if another member is alive under its id: that is the same server
// under a new name.
PeerChanges remove_peer(const raft::Configuration& configuration, const std::vector<gossip::Member>& members,
                        const ServerTags& server, const std::string& self);

}  // namespace praetor::server
