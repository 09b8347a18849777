#include "raft/node.h"

#include "base/check.h"
#include "raft/gathering.h"
#include "raft/metrics.h"
#include "raft/node_impl.h"

namespace praetor::raft {

// --- Node: the public face ---

Result<std::unique_ptr<Node>> Node::start(Options options, StateMachine& machine) {
  auto impl = std::make_unique<Impl>(std::move(options), machine);
  TRY(impl->open());
  impl->start();
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

void Node::propose(std::string data, std::string extensions, ProposalCallback callback) {
  impl_->propose(EntryType::kCommand, std::move(data), std::move(extensions), std::move(callback));
}

namespace {
thread_local Gathering* gathering = nullptr;
}

Gathering::Gathering() {
  CHECK(gathering == nullptr);
  gathering = this;
}

Gathering::~Gathering() {
  gathering = nullptr;
  if (at_end_) at_end_();
}

Gathering* Gathering::of_this_thread() { return gathering; }

void Node::barrier(IndexCallback callback) {
  impl_->propose(EntryType::kBarrier, {}, {},
                 [done = std::move(callback)](Result<ProposalResult> result) mutable {
                   if (result)
                     done(result->index);
                   else
                     done(fail(std::move(result.error())));
                 });
}

void Node::verify_leader(StatusCallback callback) { impl_->verify_leader(std::move(callback)); }
void Node::change_configuration(ConfigurationChange change, Server server, uint64_t previous_index,
                                IndexCallback callback) {
  impl_->change_configuration(change, std::move(server), previous_index, std::move(callback));
}
void Node::transfer_leadership(std::string id, StatusCallback callback) {
  impl_->transfer_leadership(std::move(id), std::move(callback));
}
void Node::take_snapshot(SnapshotCallback callback) { impl_->take_snapshot(std::move(callback)); }
void Node::restore(std::unique_ptr<SnapshotReader> reader, SnapshotMeta meta, IndexCallback callback) {
  impl_->restore(std::move(reader), std::move(meta), std::move(callback));
}
void Node::shutdown() { impl_->shutdown(); }

bool Node::is_leader() const {
  return impl_->published.role.load(std::memory_order_acquire) == Role::kLeader;
}
bool Node::has_lease() const {
  return is_leader() && impl_->clock().now().time_since_epoch().count() < impl_->published.lease_end.load();
}
Role Node::role() const { return impl_->published.role.load(std::memory_order_acquire); }
uint64_t Node::term() const { return impl_->published.term.load(); }
uint64_t Node::last_index() const { return impl_->published.last_index.load(); }
uint64_t Node::commit_index() const { return impl_->published.commit_index.load(); }
uint64_t Node::applied_index() const {
  return impl_->published.applied_index.load(std::memory_order_acquire);
}
std::optional<Duration> Node::last_contact() const {
  if (is_leader()) return Duration::zero();
  int64_t at = impl_->published.last_contact.load();
  if (at == INT64_MIN) return std::nullopt;
  return Duration(impl_->clock().now().time_since_epoch().count() - at);
}
Server Node::leader() const { return impl_->leader(); }
ConfigurationView Node::configuration() const { return impl_->configuration(); }
std::map<std::string, std::string> Node::stats() const { return impl_->stats(); }
void Node::announce_extensions(std::string id, bool announced) {
  impl_->announce_extensions(std::move(id), announced);
}
void Node::suspect(std::string id) { impl_->unreachable(std::move(id)); }
void Node::bootstrap(Configuration configuration, StatusCallback callback) {
  impl_->bootstrap(std::move(configuration), std::move(callback));
}

// --- Impl: what other threads call ---

Node::Impl::Impl(Options options, StateMachine& machine)
    : options_(std::move(options)),
      machine_(machine),
      file_system_(options_.file_system != nullptr ? options_.file_system : &posix_file_system()),
      clock_(options_.clock != nullptr ? options_.clock : &system_clock()),
      scheduler_(options_.scheduler != nullptr ? options_.scheduler : &threads()),
      worker_("raft-snapshot", *scheduler_),
      loop_(scheduler_->make_loop("raft-consensus", *clock_)) {}

void Node::Impl::log(const std::string& line) const {
  if (options_.on_log) options_.on_log(line);
}

void Node::Impl::start() {
  log_writer_ = std::make_unique<LogWriter>(
      *log_store_, options_.in_memory ? nullptr : scheduler_->make_loop("raft-log", *clock_),
      LogWriter::Events{
          .persisted =
              [this](uint64_t index, uint64_t term) {
                {
                  std::lock_guard lock(inbox_mutex_);
                  inbox_persisted_ = {index, term};
                }
                loop_->notify();
              },
          .compacted = [this](uint64_t first) { post([this, first] { core_->compacted(first); }); },
          .fetched =
              [this](LogFetch fetch, Result<std::vector<EntryRef>> entries) {
                post([this, fetch = std::move(fetch), entries = std::move(entries)]() mutable {
                  core_->fetched(clock_->now(), fetch.peer_id,
                                 entries ? std::move(*entries) : std::vector<EntryRef>(), effects_);
                });
              },
          .failed = [this](const Error& error) { post([this, error] { on_disk_failure(error); }); },
          .full = [this](const Error& error) { post([this, error] { on_disk_full(error); }); },
          .room =
              [this] {
                post([this] {
                  log("raft: there is room for the log again");
                  core_->set_full(clock_->now(), false, effects_);
                });
              },
          .appended =
              [this](size_t entries, Instant start) {
                if (published.role.load(std::memory_order_relaxed) != Role::kLeader) return;
                node_metrics().dispatch_log.since(start);
                node_metrics().dispatch_logs.set(static_cast<float>(entries));
              }},
      *clock_, options_.full_disk_retry);
  node_metrics().follower.add();
  next_snapshot_check_ = clock_->now() + options_.snapshot_interval;
  log_writer_->start();
  worker_.start();
  publish_state();
  started_ = true;
  loop_->start([this] { return turn(); });
  if (options_.transport != nullptr) options_.transport->attach(this);
}

void Node::Impl::shutdown() {
  if (!std::exchange(started_, false)) return;
  if (options_.transport != nullptr) options_.transport->detach();
  {
    std::lock_guard lock(inbox_mutex_);
    inbox_tasks_.emplace_back([this] { stopping_ = true; });
    closed_ = true;
  }
  loop_->notify();
  loop_->stop();
  worker_.stop();
  log_writer_->stop();
}

bool Node::Impl::post(Task task) {
  {
    std::lock_guard lock(inbox_mutex_);
    if (closed_) return false;
    inbox_tasks_.push_back(std::move(task));
  }
  loop_->notify();
  return true;
}

namespace {
std::unexpected<Error> shut_down() { return fail(std::string(kErrShutdown), ErrorKind::kCancelled); }
}  // namespace

void Node::Impl::propose(EntryType type, std::string data, std::string extensions,
                         ProposalCallback callback) {
  (type == EntryType::kBarrier ? node_metrics().barriers : node_metrics().applies).add();
  size_t bytes = data.size() + extensions.size();
  if (bytes > kMaxEntryBytes)
    return callback(fail("raft: an entry of " + std::to_string(bytes) + " bytes exceeds the limit of " +
                             std::to_string(kMaxEntryBytes),
                         ErrorKind::kTooLarge));
  if (published.role.load(std::memory_order_acquire) != Role::kLeader)
    return callback(published.role.load() == Role::kShutdown
                        ? shut_down()
                        : fail(std::string(kErrNotLeader), ErrorKind::kNoLeader));
  size_t count = pending_count_.fetch_add(1) + 1, held = pending_bytes_.fetch_add(bytes) + bytes;
  if (count > kMaxPendingProposals || held > kMaxPendingProposalBytes) {
    release(1, bytes);
    return callback(
        fail("raft: too many writes are waiting (limits: " + std::to_string(kMaxPendingProposals) +
                 " proposals, " + std::to_string(kMaxPendingProposalBytes) + " bytes)",
             ErrorKind::kRateLimited));
  }
  Proposal proposal{{type, std::move(data), std::move(extensions)}, std::move(callback)};
  Gathering* together = Gathering::of_this_thread();
  if (together && !together->used()) {
    gathers_for_ = this;
    together->at_end([this] {
      gathers_for_ = nullptr;
      // A callback may propose again.
      std::vector<Proposal> proposals = std::exchange(gathered_, {});
      take_in(proposals);
    });
  }
  if (gathers_for_ == this)
    gathered_.push_back(std::move(proposal));
  else
    take_in({&proposal, 1});
}

void Node::Impl::take_in(std::span<Proposal> proposals) {
  std::unique_lock lock(inbox_mutex_);
  if (!closed_) {
    for (Proposal& proposal : proposals) inbox_proposals_.push_back(std::move(proposal));
    lock.unlock();
    return loop_->notify();
  }
  lock.unlock();
  for (Proposal& proposal : proposals) {
    release(1, proposal.command.data.size() + proposal.command.extensions.size());
    proposal.callback(shut_down());
  }
}

thread_local Node::Impl* Node::Impl::gathers_for_ = nullptr;
thread_local std::vector<Node::Impl::Proposal> Node::Impl::gathered_;

void Node::Impl::release(size_t count, size_t bytes) {
  pending_count_.fetch_sub(count);
  pending_bytes_.fetch_sub(bytes);
}

// Rare requests run as tasks; their number is bounded too. The count falls when the task has run.
void Node::Impl::post_control(std::shared_ptr<IndexCallback> callback, Task task) {
  if (control_count_.fetch_add(1) >= kMaxPendingControls) {
    control_count_.fetch_sub(1);
    return (*callback)(fail("raft: " + std::to_string(kMaxPendingControls) + " requests are waiting already",
                            ErrorKind::kRateLimited));
  }
  bool posted = post([this, run = std::move(task)]() mutable {
    control_count_.fetch_sub(1);
    run();
  });
  if (!posted) (*callback)(shut_down());
}

void Node::Impl::verify_leader(StatusCallback callback) {
  node_metrics().verifications.add();
  if (published.role.load(std::memory_order_acquire) != Role::kLeader)
    return callback(fail(std::string(kErrNotLeader), ErrorKind::kNoLeader));
  {
    std::unique_lock lock(inbox_mutex_);
    if (closed_ || inbox_reads_.size() >= kMaxPendingControls) {
      bool closed = closed_;
      lock.unlock();
      return callback(closed ? shut_down()
                             : fail("raft: " + std::to_string(kMaxPendingControls) +
                                        " leadership confirmations are waiting already",
                                    ErrorKind::kRateLimited));
    }
    inbox_reads_.push_back(std::move(callback));
  }
  loop_->notify();
}

void Node::Impl::change_configuration(ConfigurationChange change, Server server, uint64_t previous_index,
                                      IndexCallback callback) {
  auto done = std::make_shared<IndexCallback>(std::move(callback));
  post_control(done, [this, change, server = std::move(server), previous_index, done]() mutable {
    core_->change_configuration(clock_->now(), new_ticket(std::move(*done)), change, std::move(server),
                                previous_index, effects_);
  });
}

void Node::Impl::transfer_leadership(std::string id, StatusCallback callback) {
  auto done =
      std::make_shared<IndexCallback>([finish = std::move(callback)](Result<uint64_t> result) mutable {
        finish(result ? Status() : Status(std::unexpected(std::move(result.error()))));
      });
  post_control(done, [this, id = std::move(id), done] {
    core_->transfer_leadership(clock_->now(), new_ticket(std::move(*done)), id, effects_);
  });
}

void Node::Impl::bootstrap(Configuration configuration, StatusCallback callback) {
  auto done =
      std::make_shared<IndexCallback>([finish = std::move(callback)](Result<uint64_t> result) mutable {
        finish(result ? Status() : Status(std::unexpected(std::move(result.error()))));
      });
  post_control(done, [this, configuration = std::move(configuration), done] {
    Status begun = core_->bootstrap(clock_->now(), configuration, effects_);
    (*done)(begun ? Result<uint64_t>(core_->log().last_index()) : std::unexpected(std::move(begun.error())));
  });
}

void Node::Impl::announce_extensions(std::string id, bool announced) {
  post([this, id = std::move(id), announced] { core_->announce_extensions(id, announced); });
}

void Node::Impl::receive(Envelope envelope) {
  post([this, envelope = std::move(envelope)]() mutable {
    core_->receive(clock_->now(), std::move(envelope), effects_);
  });
}

void Node::Impl::unreachable(std::string peer_id) {
  post([this, peer_id = std::move(peer_id)] { core_->unreachable(clock_->now(), peer_id, effects_); });
}

void Node::Impl::snapshot_failed(std::string peer_id, uint64_t sequence) {
  post([this, peer_id = std::move(peer_id), sequence] {
    core_->snapshot_failed(clock_->now(), peer_id, sequence, effects_);
  });
}

Server Node::Impl::leader() const {
  std::lock_guard lock(shown_mutex_);
  return shown_.leader;
}

ConfigurationView Node::Impl::configuration() const {
  std::lock_guard lock(shown_mutex_);
  return shown_.configuration;
}

std::map<std::string, std::string> Node::Impl::stats() const {
  Shown shown;
  {
    std::lock_guard lock(shown_mutex_);
    shown = shown_;
  }
  const Configuration& configuration = shown.configuration.configuration;
  size_t other_voters = configuration.voter_count();
  if (configuration.is_voter(options_.id)) --other_voters;
  Role role = published.role.load();
  int64_t contact = published.last_contact.load();
  std::string last_contact = "never";
  if (role == Role::kLeader)
    last_contact = "0";
  else if (contact != INT64_MIN)
    last_contact = format_duration(Duration(clock_->now().time_since_epoch().count() - contact));
  return {{"state", std::string(role_name(role))},
          {"term", std::to_string(published.term.load())},
          {"last_log_index", std::to_string(published.last_index.load())},
          {"last_log_term", std::to_string(shown.last_term)},
          {"commit_index", std::to_string(published.commit_index.load())},
          {"applied_index", std::to_string(published.applied_index.load())},
          {"fsm_pending", "0"},
          {"last_snapshot_index", std::to_string(shown.snapshot_index)},
          {"last_snapshot_term", std::to_string(shown.snapshot_term)},
          {"latest_configuration", format_configuration(configuration)},
          {"latest_configuration_index", std::to_string(shown.configuration.index)},
          {"num_peers", std::to_string(other_voters)},
          {"last_contact", last_contact},
          {"protocol_version", "3"},
          {"protocol_version_min", "0"},
          {"protocol_version_max", "3"},
          {"snapshot_version_min", "0"},
          {"snapshot_version_max", "1"}};
}

}  // namespace praetor::raft
