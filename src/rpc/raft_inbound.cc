// Connections from peers.
#include <algorithm>
#include <functional>
#include <utility>

#include "rpc/raft_transport_impl.h"

namespace praetor::rpc {

namespace {

// Gives a node's snapshot thread the bytes of an arriving snapshot.
class PipeReader final : public raft::SnapshotReader {
 public:
  // `ask` makes the sender begin at an offset; empty for one that begins without being asked.
  PipeReader(std::shared_ptr<BytePipe> pipe, std::function<void(uint64_t)> ask)
      : pipe_(std::move(pipe)), ask_(std::move(ask)) {}
  ~PipeReader() override { pipe_->break_off({"nobody reads the snapshot", ErrorKind::kCancelled}); }

  Status skip(uint64_t bytes) override {
    if (!ask_) return SnapshotReader::skip(bytes);
    std::exchange(ask_, nullptr)(bytes);
    return {};
  }
  Result<size_t> read(std::span<char> buffer) override {
    if (ask_) std::exchange(ask_, nullptr)(0);
    return pipe_->read(buffer);
  }

 private:
  std::shared_ptr<BytePipe> pipe_;
  std::function<void(uint64_t)> ask_;
};

// hashicorp/raft's requests name their sender by its address.
std::string sender_of(const raft::Message& message) {
  return std::visit(
      [](const auto& request) -> std::string {
        if constexpr (requires { request.leader_address; }) return request.leader_address;
        if constexpr (requires { request.candidate_address; }) return request.candidate_address;
        return {};
      },
      message);
}

}  // namespace

void RaftInbound::on_data(std::string_view bytes) {
  auto self = shared_from_this();
  reader_.append(bytes);
  read_requests();
}

void RaftInbound::read_requests() {
  while (!stream_->closed()) {
    feed_snapshot();
    if (snapshot_left_ > 0) return;
    if (slots_.size() >= kMaxRaftUnanswered) return stream_->pause_reading();
    auto request = reader_.next();
    if (!request) return broke(request.error());
    if (!*request) return stream_->resume_reading();
    take(std::move(**request));
  }
}

void RaftInbound::take(RaftRequestReader::Request request) {
  Slot& slot = slots_.emplace_back();
  slot.sequence = ++transport_.last_sequence;
  slot.type = request.type;
  slot.came_at = system_clock().now();
  raft::Envelope envelope{.peer_id = {},
                          .peer_address = sender_of(request.message),
                          .sequence = slot.sequence,
                          .message = std::move(request.message)};
  if (!request.refusal.empty()) {
    slot.answered = true;
    put_raft_error(slot.answer, request.refusal);
    if (auto* snapshot = std::get_if<raft::SnapshotRequest>(&envelope.message)) {
      snapshot_left_ = static_cast<uint64_t>(snapshot->meta.size);
      snapshot_asked_for_ = true;  // they come, or the connection ends
      snapshot_.reset();
    }
    return send_answered();
  }
  if (std::holds_alternative<raft::AppendRequest>(envelope.message)) leader_ = envelope.peer_address;
  // It does not say whom it is from; Praetor sends it where it sends the entries.
  if (std::holds_alternative<raft::TimeoutNowRequest>(envelope.message)) envelope.peer_address = leader_;
  transport_.requests.emplace(slot.sequence, weak_from_this());
  if (request.type == RaftType::kInstallSnapshot) return begin_snapshot(std::move(envelope));
  transport_.receiver->receive(std::move(envelope));
}

void RaftInbound::begin_snapshot(raft::Envelope envelope) {
  const raft::SnapshotMeta& meta = std::get<raft::SnapshotRequest>(envelope.message).meta;
  snapshot_left_ = static_cast<uint64_t>(meta.size);
  snapshot_asked_for_ = meta.id.empty();
  snapshot_ = std::make_shared<BytePipe>();
  if (snapshot_left_ == 0) snapshot_->finish();
  snapshot_->on_room([&reactor = transport_.reactor, weak = weak_from_this()] {
    reactor.post([weak] {
      auto self = weak.lock();
      if (self && !self->stream_->closed()) self->stream_->resume_reading();
    });
  });
  std::function<void(uint64_t)> ask;
  if (!snapshot_asked_for_)
    ask = [&reactor = transport_.reactor, weak = weak_from_this(),
           sequence = envelope.sequence](uint64_t offset) {
      reactor.post([weak, sequence, offset] {
        if (auto self = weak.lock()) self->ask_for_snapshot(sequence, offset);
      });
    };
  transport_.receiver->receive_snapshot(std::move(envelope),
                                        std::make_unique<PipeReader>(snapshot_, std::move(ask)));
}

void RaftInbound::ask_for_snapshot(uint64_t sequence, uint64_t offset) {
  if (!snapshot_ || slots_.empty() || stream_->closed()) return;
  if (slots_.front().sequence != sequence || offset > snapshot_left_)
    return broke({"raft: a snapshot behind other requests", ErrorKind::kCorrupt});
  snapshot_asked_for_ = true;
  put_raft_response(out_.buffer(), raft::SnapshotResponse{.begin_at = offset});
  snapshot_left_ -= offset;
  if (snapshot_left_ == 0) std::exchange(snapshot_, nullptr)->finish();
}

// What belongs to the snapshot goes to its reader, or nowhere when there is none.
void RaftInbound::feed_snapshot() {
  if (snapshot_left_ == 0) return;
  if (!snapshot_asked_for_ && reader_.buffered() > 0)
    return broke({"raft: bytes of a snapshot that were not asked for", ErrorKind::kCorrupt});
  std::string bytes = reader_.take_rest(snapshot_left_);
  if (bytes.empty()) return;
  snapshot_left_ -= bytes.size();
  if (snapshot_ && !snapshot_->push(bytes)) stream_->pause_reading();
  if (snapshot_left_ > 0 || !snapshot_) return;
  snapshot_->finish();
  snapshot_.reset();
}

void RaftInbound::answer(uint64_t sequence, const raft::Message& message) {
  auto slot =
      std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.sequence == sequence; });
  if (slot == slots_.end() || slot->answered) return;
  slot->answered = true;
  put_raft_response(slot->answer, message);
  bool was_full = slots_.size() >= kMaxRaftUnanswered;
  send_answered();
  if (was_full && slots_.size() < kMaxRaftUnanswered)
    transport_.reactor.post([self = shared_from_this()] { self->read_requests(); });
}

