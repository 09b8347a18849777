#include "rpc/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstring>
#include <deque>
#include <optional>

#include "base/check.h"
#include "base/thread_buffer.h"
#include "gossip/address.h"

namespace praetor::rpc {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;
using boost::system::error_code;
using gossip::Address;
using gossip::IpAddress;

namespace {

constexpr int kReadsPerWakeup = 8;         // then the reactor's other work gets its turn
constexpr size_t kGatherBytes = 16 << 10;  // pieces smaller than this are joined
constexpr int kBacklog = 4096;
constexpr Duration kLingerTime = std::chrono::seconds(5);  // to send what is left after close()

class PlainWire final : public Wire {
 public:
  Step read(int fd, std::span<char> buffer) override {
    ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count == 0) return {.outcome = Outcome::kEnd};
    Step step = result("read", Outcome::kWantRead, count);
    step.more = step.bytes == buffer.size();
    return step;
  }
  Step write(int fd, std::string_view bytes) override {
    return result("write", Outcome::kWantWrite, ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  Step finish(int fd) override {
    ::shutdown(fd, SHUT_WR);
    return {};
  }

 private:
  static Step result(const char* what, Outcome blocked, ssize_t count) {
    if (count >= 0) return {.outcome = Outcome::kDone, .bytes = static_cast<size_t>(count)};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {.outcome = blocked};
    return {.outcome = Outcome::kError, .error = io_error(what, errno)};
  }
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress to_socket(const Address& address) {
  SocketAddress out;
  std::string_view ip = address.ip.bytes();
  if (address.ip.is_v6()) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address.port);
    std::memcpy(&in6->sin6_addr, ip.data(), ip.size());
    out.length = sizeof *in6;
  } else {
    auto* in4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    in4->sin_family = AF_INET;
    in4->sin_port = htons(address.port);
    if (!ip.empty()) std::memcpy(&in4->sin_addr, ip.data(), ip.size());
    out.length = sizeof *in4;
  }
  return out;
}

Address from_socket(const sockaddr_storage& storage) {
  auto bytes = [](const auto& raw) {
    return IpAddress::from_bytes({reinterpret_cast<const char*>(&raw), sizeof raw});
  };
  if (storage.ss_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(storage);
    return {bytes(in6.sin6_addr), ntohs(in6.sin6_port)};
  }
  const auto& in4 = reinterpret_cast<const sockaddr_in&>(storage);
  return {bytes(in4.sin_addr), ntohs(in4.sin_port)};
}

std::string local_name(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  ::getsockname(fd, address.raw(), &address.length);
  return from_socket(address.storage).text();
}

void set_options(int fd) {
  int one = 1, seconds = 15;  // as Go's
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
}

class SocketStream final : public Stream {
 public:
  SocketStream(Reactor& reactor, RawConnection connection)
      : reactor_(reactor),
        socket_(reactor.context(), connection.socket.release()),
        wire_(connection.wire ? std::move(connection.wire) : plain_wire()),
        peer_(std::move(connection.peer)),
        local_(local_name(socket_.native_handle())),
        permit_(std::move(connection.permit)),
        read_already_(std::move(connection.read_already)) {}

  void start(Handler& handler) override {
    handler_ = &handler;
    resume_reading();
  }

  void write(std::string bytes) override {
    if (closed_ || finishing_ || bytes.empty()) return;
    unsent_ += bytes.size();
    bool idle = queue_.empty();
    if (!idle && queue_.back().size() + bytes.size() <= kGatherBytes) {
      queue_.back().append(bytes);
    } else {
      queue_.push_back(std::move(bytes));
    }
    if (idle) send_queue();
  }

  size_t unsent() const override { return unsent_; }
  void pause_reading() override { paused_ = true; }

  void resume_reading() override {
    if (std::exchange(paused_, false)) read_soon();
  }

  void finish() override {
    if (closed_ || std::exchange(finishing_, true)) return;
    if (queue_.empty()) send_queue();
  }

