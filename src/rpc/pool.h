// Calls to other agents' port 8300: one TCP connection with a yamux session an address, made when it is first
// needed and closed after it has been idle; each call has a stream, streams are used again (wire.md 5).
//
// Every function may be called from any thread. A session lives on one of the reactors; calls from another
// are handed over.
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

inline constexpr size_t kMaxIdleStreams = 32;   // of a session, kept to be used again
inline constexpr size_t kMaxPoolCalls = 16384;  // under way with one address; more fail at once

struct PoolOptions {
  std::vector<Reactor*> reactors;  // not owned; outlive the pool
  DialOptions dial;
  Duration idle_timeout = std::chrono::seconds(127);  // of a session without calls (servers: two minutes)
  Duration keepalive = std::chrono::seconds(30);      // between pings
  Duration write_timeout = std::chrono::seconds(10);  // for the answer to a ping
};

struct SnapshotReply {
  std::string response;               // one encoded value: a SnapshotResponse
  std::shared_ptr<BytePipe> archive;  // what follows it, until its end
};

class Pool {
 public:
  using Done = std::function<void(Result<std::string>)>;

  // A call under way.
  class Ticket {
   public:
    // Any thread, any time. `done` gets kCancelled, unless it was faster; the stream is freed.
    void cancel() const;

   private:
    friend class Pool;
    std::function<void()> cancel_;
  };

  explicit Pool(PoolOptions options);
  ~Pool();  // calls under way fail with kCancelled
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // `address` is "ip:port"; `body` and the reply are one encoded MessagePack value each. `done` is called
  // exactly once, on `reactor`, never from inside call(). timeout 0: none.
  //
  // Errors: `rpc error making call: <text>` of what the other side answered (kInternal; kNoLeader when it
  // says that it knows no leader), `rpc error making call: EOF` and the like when the connection broke on the
  // way (kIo: nobody knows whether the call was carried out), `rpc error getting client: failed to get conn:
  // …` when there is no connection (kIo as well; never_sent() tells), `rpc error making call: i/o deadline
  // reached` (kTimeout).
  Ticket call(Reactor& reactor, const std::string& address, std::string method, std::string body,
              Duration timeout, Done done);

  // The streamed snapshot RPC, on a connection of its own (wire.md 5.5): sends the encoded SnapshotRequest,
  // then what `upload` gives (null: nothing). `done` as above; the texts are the bare ones. The archive of
  // the reply comes in by its pipe; breaking that off closes the connection.
  void snapshot(Reactor& reactor, const std::string& address, std::string request,
                std::shared_ptr<BytePipe> upload, Duration timeout,
                std::function<void(Result<SnapshotReply>)> done);

  // Closes the session (its calls fail with EOF): the server has gone.
  void forget(const std::string& address);
  size_t session_count() const;

 private:
  struct Shard;
  struct State;
  std::shared_ptr<State> state_;
};

// Whether an error of call() says that the request cannot have reached the other side.
bool never_sent(const Error& error);
// The error of what a server answered to a call, with the kind that its text has.
Error answered_error(std::string_view text);

}  // namespace praetor::rpc