// An answer waits for those before it: the other side tells them apart by their order only.
void RaftInbound::send_answered() {
  while (!slots_.empty() && slots_.front().answered) {
    out_.buffer() += slots_.front().answer;
    transport_.requests.erase(slots_.front().sequence);
    slots_.pop_front();
  }
}

void RaftInbound::broke(const Error& error) {
  auto self = shared_from_this();
  if (error.kind == ErrorKind::kCorrupt || error.kind == ErrorKind::kTooLarge)
    transport_.log("raft: failed to decode incoming command: from=" + stream_->peer() + " error=\"" +
                   error.message + "\"");
  close();
  // Most often the leader's process has died: whoever waits for its heartbeats may wait less.
  if (!leader_.empty() && transport_.receiver != nullptr) transport_.receiver->unreachable(leader_);
}

void RaftInbound::close() {
  stream_->close(/*after_flush=*/true);
  if (snapshot_) snapshot_->break_off({"short read", ErrorKind::kIo});
  for (const Slot& slot : slots_) transport_.requests.erase(slot.sequence);
  slots_.clear();
  transport_.inbound.erase(this);
}

void RaftInbound::check(Instant now) {
  if (slots_.empty() || slots_.front().type == RaftType::kInstallSnapshot) return;
  // A request that nobody answers: without this those behind it would wait for ever.
  if (slots_.front().came_at + transport_.options.timeout < now) close();
}

}  // namespace praetor::rpc
