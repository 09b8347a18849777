#include "server/status.h"

namespace praetor::server {

Addresses raft_peers(Server& server) {
  Addresses addresses;
  for (const raft::Server& peer : server.raft().configuration().configuration.servers)
    addresses.push_back(peer.address);
  return addresses;
}

model::RaftStats raft_stats(Server& server) {
  raft::Node& raft = server.raft();
  model::RaftStats stats;
  stats.last_contact = raft.stats()["last_contact"];
  stats.last_term = raft.term();
  stats.last_index = raft.last_index();
  return stats;
}

}  // namespace praetor::server