  void close(bool after_flush) override {
    handler_ = nullptr;
    if (closed_) return;
    if (after_flush && !queue_.empty() && !failed_) {
      finishing_ = closing_ = true;
      reactor_.after(kLingerTime, [weak = std::weak_ptr(shared())] {
        if (auto self = weak.lock()) self->close(false);
      });
      return;
    }
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
    queue_.clear();
    unsent_ = 0;
    permit_.reset();
  }

  bool closed() const override { return closed_; }
  const std::string& peer() const override { return peer_; }
  const std::string& local() const override { return local_; }
  Reactor& reactor() override { return reactor_; }

  RawConnection release() override {
    CHECK(queue_.empty());
    RawConnection connection;
    if (!closed_) connection.socket = Descriptor(socket_.release());
    connection.wire = std::move(wire_);
    connection.peer = peer_;
    connection.permit = std::move(permit_);
    connection.read_already = std::move(read_already_);
    handler_ = nullptr;
    closed_ = true;
    return connection;
  }

 private:
  std::shared_ptr<SocketStream> shared() {
    return std::static_pointer_cast<SocketStream>(shared_from_this());
  }

  void read() {
    if (handler_ != nullptr && !paused_ && !read_already_.empty()) {
      std::string bytes = std::exchange(read_already_, {});
      handler_->on_data(bytes);
    }
    for (int reads = 0;; ++reads) {
      if (closed_ || handler_ == nullptr || paused_ || ended_) return;
      if (reads == kReadsPerWakeup) return read_soon();
      Wire::Step step = wire_->read(socket_.native_handle(), thread_buffer());
      switch (step.outcome) {
        case Wire::Outcome::kDone:
          handler_->on_data({thread_buffer().data(), step.bytes});
          if (step.more) continue;
          return arm_read();
        case Wire::Outcome::kWantRead:
          return arm_read();
        case Wire::Outcome::kWantWrite:
          return arm_write();
        case Wire::Outcome::kEnd:
          ended_ = true;
          return handler_->on_end();
        case Wire::Outcome::kError:
          return fail_with(step.error);
      }
    }
  }

  void arm_read() {
    if (read_armed_ || closed_ || handler_ == nullptr || paused_) return;
    read_armed_ = true;
    socket_.async_wait(stream_descriptor::wait_read, [self = shared()](const error_code& error) {
      self->read_armed_ = false;
      if (error || self->closed_) return;
      self->read();
      if (self->write_wants_read_) self->send_queue();
    });
  }

  void send_queue() {
    if (closed_ || failed_) return;
    write_wants_read_ = false;
    while (!queue_.empty()) {
      std::string_view front = std::string_view(queue_.front()).substr(sent_);
      Wire::Step step = wire_->write(socket_.native_handle(), front);
      if (step.outcome == Wire::Outcome::kWantWrite) return arm_write();
      if (step.outcome == Wire::Outcome::kWantRead) {
        write_wants_read_ = true;
        return arm_read();
      }
      if (step.outcome != Wire::Outcome::kDone) return fail_later(std::move(step.error));
      sent_ += step.bytes;
      unsent_ -= step.bytes;
      if (sent_ == queue_.front().size()) {
        queue_.pop_front();
        sent_ = 0;
      }
    }
    if (!finishing_) return;
    wire_->finish(socket_.native_handle());
    if (closing_) close(false);
  }

  void arm_write() {
    if (write_armed_ || closed_) return;
    write_armed_ = true;
    socket_.async_wait(stream_descriptor::wait_write, [self = shared()](const error_code& error) {
      self->write_armed_ = false;
      if (error || self->closed_) return;
      bool waited = !self->queue_.empty();
      self->send_queue();
      if (waited && self->queue_.empty() && self->handler_ != nullptr) self->handler_->on_drained();
      if (!self->closed_) self->read_soon();  // TLS may have waited for this
    });
  }

  // The wire may hold bytes of its own; and nobody wants on_data() from inside a call.
  void read_soon() {
    if (read_armed_ || read_posted_ || paused_ || ended_ || closed_ || handler_ == nullptr) return;
    read_posted_ = true;
    reactor_.post([self = shared()] {
      self->read_posted_ = false;
      self->read();
    });
  }

