// The inside of Node (node.h): the consensus thread's state and loop.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "raft/core.h"
#include "raft/log_writer.h"
#include "raft/loop.h"
#include "raft/node.h"
#include "raft/segment_log.h"
#include "raft/snapshot_store.h"
#include "raft/vote_store.h"
#include "raft/worker.h"

namespace praetor::raft {

class Node::Impl final : public Transport::Receiver {
 public:
  Impl(Options options, StateMachine& machine);
  ~Impl() override { shutdown(); }

  Status open();  // node_open.cc: reads the disk, restores the newest snapshot
  void start();   // starts the threads
  void shutdown();

  void propose(EntryType type, std::string data, std::string extensions, ProposalCallback callback);
  void verify_leader(StatusCallback callback);
  void take_snapshot(SnapshotCallback callback);
  void restore(std::unique_ptr<SnapshotReader> reader, SnapshotMeta meta, IndexCallback callback);
  void change_configuration(ConfigurationChange change, Server server, uint64_t previous_index,
                            IndexCallback callback);
  void transfer_leadership(std::string id, StatusCallback callback);
  void announce_extensions(std::string id, bool announced);
  void bootstrap(Configuration configuration, StatusCallback callback);
  std::map<std::string, std::string> stats() const;
  ConfigurationView configuration() const;
  Server leader() const;

  // Transport::Receiver
  void receive(Envelope envelope) override;
  void receive_snapshot(Envelope request, std::unique_ptr<SnapshotReader> reader) override;
  void unreachable(std::string peer_id) override;
  void snapshot_failed(std::string peer_id, uint64_t sequence) override;

  // Written by the consensus thread after each step, read by everybody.
  struct Published {
    std::atomic<Role> role{Role::kFollower};
    std::atomic<uint64_t> term{0}, last_index{0}, commit_index{0}, applied_index{0};
    std::atomic<int64_t> last_contact{INT64_MIN};  // steady clock, ns
    std::atomic<int64_t> lease_end{INT64_MIN};
  };
  Published published;
  Clock& clock() const { return *clock_; }

 private:
  using Task = std::move_only_function<void()>;
  struct Proposal {
    Command command;
    ProposalCallback callback;
  };
  struct Pending {
    uint64_t index = 0;
    size_t bytes = 0;
    ProposalCallback callback;
    Instant proposed;
  };
  struct Completion {
    ProposalCallback callback;
    Result<ProposalResult> result;
  };
  struct LogReport {  // from the log thread
    uint64_t index = 0, term = 0;
  };

  // node.cc
  // What this thread's Gathering has collected, and for whom.
  static thread_local Impl* gathers_for_;
  static thread_local std::vector<Proposal> gathered_;
  void take_in(std::span<Proposal> proposals);
  bool post(Task task);  // runs on the consensus thread; dropped (false) after shutdown
  // The same, bounded; the callback gets the error when the task cannot run.
  void post_control(std::shared_ptr<IndexCallback> callback, Task task);
  void log(const std::string& line) const;

  // node_open.cc
  Status open_log(SegmentLog::Contents& contents, const SnapshotMeta& snapshot);
  Result<SnapshotMeta> restore_newest_snapshot();
  Status bootstrap(SegmentLog::Contents& contents);
  Status recover(const Configuration& configuration, SnapshotMeta& snapshot, SegmentLog::Contents& contents);

  // node_loop.cc: consensus thread
  Instant turn();
  void finish();
  void step(Instant now);
  void take_proposals(Instant now);
  void flush(Instant now);
  void on_role_change();
  void count_role();
  void count_committed(uint64_t last, Instant now);
  void finish_answers();
  bool apply_some();  // whether more is waiting
  void publish_state();
  void serve_applied_reads();
  void fail_pending(uint64_t after_index, const Error& error);
  void on_disk_failure(const Error& error);
  void on_disk_full(const Error& error);
  void release(size_t count, size_t bytes);
  uint64_t new_ticket(IndexCallback callback);

  // node_snapshots.cc: consensus thread unless stated
  void maybe_snapshot(Instant now);
  void begin_snapshot();
  void snapshot_written(const Result<SnapshotMeta>& written);
  void answer_snapshot_requests(Result<SnapshotMeta> meta);
  void install_restored(PendingSnapshot& pending, SnapshotMeta meta, std::shared_ptr<IndexCallback> done);
  void begin_install(Envelope request, std::shared_ptr<SnapshotReader> reader);
  void finish_install(const Envelope& request, PendingSnapshot& pending);
  std::shared_ptr<PendingSnapshot> take_partial(const Envelope& request);
  void drop_partial();
  void refuse_install(const Envelope& request, const std::string& why);
  Status replace_state(const SnapshotMeta& meta);
  void send_snapshot(SnapshotSend send);

  Options options_;
  StateMachine& machine_;
  FileSystem* file_system_;
  Clock* clock_;
  Scheduler* scheduler_;
  std::unique_ptr<VoteStore> votes_;
  std::unique_ptr<LogStore> log_store_;
  std::unique_ptr<SnapshotStore> snapshots_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<LogWriter> log_writer_;
  Worker worker_;
  std::unique_ptr<Loop> loop_;
  bool started_ = false;

  // The inbox: everything that comes from other threads.
  std::mutex inbox_mutex_;
  bool closed_ = false;  // guarded by inbox_mutex_
  std::vector<Proposal> inbox_proposals_;
  std::vector<Task> inbox_tasks_;
  std::vector<StatusCallback> inbox_reads_;
  LogReport inbox_persisted_;
  std::atomic<size_t> pending_count_{0}, pending_bytes_{0}, control_count_{0};

  // Consensus thread only.
  bool stopping_ = false, finished_ = false;
  std::vector<Proposal> proposals_;
  std::vector<Task> tasks_;
  std::vector<StatusCallback> reads_;
  LogReport persisted_;
  std::vector<Command> commands_;
  Effects effects_;
  std::deque<Pending> pending_;
  std::vector<Completion> completions_;
  Role shown_role_ = Role::kFollower;  // the one that was counted last
  uint64_t leading_term_ = 0;
  uint64_t last_ticket_ = 0;
  std::unordered_map<uint64_t, IndexCallback> tickets_;
  std::multimap<uint64_t, IndexCallback> applied_waiters_;  // by the index to be applied
  std::optional<Error> disk_failure_;
  Instant next_snapshot_check_{};
  bool snapshot_running_ = false, install_running_ = false;
  std::vector<SnapshotCallback> snapshot_requests_;
  std::vector<SnapshotSend> waiting_sends_;
  // What came of a snapshot before its connection broke; consensus thread.
  struct PartialSnapshot {
    std::string from;  // the leader's address
    SnapshotMeta meta;
    std::shared_ptr<PendingSnapshot> content;
  };
  std::optional<PartialSnapshot> partial_;

  // For stats() and leader(): what does not fit an atomic.
  mutable std::mutex shown_mutex_;
  struct Shown {
    Server leader;
    ConfigurationView configuration;
    uint64_t last_term = 0, snapshot_index = 0, snapshot_term = 0;
  } shown_;
};

}  // namespace praetor::raft
