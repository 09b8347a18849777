#include "server/raft_peers.h"

#include <algorithm>

namespace praetor::server {
namespace {

using raft::ConfigurationChange;

PeerChange removal(const raft::Server& server, std::string note) {
  return {ConfigurationChange::kRemoveServer, server, std::move(note)};
}

bool is_alive(const gossip::Member& member) { return member.status == gossip::MemberStatus::kAlive; }

bool is_server_alive(const std::vector<gossip::Member>& members, const std::string& raft_id) {
  return std::any_of(members.begin(), members.end(), [&](const gossip::Member& member) {
    auto server = is_alive(member) ? server_tags(member) : std::nullopt;
    return server && server->raft_id() == raft_id;
  });
}

}  // namespace

bool keeps_quorum(const raft::Configuration& configuration, const std::vector<gossip::Member>& members,
                  const raft::Server& without, const std::string& self) {
  size_t voters = 0, alive = 0;
  for (const raft::Server& peer : configuration.servers) {
    if (peer.suffrage != raft::Suffrage::kVoter || peer.id == without.id) continue;
    ++voters;
    alive += peer.id == self || is_server_alive(members, peer.id);
  }
  return without.suffrage != raft::Suffrage::kVoter || (voters > 0 && alive >= voters / 2 + 1);
}

int64_t least_raft_protocol(const std::vector<gossip::Member>& members, const std::string& datacenter) {
  int64_t least = -1;
  for (const gossip::Member& member : members) {
    if (!is_alive(member)) continue;
    auto server = server_tags(member);
    if (!server || server->datacenter != datacenter) continue;
    least = least < 0 ? server->raft_protocol : std::min(least, server->raft_protocol);
  }
  return std::max<int64_t>(least, 0);
}

PeerChanges join_peer(const raft::Configuration& configuration, const std::vector<gossip::Member>& members,
                      const ServerTags& server, const std::string& self) {
  PeerChanges result;
  if (server.bootstrap)
    for (const gossip::Member& member : members) {
      auto other = server_tags(member);
      if (!other || !other->bootstrap || other->name == server.name || other->datacenter != server.datacenter)
        continue;
      result.refusal =
          "Two nodes are in bootstrap mode. Only one node should be in bootstrap mode, not adding Raft peer.";
      return result;
    }
  int64_t least = least_raft_protocol(members, server.datacenter);
  // This server runs protocol 3, whatever its tags were configured to say.
  raft::Server wanted{raft::Suffrage::kVoter, server.id == self ? self : server.raft_id(), server.address};
  if (wanted.id.empty()) return result;
  const raft::Server* known = configuration.find(wanted.id);
  if (known != nullptr && known->address == wanted.address) return result;
  for (const raft::Server& other : configuration.servers)
    if (other.address == wanted.address && other.id != wanted.id && other.id != self)
      result.changes.push_back(removal(other, "removed server with duplicate address"));
  // A server keeps its vote at a new address: it is the same log.
  bool votes = least < 3 || (known != nullptr && known->suffrage == raft::Suffrage::kVoter);
  if (known == nullptr && wanted.id == self) return result;  // it leads without a vote: it is leaving
  result.changes.push_back(
      {votes ? ConfigurationChange::kAddVoter : ConfigurationChange::kAddNonvoter, std::move(wanted), {}});
  return result;
}

PeerChanges remove_peer(const raft::Configuration& configuration, const std::vector<gossip::Member>& members,
                        const ServerTags& server, const std::string& self) {
  PeerChanges result;
  auto serves_on = [&](const raft::Server& peer) {
    return std::any_of(members.begin(), members.end(), [&](const gossip::Member& member) {
      if (!is_alive(member) || member.name == server.name) return false;
      auto other = server_tags(member);
      return other && other->raft_id() == peer.id;
    });
  };
  for (const raft::Server& peer : configuration.servers) {
    bool same_id = !server.id.empty() && peer.id == server.id;
    if (peer.id == self || (!same_id && peer.address != server.address) || serves_on(peer)) continue;
    if (!keeps_quorum(configuration, members, peer, self)) {
      result.refusal =
          "not removing a server from Raft: too few of the others are alive to carry on without it";
      return result;
    }
    result.changes.push_back(removal(peer, same_id ? "removing server by ID" : "removing server by address"));
    break;
  }
  return result;
}

}  // namespace praetor::server
