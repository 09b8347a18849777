// One consensus server: the pure core (core.h) with its threads, log, snapshots and state machine.
//
// Threads: `consensus` runs the core and the state machine; `log` appends and syncs, batch after batch;
// `snapshot` writes and receives snapshots. Every public function may be called from every thread; callbacks
// run on the consensus thread unless stated, must not block, and may call the node again. Each callback is
// called exactly once (after shutdown with kErrShutdown).
//
// Durability: a proposal's callback reports success only after a quorum (this server alone, when it is the
// only voter) has the entry synced to disk. A failed write or sync of the log is never retried: the node
// steps down, acknowledges nothing more, and reports through Options::on_disk_failure.
#pragma once

#include <any>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "raft/state_machine.h"
#include "raft/types.h"

namespace praetor::raft {

class FileSystem;
class Scheduler;
class Transport;

// A proposal past these limits fails at once with kRateLimited.
inline constexpr size_t kMaxPendingProposals = 65536;          // waiting for their callback
inline constexpr size_t kMaxPendingProposalBytes = 256 << 20;  // sum of their data
inline constexpr size_t kMaxEntryBytes = 64 << 20;   // data + extensions of one proposal (kTooLarge)
inline constexpr size_t kMaxPendingControls = 4096;  // barriers, verifications, configuration changes
inline constexpr size_t kMaxAppendEntries = 512;     // in one message to a follower

// hashicorp/raft's timings. A multiplier scales the first three (Consul: 5 by default, 1 with -dev).
struct Timings {
  Duration heartbeat_timeout =
      std::chrono::milliseconds(1000);                          // silence before a follower campaigns (to 2x)
  Duration election_timeout = std::chrono::milliseconds(1000);  // one round of a candidate (to 2x)
  Duration leader_lease_timeout = std::chrono::milliseconds(500);  // a leader without quorum steps down
  Duration heartbeat_interval{};  // 0: a tenth of heartbeat_timeout, as hashicorp/raft
  Timings scaled(int multiplier) const;
};

struct Options {
  std::string data_dir;    // "<agent's data_dir>/raft"; created when absent. Unused when in_memory
  bool in_memory = false;  // -dev: log and snapshots in memory, nothing touches a disk
  std::string id;          // this server's id (node UUID)
  std::string address;     // this server's advertised "ip:port"
  // Without any state: become a cluster of this one server (or of bootstrap_servers). With state: ignored.
  bool bootstrap = false;
  Configuration bootstrap_servers;
  // peers.json recovery: replaces the configuration by a new snapshot before the start.
  std::optional<Configuration> recover_configuration;

  Timings timings;
  Duration snapshot_interval = std::chrono::seconds(30);
  uint64_t snapshot_threshold = 16384;
  uint64_t trailing_logs = 10240;
  size_t snapshots_retained = 2;
  size_t segment_bytes = 16 << 20;
  size_t max_append_entries = kMaxAppendEntries;
  Duration full_disk_retry =
      std::chrono::milliseconds(500);  // between two tries to write what there was no room for

  // Called on the consensus thread. on_leadership: this server became (true) or ceased to be the leader.
  std::function<void(bool leader, uint64_t term)> on_leadership;
  std::function<void(const std::string& id, const std::string& address)>
      on_leader_changed;  // "" = none known
  std::function<void(const Configuration&, uint64_t index)> on_configuration;
  std::function<void(const Error&)> on_disk_failure;
  // One line of log for an operator: torn tails repaired, snapshots taken, elections. Any of the node's
  // threads.
  std::function<void(const std::string& line)> on_log;

