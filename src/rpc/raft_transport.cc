#include "rpc/raft_transport.h"

#include <string>
#include <thread>
#include <utility>

#include "base/check.h"
#include "rpc/raft_transport_impl.h"

namespace praetor::rpc {

namespace {

constexpr Duration kCheckInterval = std::chrono::seconds(1);
constexpr Duration kUnusedTime = std::chrono::minutes(2);  // of a peer, e.g. one that was removed
constexpr size_t kReadBytes = 256 << 10;

bool is_request(const raft::Message& message) {
  return std::holds_alternative<raft::AppendRequest>(message) ||
         std::holds_alternative<raft::VoteRequest>(message) ||
         std::holds_alternative<raft::SnapshotRequest>(message) ||
         std::holds_alternative<raft::TimeoutNowRequest>(message);
}

}  // namespace

// --- on the reactor ---

void RaftTransport::State::send(raft::Envelope envelope) {
  if (receiver == nullptr) return;
  if (!is_request(envelope.message)) return answer(envelope);
  auto* append = std::get_if<raft::AppendRequest>(&envelope.message);
  Peer& peer = peers[envelope.peer_address];
  auto& link = append != nullptr && !append->heartbeat ? peer.entries : peer.control;
  if (!link) link = std::make_shared<RaftLink>(*this, envelope.peer_address);
  auto held = link;
  held->send(std::move(envelope));
  check_soon();
}

void RaftTransport::State::answer(const raft::Envelope& envelope) {
  auto found = requests.find(envelope.sequence);
  if (found == requests.end()) return;  // its connection is gone
  if (auto connection = found->second.lock()) connection->answer(envelope.sequence, envelope.message);
}

void RaftTransport::State::accept(RawConnection raw) {
  if (receiver == nullptr || inbound.size() >= kMaxRaftConnections) return;
  auto connection = std::make_shared<RaftInbound>(*this, Stream::adopt(reactor, std::move(raw)));
  inbound.emplace(connection.get(), connection);
  connection->start();
  check_soon();
}

void RaftTransport::State::send_snapshot(raft::Envelope request,
                                         std::unique_ptr<raft::SnapshotReader> reader) {
  if (receiver == nullptr) return;
  auto send = std::make_shared<RaftSnapshotSend>(*this, std::move(request));
  snapshots.emplace(send.get(), send);
  auto pipe = std::make_shared<BytePipe>();
  read_in_thread(std::move(reader), pipe);
  send->start(std::move(pipe));
  check_soon();
}

void RaftTransport::State::read_in_thread(std::unique_ptr<raft::SnapshotReader> reader,
                                          std::shared_ptr<BytePipe> pipe) {
  {
    std::lock_guard lock(threads_mutex);
    ++threads;
  }
  std::thread([this, reader = std::move(reader), pipe = std::move(pipe)]() mutable {
    std::string buffer(kReadBytes, '\0');
    for (;;) {
      auto count = reader->read(buffer);
      if (!count) {
        pipe->break_off(count.error());
        break;
      }
      if (*count == 0) {
        pipe->finish();
        break;
      }
      if (!pipe->write({buffer.data(), *count})) break;
    }
    reader.reset();
    pipe.reset();
    std::lock_guard lock(threads_mutex);
    --threads;
    threads_changed.notify_all();
  }).detach();
}

// Once a second, while there is anything: what has waited too long.
void RaftTransport::State::check_soon() {
  if (std::exchange(checking, true)) return;
  reactor.after(kCheckInterval, [this] {
    checking = false;
    if (receiver == nullptr) return;
    Instant now = system_clock().now();
    for (auto& [address, peer] : std::map(peers)) {
      bool used = false;
      for (const auto& link : {peer.control, peer.entries}) {
        if (link) link->check(now);
        used |= link && link->used_since(now - kUnusedTime);
      }
      if (!used) forget_peer(address);
    }
    for (auto& [raw, connection] : std::map(inbound)) connection->check(now);
    for (auto& [raw, snapshot] : std::map(snapshots)) snapshot->check(now);
    if (!peers.empty() || !inbound.empty() || !snapshots.empty()) check_soon();
  });
}

// Both together: a closed connection without the other would look to the follower like a dead leader.
void RaftTransport::State::forget_peer(const std::string& address) {
  auto node = peers.extract(address);
  if (node.empty()) return;
  for (const auto& link : {node.mapped().control, node.mapped().entries})
    if (link) link->close();
}

void RaftTransport::State::close_all() {
  while (!peers.empty()) forget_peer(std::string(peers.begin()->first));
  for (auto& [raw, connection] : std::map(inbound)) connection->close();
  for (auto& [raw, snapshot] : std::map(snapshots)) snapshot->fail_with({"the transport is closed"});
}

// --- any thread ---

RaftTransport::RaftTransport(RaftTransportOptions options)
    : state_(std::make_unique<State>(std::move(options))) {
  state_->reactor.start();
}

RaftTransport::~RaftTransport() {
  detach();
  state_->reactor.stop();
}

void RaftTransport::accept(RawConnection connection) {
  state_->reactor.post([state = state_.get(), raw = std::make_shared<RawConnection>(std::move(connection))] {
    state->accept(std::move(*raw));
  });
}

void RaftTransport::attach(Receiver* receiver) {
  state_->reactor.run([&] { state_->receiver = receiver; });
}

void RaftTransport::detach() {
  state_->reactor.run([&] {
    state_->receiver = nullptr;
    state_->close_all();
  });
  std::unique_lock lock(state_->threads_mutex);
  state_->threads_changed.wait(lock, [&] { return state_->threads == 0; });
}

void RaftTransport::send(raft::Envelope envelope) {
  state_->reactor.post(
      [state = state_.get(), envelope = std::move(envelope)]() mutable { state->send(std::move(envelope)); });
}

void RaftTransport::send_snapshot(raft::Envelope request, std::unique_ptr<raft::SnapshotReader> reader) {
  state_->reactor.post([state = state_.get(), request = std::move(request),
                        shared = std::make_shared<std::unique_ptr<raft::SnapshotReader>>(std::move(reader))] {
    state->send_snapshot(request, std::move(*shared));
  });
}

}  // namespace praetor::rpc
