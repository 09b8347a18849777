// What a server is given of the outside so that it can be one of many: the transport of consensus, the LAN
// pool, and two questions to other servers. Whoever wires the agent fills it in; the tests have their own
// (cluster_test_support.h). All of it may be left empty: the server is alone then.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/reactor.h"
#include "base/result.h"
#include "model/operator.h"

namespace praetor::gossip {
struct Member;
}
namespace praetor::raft {
class Transport;
}

namespace praetor::server {

struct ServerTags;

struct Cluster {
  raft::Transport* transport = nullptr;  // not owned; outlives the server

  // The LAN pool's members as they are known now, those that failed or left included. Any thread; never
  // blocks. This server itself may be missing (the pool has not started yet).
  std::function<std::vector<gossip::Member>()> members;
  // Lets a failed member count as left, in the LAN pool and, if it is a server, in the WAN pool. On the first
  // reactor; must not block.
  std::function<void(const gossip::Member& member)> remove_failed;

  // Status.Peers of another server: the raft addresses it knows, none when it has no state. `done` exactly
  // once, on the given reactor.
  using PeersAnswer = std::function<void(Result<std::vector<std::string>>)>;
  std::function<void(Reactor&, const ServerTags&, PeersAnswer done)> ask_peers;
  // Status.RaftStats of another server; as ask_peers.
  using StatsAnswer = std::function<void(Result<model::RaftStats>)>;
  std::function<void(Reactor&, const ServerTags&, StatsAnswer done)> ask_raft_stats;
};

}  // namespace praetor::server
