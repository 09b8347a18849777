// The consensus thread: takes what came in, steps the core, carries out its effects, applies what is
// committed.
#include "base/check.h"
#include "raft/metrics.h"
#include "raft/node_impl.h"

namespace praetor::raft {
namespace {

constexpr size_t kMaxProposeBytes = 4 << 20;  // data of the proposals given to the core in one go
constexpr uint64_t kMaxApplyEntries = 2048;   // before the state is published and messages are looked at
constexpr size_t kMaxApplyReadBytes = 4 << 20;

Error shut_down() { return {std::string(kErrShutdown), ErrorKind::kCancelled}; }

}  // namespace

Instant Node::Impl::turn() {
  if (finished_) return Instant::max();
  step(clock_->now());
  bool more = apply_some();
  publish_state();
  for (Completion& completion : completions_) completion.callback(std::move(completion.result));
  completions_.clear();
  serve_applied_reads();
  if (stopping_) {
    finish();
    return Instant::max();
  }
  return more ? Instant::min() : std::min(core_->next_deadline(), next_snapshot_check_);
}

// The last turn: whoever still waits is told.
void Node::Impl::finish() {
  finished_ = true;
  {
    std::lock_guard lock(inbox_mutex_);
    for (Proposal& proposal : inbox_proposals_) proposals_.push_back(std::move(proposal));
    for (StatusCallback& read : inbox_reads_) reads_.push_back(std::move(read));
  }
  published.role.store(Role::kShutdown);
  for (Proposal& proposal : proposals_) proposal.callback(fail(shut_down()));
  fail_pending(0, shut_down());
  for (Completion& completion : completions_) completion.callback(std::move(completion.result));
  for (StatusCallback& read : reads_) read(fail(shut_down()));
  for (auto& [ticket, callback] : tickets_) callback(fail(shut_down()));
  for (auto& [index, callback] : applied_waiters_) callback(fail(shut_down()));
  for (SnapshotCallback& callback : snapshot_requests_) callback(fail(shut_down()));
}

void Node::Impl::step(Instant now) {
  persisted_ = {};
  {
    std::lock_guard lock(inbox_mutex_);
    proposals_.swap(inbox_proposals_);
    tasks_.swap(inbox_tasks_);
    reads_.swap(inbox_reads_);
    std::swap(persisted_, inbox_persisted_);
  }
  if (persisted_.index != 0) core_->persisted(now, persisted_.index, persisted_.term, effects_);
  for (Task& task : tasks_) {
    task();
    flush(now);  // one at a time: a task may look at what the one before caused
  }
  tasks_.clear();
  take_proposals(now);
  if (!reads_.empty()) {
    std::vector<uint64_t> tickets;
    for (StatusCallback& read : reads_)
      tickets.push_back(new_ticket([this, done = std::move(read)](Result<uint64_t> index) mutable {
        if (!index) return done(fail(std::move(index.error())));
        applied_waiters_.emplace(*index, [done = std::move(done)](Result<uint64_t> result) mutable {
          done(result ? Status() : Status(std::unexpected(std::move(result.error()))));
        });
      }));
    reads_.clear();
    core_->read_index(now, tickets, effects_);
  }
  if (now >= core_->next_deadline()) core_->tick(now, effects_);
  flush(now);
  maybe_snapshot(now);
}

void Node::Impl::take_proposals(Instant now) {
  for (size_t position = 0; position < proposals_.size();) {
    size_t begin = position, bytes = 0;
    for (; position < proposals_.size() && bytes < kMaxProposeBytes; ++position) {
      bytes += proposals_[position].command.data.size();
      commands_.push_back(std::move(proposals_[position].command));
    }
    std::vector<size_t> sizes;
    sizes.reserve(commands_.size());
    for (const Command& command : commands_) sizes.push_back(command.data.size() + command.extensions.size());
    Result<uint64_t> first = core_->propose(now, commands_, effects_);
    commands_.clear();
    for (size_t i = begin; i < position; ++i) {
      if (first) {
        pending_.push_back({*first + (i - begin), sizes[i - begin], std::move(proposals_[i].callback), now});
      } else {
        release(1, sizes[i - begin]);
        completions_.push_back({std::move(proposals_[i].callback), fail(first.error())});
      }
    }
  }
  proposals_.clear();
}

// Carries out what the core asked for: first what must be durable, then the rest.
void Node::Impl::flush(Instant now) {
  if (effects_.hard_state) {
    if (Status saved = votes_->save(*effects_.hard_state); !saved) {
      effects_.messages.clear();
      effects_.log.clear();
      on_disk_failure(saved.error());
    }
  }
  log_writer_->post(effects_.log);
  for (LogFetch& fetch : effects_.fetches) log_writer_->post(std::move(fetch));
  if (options_.transport != nullptr)
    for (Envelope& envelope : effects_.messages) options_.transport->send(std::move(envelope));
  for (const std::string& line : effects_.notes) log(line);
  std::vector<SnapshotSend> sends = std::move(effects_.snapshots);
  bool role_changed = effects_.role_changed, leader_changed = effects_.leader_changed,
       configuration_changed = effects_.configuration_changed;
  std::vector<Answer> answers = std::move(effects_.answers);
  effects_.clear();
  if (role_changed) on_role_change();
  for (Answer& answer : answers) {
    auto found = tickets_.find(answer.ticket);
    CHECK(found != tickets_.end());
    IndexCallback callback = std::move(found->second);
    tickets_.erase(found);
    callback(std::move(answer.result));
  }
  if (leader_changed || configuration_changed) {
    publish_state();
    {
      std::lock_guard lock(shown_mutex_);
      shown_.leader = {Suffrage::kVoter, core_->leader_id(), core_->leader_address()};
      shown_.configuration = {core_->configuration(), core_->configuration_index()};
    }
    if (leader_changed && options_.on_leader_changed)
      options_.on_leader_changed(core_->leader_id(), core_->leader_address());
    if (configuration_changed && options_.on_configuration)
      options_.on_configuration(core_->configuration(), core_->configuration_index());
  }
  for (SnapshotSend& send : sends) send_snapshot(std::move(send));
  if (effects_.hard_state || !effects_.log.empty() || !effects_.messages.empty()) flush(now);
}

void Node::Impl::count_role() {
  const NodeMetrics& metrics = node_metrics();
  Role role = core_->role();
  if (role == shown_role_) return;
  if (shown_role_ == Role::kFollower) {
    // Also when the election was won within one step, so that the candidate was not seen.
    metrics.heartbeat_timeout.add();
    metrics.candidate.add();
  }
  if (role == Role::kLeader) metrics.leader.add();
  if (role == Role::kFollower) metrics.follower.add();
  shown_role_ = role;
}

void Node::Impl::on_role_change() {
  count_role();
  bool leads = core_->role() == Role::kLeader;
  if (leading_term_ != 0 && (!leads || core_->term() != leading_term_)) {
    // What is committed is still applied and answered; of the rest nobody here knows.
    fail_pending(core_->commit_index(), {std::string(kErrLeadershipLost), ErrorKind::kNoLeader});
    uint64_t term = leading_term_;
    leading_term_ = 0;
    publish_state();
    if (options_.on_leadership) options_.on_leadership(false, term);
  }
  if (leads && leading_term_ == 0) {
    leading_term_ = core_->term();
    publish_state();
    if (options_.on_leadership) options_.on_leadership(true, leading_term_);
  }
}

void Node::Impl::fail_pending(uint64_t after_index, const Error& error) {
  while (!pending_.empty() && pending_.back().index > after_index) {
    release(1, pending_.back().bytes);
    completions_.push_back({std::move(pending_.back().callback), fail(error)});
    pending_.pop_back();
  }
}

void Node::Impl::on_disk_failure(const Error& error) {
  if (disk_failure_) return;
  disk_failure_ = error;
  log("raft: " + error.message + ": stepping down, nothing more is acknowledged");
  core_->fail(clock_->now(), effects_);
  fail_pending(core_->apply_to(), {"raft: the log failed: " + error.message, ErrorKind::kIo});
  if (options_.on_disk_failure) options_.on_disk_failure(error);
}

void Node::Impl::on_disk_full(const Error& error) {
  log("raft: no room for the log: " + error.message + ": leading no more, trying again until there is");
  core_->set_full(clock_->now(), true, effects_);
  if (partial_) drop_partial();
  // Others may commit them, but here nobody will hear of that before there is room.
  fail_pending(core_->apply_to(), {std::string(kErrLeadershipLost), ErrorKind::kNoLeader});
}

void Node::Impl::count_committed(uint64_t last, Instant now) {
  for (const Pending& pending : pending_) {
    if (pending.index > last) break;
    float milliseconds = static_cast<float>((now - pending.proposed).count()) / 1e6f;
    node_metrics().commit_time.observe(milliseconds);
  }
}

bool Node::Impl::apply_some() {
  uint64_t from = core_->applied_index() + 1, to = core_->apply_to();
  if (from > to) return false;
  uint64_t last = std::min(to, from + kMaxApplyEntries - 1);
  const NodeMetrics& metrics = node_metrics();
  Instant started = clock_->now();
  count_committed(last, started);
  metrics.commit_logs.set(static_cast<float>(last - from + 1));
  std::vector<EntryRef> read;  // entries that the core does not keep: at start, after a restart
  for (uint64_t index = from; index <= last; ++index) {
    EntryRef entry = core_->log().cached(index);
    if (!entry) {
      if (read.empty() || read.back()->index < index) {
        auto entries = log_store_->read(index, last, kMaxApplyReadBytes);
        if (!entries) {
          on_disk_failure(entries.error());
          flush(clock_->now());
          last = index - 1;
          break;
        }
        read = std::move(*entries);
      }
      entry = read[index - read.front()->index];
    }
    std::any value;
    if (entry->type == EntryType::kCommand) {
      value = machine_.apply(*entry);
      Instant applied = clock_->now();
      metrics.fsm_apply.observe(static_cast<float>((applied - started).count()) / 1e6f);
      started = applied;
    }
    if (!pending_.empty() && pending_.front().index == index) {
      completions_.push_back({std::move(pending_.front().callback), ProposalResult{index, std::move(value)}});
      release(1, pending_.front().bytes);
      pending_.pop_front();
    }
  }
  if (last < from) return false;
  core_->applied(last);
  machine_.publish(last);
  published.applied_index.store(last, std::memory_order_release);
  return last < to;
}

void Node::Impl::serve_applied_reads() {
  uint64_t applied = core_->applied_index();
  while (!applied_waiters_.empty() && applied_waiters_.begin()->first <= applied) {
    IndexCallback callback = std::move(applied_waiters_.begin()->second);
    uint64_t index = applied_waiters_.begin()->first;
    applied_waiters_.erase(applied_waiters_.begin());
    callback(index);
  }
}

uint64_t Node::Impl::new_ticket(IndexCallback callback) {
  tickets_.emplace(++last_ticket_, std::move(callback));
  return last_ticket_;
}

void Node::Impl::publish_state() {
  published.term.store(core_->term());
  published.last_index.store(core_->log().last_index());
  published.commit_index.store(core_->commit_index());
  published.lease_end.store(core_->lease_end().time_since_epoch().count());
  if (auto contact = core_->last_contact()) published.last_contact.store(contact->time_since_epoch().count());
  published.role.store(core_->role(), std::memory_order_release);
  const LogView& view = core_->log();
  std::lock_guard lock(shown_mutex_);
  shown_.last_term = view.last_term();
  shown_.snapshot_index = view.snapshot_index();
  shown_.snapshot_term = view.snapshot_term();
}

}  // namespace praetor::raft
