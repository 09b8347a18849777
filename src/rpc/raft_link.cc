// Connections to peers.
#include <algorithm>
#include <utility>

#include "rpc/raft_transport_impl.h"

namespace praetor::rpc {

namespace {
constexpr char kRaftByte = 1;
constexpr size_t kMaxWaiting = 128;  // for a connection that is being made
constexpr uint64_t kSnapshotBytesPerTimeout = 256 << 10;
constexpr uint32_t kMostDoublings = 16;
}  // namespace

void GatheringWriter::reset(std::shared_ptr<Stream> stream) {
  shared_ = std::make_shared<Shared>();
  shared_->stream = std::move(stream);
}

std::string& GatheringWriter::buffer() {
  if (!std::exchange(shared_->posted, true))
    shared_->stream->reactor().post([shared = shared_] {
      shared->posted = false;
      shared->stream->write(std::exchange(shared->bytes, {}));
    });
  return shared_->bytes;
}

size_t GatheringWriter::unsent() const { return shared_->bytes.size() + shared_->stream->unsent(); }

// --- messages ---

void RaftLink::send(raft::Envelope envelope) {
  Instant now = system_clock().now();
  last_used_ = now;
  peer_id_ = envelope.peer_id;
  if (stream_) {
    if (outstanding_.size() < kMaxRaftUnanswered && out_.unsent() < kMaxRaftUnsentBytes) put(envelope);
    return;  // else lost: whoever sent it says it again
  }
  if (now < retry_at_) return;
  if (waiting_.size() < kMaxWaiting) waiting_.push_back(std::move(envelope));
  if (!cancel_dial_) dial_peer();
}

void RaftLink::dial_peer() {
  cancel_dial_ = dial(transport_.reactor, address_, transport_.dial_options(),
                      [self = shared_from_this()](Result<std::shared_ptr<Stream>> stream) {
                        self->connected(std::move(stream));
                      });
}

void RaftLink::connected(Result<std::shared_ptr<Stream>> stream) {
  cancel_dial_ = nullptr;
  if (!stream) return broke(stream.error());
  useful_ = false;
  reader_ = {};
  stream_ = std::move(*stream);
  stream_->start(*this);
  out_.reset(stream_);
  out_.buffer().push_back(kRaftByte);
  for (raft::Envelope& envelope : std::exchange(waiting_, {})) put(envelope);
}

void RaftLink::put(const raft::Envelope& envelope) {
  put_raft_request(out_.buffer(), envelope.message);
  outstanding_.push_back(
      {raft_type(envelope.message), envelope.peer_id, envelope.sequence, system_clock().now()});
}

void RaftLink::on_data(std::string_view bytes) {
  auto self = shared_from_this();
  reader_.append(bytes);
  while (stream_ && !outstanding_.empty()) {
    auto response = reader_.next(outstanding_.front().type);
    if (!response) return broke(response.error());
    if (!*response) return;
    Outstanding request = std::move(outstanding_.front());
    outstanding_.pop_front();
    useful_ = true;
    failures_ = 0;
    if (!(*response)->error.empty()) {
      transport_.log("raft: a request was refused: peer=" + address_ + " error=\"" + (*response)->error +
                     "\"");
      continue;
    }
    if (transport_.receiver == nullptr) return;
    transport_.receiver->receive({.peer_id = std::move(request.peer_id),
                                  .peer_address = address_,
                                  .sequence = request.sequence,
                                  .message = std::move((*response)->message)});
  }
  if (stream_ && reader_.buffered() > 0) broke({"raft: a response to nothing", ErrorKind::kCorrupt});
}

// What was sent and not answered is lost; the core sends again what matters.
void RaftLink::broke(const Error& error) {
  auto self = shared_from_this();
  // The first new attempt comes at once: most often the other side has just been restarted.
  if (!std::exchange(useful_, false)) {
    Duration pause = transport_.options.first_backoff * (1 << std::min(failures_++, kMostDoublings));
    retry_at_ = system_clock().now() + std::min(pause, transport_.options.last_backoff);
  }
  close();
  if (failures_ <= 1)
    transport_.log("raft: failed to heartbeat to: peer=" + address_ + " error=\"" + error.message + "\"");
  if (transport_.receiver != nullptr) transport_.receiver->unreachable(peer_id_);
}

void RaftLink::close() {
  if (cancel_dial_) std::exchange(cancel_dial_, nullptr)();
  if (auto stream = std::exchange(stream_, nullptr)) stream->close();
  waiting_.clear();
  outstanding_.clear();
}

void RaftLink::check(Instant now) {
  if (stream_ && !outstanding_.empty() && outstanding_.front().sent_at + transport_.options.timeout < now)
    broke({"i/o timeout", ErrorKind::kTimeout});
}

// --- snapshots ---

void RaftSnapshotSend::start(std::shared_ptr<BytePipe> content) {
  content_ = std::move(content);
  left_ = static_cast<uint64_t>(std::get<raft::SnapshotRequest>(request_.message).meta.size);
  deadline_ = system_clock().now() + transport_.options.timeout;
  cancel_dial_ = dial(transport_.reactor, request_.peer_address, transport_.dial_options(),
                      [self = shared_from_this()](Result<std::shared_ptr<Stream>> stream) {
                        self->connected(std::move(stream));
                      });
}

void RaftSnapshotSend::connected(Result<std::shared_ptr<Stream>> stream) {
  cancel_dial_ = nullptr;
  if (!stream) return fail_with(stream.error());
  stream_ = std::move(*stream);
  stream_->start(*this);
  std::string head(1, kRaftByte);
  put_raft_request(head, request_.message);
  stream_->write(std::move(head));
  if (std::get<raft::SnapshotRequest>(request_.message).meta.id.empty()) begin(0);
}

void RaftSnapshotSend::begin(uint64_t offset) {
  if (std::exchange(begun_, true) || offset > left_)
    return fail_with({"the receiver asks for bytes that there are not"});
  skip_ = offset;
  content_->on_readable([&reactor = transport_.reactor, weak = weak_from_this()] {
    reactor.post([weak] {
      if (auto self = weak.lock()) self->pump();
    });
  });
}

void RaftSnapshotSend::pump() {
  if (done_ || !stream_) return;
  expect_answer(system_clock().now());
  if (stream_->unsent() >= kMaxPipeBytes || left_ == 0) return;
  BytePipe::Taken taken = content_->take();
  if (taken.bytes.size() > left_) return fail_with({"the snapshot is longer than its description"});
  left_ -= taken.bytes.size();
  size_t had = std::min<uint64_t>(skip_, taken.bytes.size());
  skip_ -= had;
  taken.bytes.erase(0, had);
  if (!taken.bytes.empty()) stream_->write(std::move(taken.bytes));
  if (taken.error) return fail_with(*taken.error);
  if (taken.end && left_ > 0) return fail_with({"the snapshot is shorter than its description"});
  expect_answer(system_clock().now());
}

// While bytes move the other side is alive; then it restores them, which takes longer the more there are.
void RaftSnapshotSend::expect_answer(Instant now) {
  auto size = static_cast<uint64_t>(std::get<raft::SnapshotRequest>(request_.message).meta.size);
  auto timeouts = static_cast<int64_t>(left_ > 0 ? 1 : 1 + size / kSnapshotBytesPerTimeout);
  deadline_ = now + transport_.options.timeout * timeouts;
}

void RaftSnapshotSend::on_data(std::string_view bytes) {
  auto self = shared_from_this();
  reader_.append(bytes);
  auto response = reader_.next(RaftType::kInstallSnapshot);
  if (!response) return fail_with(response.error());
  if (!*response) return;
  if (!(*response)->error.empty()) return fail_with({(*response)->error});
  const auto* answer = std::get_if<raft::SnapshotResponse>(&(*response)->message);
  if (answer != nullptr && answer->begin_at) return begin(*answer->begin_at);
  finished();
  if (transport_.receiver != nullptr)
    transport_.receiver->receive({.peer_id = request_.peer_id,
                                  .peer_address = request_.peer_address,
                                  .sequence = request_.sequence,
                                  .message = std::move((*response)->message)});
}

void RaftSnapshotSend::fail_with(const Error& error) {
  auto self = shared_from_this();
  if (done_) return;
  finished();
  transport_.log("raft: failed to send snapshot: peer=" + request_.peer_address + " error=\"" +
                 error.message + "\"");
  if (transport_.receiver != nullptr)
    transport_.receiver->snapshot_failed(request_.peer_id, request_.sequence);
}

void RaftSnapshotSend::finished() {
  done_ = true;
  if (cancel_dial_) std::exchange(cancel_dial_, nullptr)();
  if (stream_) stream_->close();
  content_->on_readable(nullptr);
  content_->break_off({"the snapshot is not wanted any more", ErrorKind::kCancelled});
  transport_.snapshots.erase(this);
}

void RaftSnapshotSend::check(Instant now) {
  if (deadline_ < now) fail_with({"i/o timeout", ErrorKind::kTimeout});
}

}  // namespace praetor::rpc
