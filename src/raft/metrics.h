// What consensus measures (docs/telemetry.md). Observed by the node and its threads, never by the core.
#pragma once

#include "base/metrics.h"

namespace praetor::raft {

struct NodeMetrics {
  Counter applies{"raft.apply"}, barriers{"raft.barrier"}, verifications{"raft.verify_leader"},
      restores{"raft.restore"};
  Counter leader{"raft.state.leader"}, candidate{"raft.state.candidate"}, follower{"raft.state.follower"},
      heartbeat_timeout{"raft.transition.heartbeat_timeout"};
  Sample commit_time{"raft.commitTime"};           // from a proposal's dispatch until it is committed
  Sample dispatch_log{"raft.leader.dispatchLog"};  // a batch written and synced
  Gauge dispatch_logs{"raft.leader.dispatchNumLogs"};
  Gauge commit_logs{"raft.commitNumLogs"};
  Sample fsm_apply{"raft.fsm.apply"}, fsm_snapshot{"raft.fsm.snapshot"}, fsm_restore{"raft.fsm.restore"};
  Sample snapshot_create{"raft.snapshot.create"}, snapshot_persist{"raft.snapshot.persist"},
      take_snapshot{"raft.snapshot.takeSnapshot"}, restore_user_snapshot{"raft.restoreUserSnapshot"};
};

inline const NodeMetrics& node_metrics() {
  static const NodeMetrics metrics;
  return metrics;
}

}  // namespace praetor::raft