  void fail_with(Error error) {
    if (failed_) return;
    failed_ = true;
    // Go's: "read tcp 127.0.0.1:54321->127.0.0.1:8300: read: connection reset by peer".
    bool reading = error.message.starts_with("read");
    error.message =
        std::string(reading ? "read" : "write") + " tcp " + local_ + "->" + peer_ + ": " + error.message;
    if (handler_ != nullptr) {
      handler_->on_error(error);
    } else {
      close(false);
    }
  }

  void fail_later(Error error) {
    reactor_.post([self = shared(), error = std::move(error)] {
      if (!self->closed_) self->fail_with(error);
    });
  }

  Reactor& reactor_;
  stream_descriptor socket_;
  std::unique_ptr<Wire> wire_;
  std::string peer_, local_;
  std::shared_ptr<void> permit_;
  std::string read_already_;
  Handler* handler_ = nullptr;
  std::deque<std::string> queue_;
  size_t sent_ = 0, unsent_ = 0;  // of the front; of all
  bool paused_ = true, ended_ = false, closed_ = false, failed_ = false;
  bool finishing_ = false, closing_ = false;  // FIN after the queue; and then close
  bool read_armed_ = false, read_posted_ = false, write_armed_ = false, write_wants_read_ = false;
};

// A connection that is being made.
class Dialing final : public std::enable_shared_from_this<Dialing> {
 public:
  using Done = std::function<void(Result<std::shared_ptr<Stream>>)>;

  Dialing(Reactor& reactor, std::string address, const DialOptions& options, Done done)
      : reactor_(reactor), address_(std::move(address)), options_(options), done_(std::move(done)) {}

  void start() {
    Status status = connect();
    if (!status)
      return reactor_.post(
          [self = shared_from_this(), error = status.error()] { self->finish(fail(error)); });
    timer_ = reactor_.after(options_.timeout, [self = shared_from_this()] {
      self->timer_ = 0;
      self->finish(fail(self->name() + ": i/o timeout", ErrorKind::kIo));
    });
    socket_->async_wait(stream_descriptor::wait_write, [self = shared_from_this()](const error_code& error) {
      if (!error) self->connected();
    });
  }

  void cancel() {
    done_ = nullptr;
    finish(fail(""));
  }

 private:
  std::string name() const {
    return "dial tcp " + (options_.source_ip.empty() ? "<nil>" : options_.source_ip + ":0") + "->" + address_;
  }
  Error errno_error() const { return io_error(name() + ": connect", errno); }

  Status connect() {
    TRY_ASSIGN(Address address, Address::parse(address_));
    SocketAddress to = to_socket(address);
    Descriptor fd(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) return fail(errno_error());
    set_options(fd.get());
    if (!options_.source_ip.empty()) {
      TRY_ASSIGN(IpAddress source, IpAddress::parse(options_.source_ip));
      SocketAddress from = to_socket({source, 0});
      int one = 1;
      ::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
      if (::bind(fd.get(), from.raw(), from.length) != 0) return fail(io_error(name() + ": bind", errno));
    }
    if (::connect(fd.get(), to.raw(), to.length) != 0 && errno != EINPROGRESS) return fail(errno_error());
    socket_.emplace(reactor_.context(), fd.release());
    return {};
  }

  void connected() {
    if (!done_) return;
    int number = 0;
    socklen_t length = sizeof number;
    ::getsockopt(socket_->native_handle(), SOL_SOCKET, SO_ERROR, &number, &length);
    if (number != 0) return finish(fail(io_error(name() + ": connect", number)));
    RawConnection connection{.socket = Descriptor(socket_->release()), .peer = address_};
    if (options_.make_wire) {
      auto wire = options_.make_wire(address_);
      if (!wire) return finish(fail(wire.error()));
      connection.wire = std::move(*wire);
    }
    finish(Stream::adopt(reactor_, std::move(connection)));
  }

