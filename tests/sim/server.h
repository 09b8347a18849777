// One simulated server: a disk that outlives it, and a process that runs the real Node (consensus, log,
// votes, snapshots, recovery) over the real state machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "raft/fault_fs.h"
#include "raft/node.h"
#include "sim/loops.h"
#include "sim/machine.h"
#include "sim/network.h"
#include "sim/watchers.h"

namespace praetor::sim {

struct ServerOptions {
  std::string id;
  raft::Configuration bootstrap_servers;  // empty: joins a cluster
  raft::Timings timings;
  double drift = 0;
  Loops::Latencies latencies;
  Duration snapshot_interval = std::chrono::seconds(1);
  uint64_t snapshot_threshold = 40;
  uint64_t trailing_logs = 10;
  size_t segment_bytes = 8 << 10;
  size_t max_append_entries = raft::kMaxAppendEntries;
  std::function<void(const std::string& id)> on_elected;
};

class SimServer {
 public:
  SimServer(World& world, Truth& truth, Network& network, ServerOptions options);
  ~SimServer();

  const std::string& id() const { return options_.id; }
  bool running() const { return process_ != nullptr; }
  bool paused() const;
  // A fault of the disk made the node give up.
  bool disk_failed() const;

  // Opens what the disk holds. A start that fails without an injected fault is a violation.
  void start();
  // The process dies; what it has written stays (in the page cache: a later power cut may take it).
  void kill();
  // The machine loses its power, and what was not synced wholly or in part.
  void cut_power();
  // Power fails in the middle of the n-th write, sync or change of a name from now; also of a later start.
  void cut_power_at(uint64_t call);
  // That call fails; the node must then stop taking part.
  void fail_disk_at(uint64_t call, raft::Fault fault);
  // What was armed and has not come true does not come any more.
  void forget_faults();
  void pause();
  void resume();
  // Stops as a process that is asked to.
  void shut_down();
  // Runs the action now, when the paused process continues, or never (it died before).
  void when_running(World::Action action);

  // REQUIRES: running.
  raft::Node& node();
  store::Store& store();
  Watchers& watchers();
  bool leads() const { return running() && !paused() && process_node_leads(); }
  // Reads the durable log, as at a start, and compares it with what was committed.
  void check_disk();
  void announce(const std::string& peer, bool pre_vote);

 private:
  struct Process;
  bool process_node_leads() const;
  void die();
  // After each event that may have touched the disk: whether an armed fault has come true.
  void look_at_disk();
  raft::Options node_options();

  World& world_;
  Truth& truth_;
  Network& network_;
  const ServerOptions options_;
  raft::FaultFileSystem disk_;
  bool power_fails_ = false, disk_fails_ = false;
  std::vector<std::pair<std::string, bool>> announced_;
  std::unique_ptr<Process> process_;
};

}  // namespace praetor::sim
