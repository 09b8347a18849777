// Snapshots taken, sent, received and restored. The slow parts run on the snapshot thread; what changes the
// state runs on the consensus thread.
#include <algorithm>

#include "base/random.h"
#include "raft/metrics.h"
#include "raft/node_impl.h"

namespace praetor::raft {
namespace {

constexpr size_t kCopyBytes = 256 << 10;

Status copy(SnapshotReader& reader, SnapshotSink& sink) {
  std::string buffer(kCopyBytes, '\0');
  for (;;) {
    TRY_ASSIGN(size_t got, reader.read(buffer));
    if (got == 0) return {};
    TRY(sink.write({buffer.data(), got}));
  }
}

}  // namespace

// --- taking one ---

void Node::Impl::maybe_snapshot(Instant now) {
  if (now < next_snapshot_check_) return;
  if (partial_ && partial_->meta.index <= core_->commit_index()) drop_partial();  // nobody will send the rest
  // Spread, so that servers do not all write at once.
  auto spread = static_cast<uint64_t>(options_.snapshot_interval.count());
  next_snapshot_check_ = now + options_.snapshot_interval + Duration(thread_random().below(spread));
  if (core_->applied_index() - core_->log().snapshot_index() >= options_.snapshot_threshold) begin_snapshot();
}

void Node::Impl::begin_snapshot() {
  if (snapshot_running_ || install_running_ || core_->failed()) return;
  SnapshotMeta meta;
  meta.index = core_->applied_index();
  meta.term = core_->log().term(meta.index).value_or(0);
  meta.configuration = core_->committed_configuration();
  meta.configuration_index = core_->committed_configuration_index();
  // The configuration of a later entry than the state would be remembered too early: next time.
  if (meta.configuration_index > meta.index || meta.index == 0) return;
  snapshot_running_ = true;
  bool keep_content = !options_.in_memory || core_->configuration().servers.size() > 1 ||
                      !snapshot_requests_.empty() || !waiting_sends_.empty();
  if (!keep_content) {  // nobody could ever read it: only the log is shortened
    snapshot_running_ = false;
    core_->snapshot_taken(meta.index, options_.trailing_logs, effects_);
    return flush(clock_->now());
  }
  Instant start = system_clock().now();
  std::shared_ptr<SnapshotWriter> writer = machine_.snapshot();
  node_metrics().fsm_snapshot.since(start);
  worker_.post([this, start, writer = std::move(writer), meta = std::move(meta)]() mutable {
    const NodeMetrics& metrics = node_metrics();
    auto write = [&]() -> Result<SnapshotMeta> {
      Instant begun = system_clock().now();
      TRY_ASSIGN(std::unique_ptr<PendingSnapshot> pending, snapshots_->create());
      metrics.snapshot_create.since(begun);
      ScopedTimer timer(metrics.snapshot_persist);
      TRY(writer->write(*pending));
      return pending->finish(std::move(meta));
    };
    Result<SnapshotMeta> written = write();
    if (written)
      if (Status retained = snapshots_->retain(options_.snapshots_retained); !retained)
        log("raft: failed to remove old snapshots: error=" + retained.error().message);
    metrics.take_snapshot.since(start);
    post([this, written = std::move(written)] { snapshot_written(written); });
  });
}

void Node::Impl::snapshot_written(const Result<SnapshotMeta>& written) {
  snapshot_running_ = false;
  if (written) {
    log("raft: snapshot complete up to index " + std::to_string(written->index));
    core_->snapshot_taken(written->index, options_.trailing_logs, effects_);
  } else {
    log("raft: failed to take snapshot: error=" + written.error().message);
  }
  answer_snapshot_requests(written);
  for (SnapshotSend& send : std::exchange(waiting_sends_, {})) send_snapshot(std::move(send));
}

// The callbacks run on the snapshot thread, where opening files hurts nobody.
void Node::Impl::answer_snapshot_requests(Result<SnapshotMeta> meta) {
  if (snapshot_requests_.empty()) return;
  auto requests = std::make_shared<std::vector<SnapshotCallback>>(std::exchange(snapshot_requests_, {}));
  worker_.post([this, requests, meta = std::move(meta)] {
    for (SnapshotCallback& callback : *requests) {
      if (!meta) {
        callback(fail(meta.error()));
        continue;
      }
      auto reader = snapshots_->open(*meta);
      if (reader)
        callback(SnapshotStream{*meta, std::move(*reader)});
      else
        callback(fail(std::move(reader.error())));
    }
  });
}

void Node::Impl::take_snapshot(SnapshotCallback callback) {
  auto shared = std::make_shared<SnapshotCallback>(std::move(callback));
  bool posted = post([this, shared] {
    snapshot_requests_.push_back(std::move(*shared));
    if (snapshot_running_) return;  // answered by the one under way
    if (core_->applied_index() == 0) return answer_snapshot_requests(fail(std::string(kErrNothingNew)));
    auto stored = snapshots_->list();
    if (stored && !stored->empty() && stored->front().index == core_->applied_index())
      return answer_snapshot_requests(stored->front());
    begin_snapshot();
    if (!snapshot_running_)
      answer_snapshot_requests(fail("cannot take snapshot now, wait until the configuration entry at " +
                                    std::to_string(core_->committed_configuration_index()) +
                                    " has been applied"));
  });
  if (!posted) (*shared)(fail(std::string(kErrShutdown), ErrorKind::kCancelled));
}

// --- a user's restore ---

void Node::Impl::restore(std::unique_ptr<SnapshotReader> reader, SnapshotMeta meta, IndexCallback callback) {
  node_metrics().restores.add();
  auto done = std::make_shared<IndexCallback>(
      [start = system_clock().now(), callback = std::move(callback)](Result<uint64_t> index) mutable {
        node_metrics().restore_user_snapshot.since(start);
        callback(std::move(index));
      });
  std::shared_ptr<SnapshotReader> source = std::move(reader);
  post_control(done, [this, source, meta = std::move(meta), done]() mutable {
    if (core_->role() != Role::kLeader)
      return (*done)(fail(std::string(kErrNotLeader), ErrorKind::kNoLeader));
    worker_.post([this, source, meta = std::move(meta), done]() mutable {
      auto receive = [&]() -> Result<std::shared_ptr<PendingSnapshot>> {
        TRY_ASSIGN(std::shared_ptr<PendingSnapshot> pending, snapshots_->create());
        TRY(copy(*source, *pending));
        return pending;
      };
      auto pending = receive();
      if (!pending) return (*done)(fail("failed to write snapshot: " + pending.error().message));
      bool posted = post([this, pending = *pending, meta = std::move(meta), done]() mutable {
        install_restored(*pending, std::move(meta), std::move(done));
      });
      if (!posted) (*done)(fail(std::string(kErrShutdown), ErrorKind::kCancelled));
    });
  });
}

// Opens a finished snapshot and gives it to the state machine, which keeps its old state when it cannot take
// it.
Status Node::Impl::replace_state(const SnapshotMeta& meta) {
  ScopedTimer timer(node_metrics().fsm_restore);
  TRY_ASSIGN(std::unique_ptr<SnapshotReader> reader, snapshots_->open(meta));
  return machine_.restore(*reader, meta);
}

void Node::Impl::install_restored(PendingSnapshot& pending, SnapshotMeta meta,
                                  std::shared_ptr<IndexCallback> done) {
  Result<uint64_t> index = core_->restore_index(meta.index);
  if (!index) return (*done)(fail(index.error()));
  meta.index = *index;
  meta.term = core_->term();
  meta.configuration = core_->configuration();
  meta.configuration_index = core_->configuration_index();
  Result<SnapshotMeta> stored = pending.finish(std::move(meta));
  if (!stored) return (*done)(fail("failed to close snapshot: " + stored.error().message));
  if (Status replaced = replace_state(*stored); !replaced) {
    if (Status removed = snapshots_->remove(*stored); !removed) on_disk_failure(removed.error());
    return (*done)(fail("failed to restore snapshot: " + replaced.error().message, replaced.error().kind));
  }
  fail_pending(0, {std::string(kErrAbortedByRestore), ErrorKind::kInternal});
  core_->snapshot_restored(clock_->now(), *stored, effects_);
  machine_.publish(stored->index);
  published.applied_index.store(stored->index, std::memory_order_release);
  log("raft: restored user snapshot: index=" + std::to_string(stored->index));
  uint64_t restored_index = stored->index;
  // The noop that follows reaches a quorum, and with it the snapshot.
  applied_waiters_.emplace(core_->log().last_index(), [done, restored_index](Result<uint64_t> result) {
    if (result)
      (*done)(restored_index);
    else
      (*done)(std::move(result));
  });
}

// --- received from a leader ---

void Node::Impl::receive_snapshot(Envelope request, std::unique_ptr<SnapshotReader> reader) {
  std::shared_ptr<SnapshotReader> source = std::move(reader);
  post([this, request = std::move(request), source]() mutable { begin_install(std::move(request), source); });
}

void Node::Impl::refuse_install(const Envelope& request, const std::string& why) {
  log("raft: failed to install snapshot: error=" + why);
  Envelope answer{request.peer_id, request.peer_address, request.sequence,
                  SnapshotResponse{core_->term(), false}};
  if (options_.transport != nullptr) options_.transport->send(std::move(answer));
}

// What there is already of the snapshot that is to come.
std::shared_ptr<PendingSnapshot> Node::Impl::take_partial(const Envelope& request) {
  if (!partial_) return nullptr;
  const SnapshotMeta& sent = std::get<SnapshotRequest>(request.message).meta;
  const SnapshotMeta& had = partial_->meta;
  std::shared_ptr<PendingSnapshot> content;
  if (!sent.id.empty() && sent.id == had.id && request.peer_address == partial_->from &&
      sent.index == had.index && sent.term == had.term && sent.size == had.size)
    content = std::move(partial_->content);
  drop_partial();
  return content;
}

void Node::Impl::drop_partial() {
  // Removing a file takes its time.
  worker_.post([content = std::move(partial_->content)]() mutable { content.reset(); });
  partial_.reset();
}

void Node::Impl::begin_install(Envelope request, std::shared_ptr<SnapshotReader> reader) {
  if (install_running_) return refuse_install(request, "another snapshot is being installed");
  if (!core_->accept_snapshot(clock_->now(), request, effects_)) return;
  install_running_ = true;
  std::shared_ptr<PendingSnapshot> partial = take_partial(request);
  worker_.post([this, request = std::move(request), reader, pending = std::move(partial)]() mutable {
    const SnapshotMeta& meta = std::get<SnapshotRequest>(request.message).meta;
    auto receive = [&]() -> Status {
      if (pending == nullptr) {
        TRY_ASSIGN(pending, snapshots_->create());
      } else {
        log("raft: resuming the transfer of a snapshot: offset=" + std::to_string(pending->size()) +
            " size=" + std::to_string(meta.size));
        TRY(reader->skip(pending->size()));
      }
      TRY(copy(*reader, *pending));
      if (pending->size() == static_cast<uint64_t>(meta.size)) return {};
      return fail("the snapshot has " + std::to_string(pending->size()) + " bytes instead of " +
                  std::to_string(meta.size));
    };
    Status received = receive();
    post([this, request = std::move(request), pending = std::move(pending), received] {
      install_running_ = false;
      if (received) return finish_install(request, *pending);
      const SnapshotMeta& meta = std::get<SnapshotRequest>(request.message).meta;
      // A disk that failed it keeps nothing; what is short is the connection's fault.
      if (!meta.id.empty() && pending && pending->write({}) &&
          pending->size() <= static_cast<uint64_t>(meta.size))
        partial_ = PartialSnapshot{request.peer_address, meta, pending};
      refuse_install(request, received.error().message);
    });
  });
}

void Node::Impl::finish_install(const Envelope& request, PendingSnapshot& pending) {
  const SnapshotMeta& meta = std::get<SnapshotRequest>(request.message).meta;
  // The log may have caught up while the snapshot came: the state never goes back.
  if (meta.index > core_->commit_index()) {
    Result<SnapshotMeta> stored = pending.finish(meta);
    if (!stored) return refuse_install(request, stored.error().message);
    if (Status replaced = replace_state(*stored); !replaced) {
      if (Status removed = snapshots_->remove(*stored); !removed) on_disk_failure(removed.error());
      return refuse_install(request, replaced.error().message);
    }
    core_->snapshot_installed(clock_->now(), request, effects_);
    machine_.publish(meta.index);
    published.applied_index.store(core_->applied_index(), std::memory_order_release);
    worker_.post([this] { (void)snapshots_->retain(options_.snapshots_retained); });
    return;
  }
  core_->snapshot_installed(clock_->now(), request, effects_);
}

// --- sent to a follower ---

void Node::Impl::send_snapshot(SnapshotSend send) {
  if (options_.transport == nullptr)
    return core_->snapshot_failed(clock_->now(), send.envelope.peer_id, send.envelope.sequence, effects_);
  auto stored = snapshots_->list();
  bool usable = stored && !stored->empty() && stored->front().index >= core_->log().snapshot_index();
  if (!usable && options_.in_memory && core_->applied_index() > 0) {
    // With -dev the log was shortened without writing a snapshot; now somebody needs one.
    waiting_sends_.push_back(std::move(send));
    return begin_snapshot();
  }
  auto reader = usable ? snapshots_->open(stored->front()) : fail("no snapshot");
  if (!reader) {
    log("raft: failed to open snapshot: error=" + reader.error().message);
    return core_->snapshot_failed(clock_->now(), send.envelope.peer_id, send.envelope.sequence, effects_);
  }
  SnapshotMeta& meta = std::get<SnapshotRequest>(send.envelope.message).meta;
  meta = stored->front();
  if (!core_->announces_extensions(send.envelope.peer_id)) meta.id.clear();
  options_.transport->send_snapshot(std::move(send.envelope), std::move(*reader));
}

}  // namespace praetor::raft