  // For tests; null means the machine's.
  FileSystem* file_system = nullptr;
  Clock* clock = nullptr;
  Scheduler* scheduler = nullptr;
  // Null: a single server (every other member counts as unreachable). Must outlive the node.
  Transport* transport = nullptr;
};

struct ProposalResult {
  uint64_t index = 0;
  std::any value;  // StateMachine::apply's
};
using ProposalCallback = std::move_only_function<void(Result<ProposalResult>)>;
using StatusCallback = std::move_only_function<void(Status)>;
using IndexCallback = std::move_only_function<void(Result<uint64_t>)>;

// A snapshot on its way to the user. Independent of the node's later life (its file is kept open).
struct SnapshotStream {
  SnapshotMeta meta;
  std::unique_ptr<SnapshotReader> reader;
};
using SnapshotCallback = std::move_only_function<void(Result<SnapshotStream>)>;

struct ConfigurationView {
  Configuration configuration;  // the latest, perhaps not committed yet
  uint64_t index = 0;
};

enum class ConfigurationChange : uint8_t {
  kAddVoter,
  kAddNonvoter,
  kAddStaging,
  kDemoteVoter,
  kRemoveServer
};

class Node {
 public:
  // Opens (or creates) the state, restores the newest snapshot into `machine`, starts the threads. Fails when
  // the log or a snapshot is corrupt: the text names file and offset. `machine` outlives the node.
  static Result<std::unique_ptr<Node>> start(Options options, StateMachine& machine);
  ~Node();  // shutdown()
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Replicates a command. Fails with kErrNotLeader (kNoLeader), kErrLeadershipLost (kNoLeader: it may or may
  // not have been committed), kErrTransferInProgress, kErrAbortedByRestore, kErrShutdown, or a limit's error;
  // what is known at once fails on the caller's thread.
  void propose(std::string data, ProposalCallback callback) {
    propose(std::move(data), {}, std::move(callback));
  }
  void propose(std::string data, std::string extensions, ProposalCallback callback);
  // Succeeds when everything proposed before is applied here (Result: the index of the barrier).
  void barrier(IndexCallback callback);
  // Succeeds when a quorum has confirmed, after this call, that this server leads and everything committed
  // before this call is applied here (read index; waiting calls share one round).
  void verify_leader(StatusCallback callback);

  // Leader only. One change at a time is under way, others wait. previous_index != 0: fails unless the latest
  // configuration has that index. The result is the index of the new configuration entry.
  void change_configuration(ConfigurationChange change, Server server, uint64_t previous_index,
                            IndexCallback callback);
  // To the given server, or to the most up-to-date voter when empty.
  void transfer_leadership(std::string id, StatusCallback callback);

  // Takes a snapshot of what is applied now and opens it. With nothing new since the last one: opens that (or
  // fails with kErrNothingNew when there is none). The callback runs on the snapshot thread.
  void take_snapshot(SnapshotCallback callback);
  // Leader only: replaces the state by the reader's (a user's restore). Its index moves past everything the
  // log held; proposals under way fail with kErrAbortedByRestore; followers get it as a snapshot. The reader
  // is used on the snapshot thread. Result: the new index.
  void restore(std::unique_ptr<SnapshotReader> reader, SnapshotMeta meta, IndexCallback callback);

  // Stops the threads; callbacks still waiting fail with kErrShutdown. Idempotent. Not from a callback.
  void shutdown();

  // Cheap: one atomic load.
  bool is_leader() const;
  // Is a leader whose lease holds now: a read from local state is not older than the lease (consistency
  // "default").
  bool has_lease() const;
  Role role() const;
  uint64_t term() const;
  uint64_t last_index() const;
  uint64_t commit_index() const;
  uint64_t applied_index() const;
  // Since the leader was last heard: 0 on the leader, nullopt when never heard.
  std::optional<Duration> last_contact() const;

  Server leader() const;  // empty id and address when none is known
  ConfigurationView configuration() const;
  // The `raft` group of `consul info`, all values as text.
  std::map<std::string, std::string> stats() const;
  // Which server understands our extensions (pre-vote, snapshots that go on where they broke off); the gossip
  // layer tells.
  void announce_extensions(std::string id, bool announced);
  // Somebody else (the gossip layer) found this server dead: as if its connection had broken.
  void suspect(std::string id);
  // Begins a new cluster on a node that was started without state (bootstrap_expect). Fails with
  // kErrCantBootstrap when there is state by now.
  void bootstrap(Configuration configuration, StatusCallback callback);

 private:
  class Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::raft
