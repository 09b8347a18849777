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
#include "model/query.h"

namespace praetor::gossip {
struct Member;
}
namespace praetor::raft {
class Transport;
}

namespace praetor::server {

struct ServerTags;
struct WanView;

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

  // What other agents have a server do in its pools. Any thread; `done` exactly once, on the given reactor.
  // A user event into the LAN pool.
  std::function<void(Reactor&, std::string name, std::string payload, std::function<void(Status)> done)>
      fire_event;
  // Lists or changes the keys of one pool.
  using KeysAnswer = std::function<void(model::KeyringResponse)>;
  std::function<void(Reactor&, bool wan, const model::KeyringRequest&, KeysAnswer done)> change_keys;
  // The WAN pool now. Any thread; `done` on the given reactor.
  std::function<void(Reactor&, std::function<void(WanView)> done)> wan;
  // The datacenters of the WAN pool, sorted; none without one.
  std::function<std::vector<std::string>()> datacenters;
  // The other datacenters, the nearest first.
  std::function<void(Reactor&, std::function<void(std::vector<std::string>)> done)> other_datacenters;
  // PreparedQuery.ExecuteRemote of a server in the datacenter that the request names.
  using QueryAnswer = std::function<void(Result<model::PreparedQueryExecuteResponse>)>;
  std::function<void(Reactor&, const model::PreparedQueryExecuteRemoteRequest&, QueryAnswer done)> ask_query;
  // Internal.KeyringOperation of a server in the datacenter that the request names.
  using KeyringAnswer = std::function<void(Result<model::KeyringResponses>)>;
  std::function<void(Reactor&, const model::KeyringRequest&, KeyringAnswer done)> ask_keyring;
};

}  // namespace praetor::server
