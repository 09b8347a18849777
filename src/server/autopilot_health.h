// What autopilot concludes from the servers' state (semantics.md 15): who is healthy, who is promoted to a
// voter, who is removed. Pure; autopilot_duties.h asks, and acts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "gossip/serf.h"
#include "model/operator.h"
#include "raft/node.h"
#include "raft/types.h"
#include "server/server_tags.h"

namespace praetor::server {

// The timings with heartbeats so frequent that an idle follower counts as healthy: hashicorp/raft writes to
// it each 50 to 100 ms, and autopilot's threshold is 200 ms. A leader's reads need them too: its lease lasts
// 300 ms.
inline constexpr Duration kLongestHeartbeatInterval = std::chrono::milliseconds(100);
raft::Timings healthy_timings(raft::Timings timings);

struct HealthInput {
  raft::Configuration configuration;
  std::string leader_id;
  std::vector<gossip::Member> members;
  std::map<std::string, model::RaftStats> stats;  // by raft id; of those that answered
  uint64_t last_term = 0, last_index = 0;         // the leader's log
  model::AutopilotConfig config;
  // The members have been known for a while: who is not among them is gone.
  bool settled = true;
  Time now;
};

// Since when a server has been as healthy, or as ill, as it is; by raft id.
struct Stability {
  bool healthy = false;
  Time since;
};
using StabilityMap = std::map<std::string, Stability>;

// Brings `stability` up to date: servers that are gone leave it.
model::OperatorHealth assess_health(const HealthInput& input, StabilityMap& stability);

// Those without a vote that have been healthy for server_stabilization_time.
std::vector<raft::Server> servers_to_promote(const HealthInput& input, const StabilityMap& stability);

struct Cleanup {
  std::vector<gossip::Member> failed;  // to count as left
  std::vector<raft::Server> stale;     // to leave the configuration: no member has their address
  std::string refusal;                 // why dead servers are kept
};
Cleanup servers_to_remove(const HealthInput& input);

}  // namespace praetor::server
