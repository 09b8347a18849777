// Raft between servers: hashicorp/raft's RPCs over TCP connections that begin with byte 1 (wire.md 6).
//
// To each peer there is one connection for what must not wait (heartbeats, votes, TimeoutNow), one for log
// entries, pipelined, and one for each snapshot. Answers come in the order of the requests; which envelope
// one belongs to is remembered here. All of it runs on a thread of its own, so that neither RPC nor HTTP can
// delay a heartbeat; snapshots are read by a thread each.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "raft/transport.h"
#include "rpc/stream.h"

namespace praetor::rpc {

inline constexpr size_t kMaxRaftUnsentBytes = 64 << 20;  // to one peer; log entries beyond it are dropped
inline constexpr size_t kMaxRaftUnanswered =
    1024;  // requests of one connection, either way; then it is not used
inline constexpr size_t kMaxRaftConnections = 512;  // from others, at a time; more are closed at once

struct RaftTransportOptions {
  std::string address;                                     // this server's advertised "ip:port"
  Duration timeout = std::chrono::seconds(10);             // to connect, and for an answer
  Duration first_backoff = std::chrono::milliseconds(20);  // after a connection failed; doubles
  Duration last_backoff = std::chrono::seconds(1);
  DialOptions dial;                                // its timeout is not used
  std::function<void(const std::string&)> on_log;  // one line; the transport's thread
};

class RaftTransport final : public raft::Transport {
 public:
  explicit RaftTransport(RaftTransportOptions options);
  ~RaftTransport() override;

  // A connection whose first byte said raft. Any thread.
  void accept(RawConnection connection);

  void attach(Receiver* receiver) override;
  void detach() override;
  void send(raft::Envelope envelope) override;
  void send_snapshot(raft::Envelope request, std::unique_ptr<raft::SnapshotReader> reader) override;

  struct State;  // raft_transport_impl.h

 private:
  std::unique_ptr<State> state_;
};

}  // namespace praetor::rpc