  void finish(Result<std::shared_ptr<Stream>> result) {
    if (timer_ != 0) reactor_.cancel(std::exchange(timer_, 0));
    error_code ignored;
    if (socket_ && socket_->is_open()) socket_->close(ignored);
    Done done = std::exchange(done_, nullptr);
    if (done) done(std::move(result));
  }

  Reactor& reactor_;
  std::string address_;
  DialOptions options_;
  Done done_;
  std::optional<stream_descriptor> socket_;
  Reactor::TimerId timer_ = 0;
};

class SocketAcceptor final : public Acceptor {
 public:
  SocketAcceptor(Reactor& reactor, Descriptor socket, uint16_t port,
                 std::function<void(RawConnection)> accepted)
      : state_(std::make_shared<State>(reactor, std::move(socket), port, std::move(accepted))) {
    wait(state_);
  }
  ~SocketAcceptor() override {
    error_code ignored;
    state_->accepted = nullptr;
    state_->socket.close(ignored);
  }
  uint16_t port() const override { return state_->bound; }

 private:
  struct State {
    State(Reactor& on, Descriptor listening, uint16_t at, std::function<void(RawConnection)> callback)
        : reactor(on), socket(on.context(), listening.release()), bound(at), accepted(std::move(callback)) {}
    Reactor& reactor;
    stream_descriptor socket;
    uint16_t bound;
    std::function<void(RawConnection)> accepted;
  };

  static void wait(const std::shared_ptr<State>& state) {
    state->socket.async_wait(stream_descriptor::wait_read, [state](const error_code& error) {
      if (!error && state->accepted) accept_all(state);
    });
  }

  static void accept_all(const std::shared_ptr<State>& state) {
    for (int taken = 0; taken < 256 && state->accepted;) {
      SocketAddress peer;
      peer.length = sizeof peer.storage;
      Descriptor fd(
          ::accept4(state->socket.native_handle(), peer.raw(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd.get() < 0) {
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        // Out of descriptors, perhaps: later, without spinning.
        state->reactor.after(std::chrono::milliseconds(100), [state] {
          if (state->accepted) wait(state);
        });
        return;
      }
      ++taken;
      set_options(fd.get());
      state->accepted({.socket = std::move(fd), .peer = from_socket(peer.storage).text()});
    }
    if (state->accepted) wait(state);
  }

  std::shared_ptr<State> state_;
};

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::unique_ptr<Wire> plain_wire() { return std::make_unique<PlainWire>(); }

std::shared_ptr<Stream> Stream::adopt(Reactor& reactor, RawConnection connection) {
  return std::make_shared<SocketStream>(reactor, std::move(connection));
}

std::function<void()> dial(Reactor& reactor, const std::string& address, const DialOptions& options,
                           std::function<void(Result<std::shared_ptr<Stream>>)> done) {
  auto dialing = std::make_shared<Dialing>(reactor, address, options, std::move(done));
  dialing->start();
  return [weak = std::weak_ptr(dialing)] {
    if (auto self = weak.lock()) self->cancel();
  };
}

Result<std::unique_ptr<Acceptor>> Acceptor::listen(Reactor& reactor, const std::string& host, uint16_t port,
                                                   std::function<void(RawConnection)> accepted) {
  TRY_ASSIGN(IpAddress ip, IpAddress::parse(host));
  SocketAddress at = to_socket({ip, port});
  std::string name = "listen tcp " + Address{ip, port}.text();
  Descriptor fd(::socket(at.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return fail(io_error(name + ": socket", errno));
  int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(fd.get(), at.raw(), at.length) != 0 || ::listen(fd.get(), kBacklog) != 0)
    return fail(io_error(name + ": bind", errno));
  at.length = sizeof at.storage;
  ::getsockname(fd.get(), at.raw(), &at.length);
  uint16_t bound = from_socket(at.storage).port;
  return std::make_unique<SocketAcceptor>(reactor, std::move(fd), bound, std::move(accepted));
}

}  // namespace praetor::rpc
