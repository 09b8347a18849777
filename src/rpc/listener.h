// Port 8300's listening side: the first byte of a connection says what it carries (wire.md 5.1): RPC, RPC
// over yamux, raft, snapshots. Connections are spread over the reactors; everything about one happens on its
// own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/reactor.h"
#include "base/result.h"
#include "rpc/byte_pipe.h"
#include "rpc/stream.h"

namespace praetor::rpc {

inline constexpr size_t kMaxRequestBytes = 64 << 20;          // one request, its header included
inline constexpr size_t kMaxSessionRequestBytes = 128 << 20;  // requests of one connection that are not whole
inline constexpr size_t kMaxUnsentBytes = 16 << 20;  // of a connection; then nothing more is read from it
inline constexpr size_t kMaxSnapshotRequestBytes = 64 << 10;  // in front of an uploaded archive

// What connections begin with.
enum class FirstByte : uint8_t {
  kConsul = 0,
  kRaft = 1,
  kMultiplex = 2,  // muxado, which nobody speaks any more
  kTls = 3,
  kMultiplexV2 = 4,
  kSnapshot = 5,
  kGossip = 6,
  kTlsInsecure = 7,
};

// One request. Answered late is fine: the caller just waits. Dropped unanswered, it answers with an error.
class Call {
 public:
  virtual ~Call() = default;
  virtual const std::string& method() const = 0;  // "Catalog.Register"
  virtual std::string& body() = 0;                // one encoded value: the arguments
  virtual const std::string& from() const = 0;    // "127.0.0.1:54321"
  virtual Reactor& reactor() = 0;                 // the connection's
  // Any thread; the first one counts. The value is one encoded value; of an error only the text is sent.
  virtual void respond(Result<std::string> result) = 0;
  // The connection's reactor only. Called there, at most once, when the caller has gone before the answer.
  // One callback; replaces the former.
  virtual void on_cancel(std::function<void()> callback) = 0;
};
using CallPtr = std::shared_ptr<Call>;

// The streamed snapshot RPC.
struct SnapshotCall {
  std::string request;  // one encoded value: a SnapshotRequest
  std::string from;
  std::shared_ptr<BytePipe> upload;  // what follows the request: an archive to restore
  // Any thread, once: one encoded SnapshotResponse, then what the pipe gives until its end (null: nothing).
  std::function<void(std::string response, std::shared_ptr<BytePipe> archive)> respond;
};

// Called on the connections' reactors; must not block. Outlives the listener.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void call(CallPtr call) = 0;
  virtual void snapshot(Reactor& reactor, SnapshotCall call) = 0;
};

struct ListenerOptions {
  std::string host;  // an IP address
  uint16_t port = 8300;
  std::vector<Reactor*> reactors;             // not owned; outlive the listener
  uint32_t max_connections_per_client = 100;  // of one IP address, 0: no limit; more are closed at once
  Duration handshake_timeout = std::chrono::seconds(5);  // until the first byte
  Duration keepalive = std::chrono::seconds(30);
  Duration write_timeout = std::chrono::seconds(10);
  Handler* handler = nullptr;
  // Takes connections of raft, on any reactor; see RaftTransport::accept. None: they are closed.
  std::function<void(RawConnection)> on_raft;
};

class Listener {
 public:
  // Binds and listens; errors name the address.
  static Result<std::unique_ptr<Listener>> start(ListenerOptions options);
  // Closes the socket and all connections; calls under way are cancelled. From no reactor of its own.
  ~Listener();
  uint16_t port() const;
  void set_max_connections_per_client(uint32_t limit);

 private:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace praetor::rpc
