// For scenarios of unit tests: a cluster of cores alone in one thread on virtual time. It carries out what
// core.h asks of its caller, and checks Raft's safety properties at every step. Random faults, and everything
// around the core, are simulated in tests/sim.
#pragma once

#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "raft/core.h"

namespace praetor::raft {

struct SimOptions {
  uint64_t seed = 1;
  size_t servers = 3;
  Timings timings = {.heartbeat_timeout = std::chrono::milliseconds(1000),
                     .election_timeout = std::chrono::milliseconds(1000),
                     .leader_lease_timeout = std::chrono::milliseconds(500),
                     .heartbeat_interval = {}};
  bool pre_vote = true;
  Duration delay_least = std::chrono::microseconds(200), delay_most = std::chrono::milliseconds(2);
  Duration disk_most = std::chrono::milliseconds(3);
  uint64_t trailing_logs = 20;
};

class SimCluster {
 public:
  explicit SimCluster(SimOptions options);

  // --- driving ---
  void run_for(Duration duration);
  // Runs until `condition` holds; false after `patience` of virtual time.
  bool run_until(const std::function<bool()>& condition, Duration patience = std::chrono::seconds(60));
  Instant now() const { return now_; }

  void crash(
      const std::string& id);  // loses what is not durable; an unfinished disk operation may have happened
  void restart(const std::string& id);
  void isolate(const std::string& id);
  void heal();

  // --- using ---
  // The server that leads in the newest term, or "" (several may believe it).
  std::string leader() const;
  bool propose(const std::string& id, const std::string& command);
  void take_snapshot(const std::string& id);
  uint64_t change(const std::string& id, ConfigurationChange change, const std::string& server);
  uint64_t transfer(const std::string& id, const std::string& target);
  std::optional<Result<uint64_t>> answer(uint64_t ticket) const;
  Core& core(const std::string& id) { return *servers_.at(id).core; }
  bool alive(const std::string& id) const { return servers_.at(id).core != nullptr; }
  std::vector<std::string> ids() const;
  const std::vector<std::string>& applied(const std::string& id) const { return servers_.at(id).applied; }
  // For golden traces: one line an event, newest last, since the last call.
  std::string take_trace();

  // What went wrong, or empty.
  const std::string& violation() const { return violation_; }

 private:
  struct DiskOperation {
    LogOperation operation;
    Instant done_at;
  };
  struct Event {
    Instant at;
    uint64_t order;
    std::string to;
    Envelope envelope;
    std::vector<std::string> state;  // with a SnapshotRequest
    bool snapshot_timeout = false;
    bool operator>(const Event& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };
  struct SimServer {
    std::string id;
    std::unique_ptr<Core> core;
    // durable
    HardState hard_state;
    uint64_t first = 1;
    std::vector<EntryRef> log;
    SnapshotMeta snapshot;
    std::vector<std::string> snapshot_state;
    // volatile
    std::vector<DiskOperation> disk;
    std::vector<std::string> applied;
    Role role = Role::kFollower;
  };

  void start(SimServer& server);
  void settle(SimServer& server, Effects& effects);
  void write(SimServer& server, const LogOperation& operation);
  void finish_disk(SimServer& server);
  void apply(SimServer& server);
  void send(const std::string& from, Envelope envelope, std::vector<std::string> state = {});
  void deliver(Event event);
  void check(SimServer& server);
  void trace(const std::string& line);
  void violate(const std::string& what);
  bool step(Instant limit);

  SimOptions options_;
  Random random_;
  Instant now_{std::chrono::hours(1)};
  std::map<std::string, SimServer> servers_;
  Configuration initial_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> network_;
  std::set<std::pair<std::string, std::string>> cuts_;
  uint64_t order_ = 0, ticket_ = 0;
  std::map<uint64_t, Result<uint64_t>> answers_;
  // What the checks compare with.
  std::map<uint64_t, std::string> leaders_;  // by term (election safety)
  std::map<uint64_t, std::pair<uint64_t, std::string>>
      committed_;  // index -> term, data (state machine safety)
  std::string violation_;
  std::string trace_;
};

}  // namespace praetor::raft
