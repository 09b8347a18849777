// A TCP connection of port 8300 on its reactor: bytes in by callbacks, bytes out by a queue. What lies
// between the socket and the bytes (nothing, or TLS) is a Wire, so that everything above is the same for
// both.
//
// All functions are called on the stream's reactor unless they say otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/reactor.h"
#include "base/result.h"

namespace praetor::rpc {

// An open file descriptor with one owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// How bytes get through a socket that does not block. The plain one reads and writes; TLS comes here.
class Wire {
 public:
  enum class Outcome : uint8_t { kDone, kWantRead, kWantWrite, kEnd, kError };
  struct Step {
    Outcome outcome = Outcome::kDone;
    size_t bytes = 0;   // with kDone
    bool more = false;  // reading again may give bytes at once
    Error error;        // with kError
  };
  virtual ~Wire() = default;
  virtual Step read(int fd, std::span<char> buffer) = 0;
  virtual Step write(int fd, std::string_view bytes) = 0;
  virtual Step finish(int fd) = 0;  // we send nothing more (shutdown, close_notify)
};
std::unique_ptr<Wire> plain_wire();

// A connection between two reactors (see Stream::release), or one that has just been accepted.
struct RawConnection {
  Descriptor socket;
  std::unique_ptr<Wire> wire;
  std::string peer;              // "127.0.0.1:54321"
  std::shared_ptr<void> permit;  // lives as long as the connection: whoever counts connections counts these
  std::string read_already;      // bytes that were read before
};

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  // Owns the stream, or is told to forget it: no call follows close() or release().
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_data(std::string_view bytes) = 0;
    virtual void on_drained() {}  // what was queued is with the kernel
    virtual void on_end() = 0;    // the peer sends nothing more
    virtual void on_error(
        const Error& error) = 0;  // broken ("read tcp a->b: read: connection reset by peer")
  };

  static std::shared_ptr<Stream> adopt(Reactor& reactor, RawConnection connection);
  virtual ~Stream() = default;

  // Begins to read; `handler` outlives the stream or closes it. Again: another handler takes over.
  virtual void start(Handler& handler) = 0;
  virtual void write(std::string bytes) = 0;
  virtual size_t unsent() const = 0;
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  virtual void finish() = 0;  // half-close, after what is queued
  // Idempotent. What is queued is lost, unless `after_flush`: then it is still sent, for a moment.
  virtual void close(bool after_flush = false) = 0;
  virtual bool closed() const = 0;
  virtual const std::string& peer() const = 0;
  virtual const std::string& local() const = 0;  // "127.0.0.1:8300"
  virtual Reactor& reactor() = 0;
  // Takes the connection away, to be adopted by another reactor. REQUIRES: nothing unsent.
  virtual RawConnection release() = 0;
};

struct DialOptions {
  std::string source_ip;  // empty: any
  Duration timeout = std::chrono::seconds(10);
  // What speaks over the socket (null: plain). Called on the reactor with the address.
  std::function<Result<std::unique_ptr<Wire>>(const std::string& address)> make_wire;
};
// Connects to "ip:port". `done` is called later, on the reactor, exactly once. Errors are Go's: `dial tcp
// <nil>->127.0.0.1:8300: connect: connection refused`, `…: i/o timeout`. The result cancels: after it `done`
// is not called.
std::function<void()> dial(Reactor& reactor, const std::string& address, const DialOptions& options,
                           std::function<void(Result<std::shared_ptr<Stream>>)> done);

// A listening socket; accepts on its reactor, from make until destruction, both there.
class Acceptor {
 public:
  virtual ~Acceptor() = default;
  virtual uint16_t port() const = 0;
  // `accepted` gets connections without a wire.
  static Result<std::unique_ptr<Acceptor>> listen(Reactor& reactor, const std::string& host, uint16_t port,
                                                  std::function<void(RawConnection)> accepted);
};

}  // namespace praetor::rpc
