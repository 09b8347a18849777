// The intervals and limits of a pool (wire.md 2.7) and the formulae of the SWIM and Lifeguard papers that
// scale them with the size of the cluster. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace praetor::gossip {

struct SwimTimings {
  Duration tcp_timeout = std::chrono::seconds(10);
  Duration push_pull_interval = std::chrono::seconds(30);
  Duration probe_interval = std::chrono::seconds(1);
  Duration probe_timeout = std::chrono::milliseconds(500);
  Duration gossip_interval = std::chrono::milliseconds(200);
  Duration gossip_to_the_dead = std::chrono::seconds(30);
  // A dead node's name may be taken by another address after this long (a left one's at once).
  Duration dead_node_reclaim = std::chrono::seconds(30);
  // Nodes that left are remembered this long, so that late news do not bring them back (Serf's tombstones).
  Duration left_retention = std::chrono::hours(24);
  uint32_t indirect_checks = 3;
  uint32_t gossip_nodes = 3;
  uint32_t retransmit_mult = 4;
  uint32_t suspicion_mult = 4;
  uint32_t suspicion_max_timeout_mult = 6;
  uint32_t awareness_max = 8;

  static SwimTimings lan() { return {}; }
  static SwimTimings wan();
  // Consul's -dev mode, both pools.
  static SwimTimings dev(SwimTimings base);
};

// How often one message is sent before it is dropped.
uint32_t retransmit_limit(uint32_t mult, size_t nodes);
// The least time for which a node is suspected.
Duration suspicion_timeout(uint32_t mult, size_t nodes, Duration probe_interval);
// The whole time for which a node is suspected after `confirmations` of the `wanted` ones have come: from
// `max` down to `min`, by the logarithm (Lifeguard, section IV.B).
Duration suspicion_after(uint32_t confirmations, uint32_t wanted, Duration min, Duration max);
Duration push_pull_scale(Duration interval, size_t nodes);

}  // namespace praetor::gossip
