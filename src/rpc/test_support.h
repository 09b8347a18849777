// For tests: a listener, a pool and reactors; and a bare socket that knows nothing of protocols.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "base/test_patience.h"
#include "codec/msgpack.h"
#include "rpc/listener.h"
#include "rpc/pool.h"

namespace praetor::rpc {

// A blocking TCP client; every wait is bounded.
class BareSocket {
 public:
  explicit BareSocket(uint16_t port, const std::string& ip = "127.0.0.1")
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ::inet_pton(AF_INET, ip.c_str(), &to.sin_addr);
    timeval patience{kPatience.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~BareSocket() { close(); }
  BareSocket(const BareSocket&) = delete;
  BareSocket& operator=(const BareSocket&) = delete;

  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // So many bytes, or fewer at the end.
  std::string receive(size_t count) {
    std::string bytes(count, '\0');
    size_t got = 0;
    while (got < count) {
      ssize_t n = ::recv(fd_, bytes.data() + got, count - got, 0);
      if (n <= 0) break;
      got += static_cast<size_t>(n);
    }
    bytes.resize(got);
    return bytes;
  }
  std::string receive_all() {
    std::string all;
    for (std::string piece = receive(4096); !piece.empty(); piece = receive(4096)) all += piece;
    return all;
  }
  void finish() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
  bool connected_ = false;
};

// Answers "Echo" with its argument, "Fail" with its argument's text as the error, and keeps "Wait".
class TestHandler : public Handler {
 public:
  void call(CallPtr call) override {
    if (call->method() == "Echo") return call->respond(std::move(call->body()));
    if (call->method() == "Fail") {
      Cursor cursor(call->body());
      return call->respond(fail(std::string(codec::msgpack::get_text(cursor))));
    }
    if (call->method() == "Drop") return;
    call->on_cancel([this] { ++cancelled; });
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(call));
  }
  void snapshot(Reactor&, SnapshotCall call) override { on_snapshot(std::move(call)); }

  size_t waiting() {
    std::lock_guard lock(mutex_);
    return waiting_.size();
  }
  std::vector<CallPtr> take_waiting() {
    std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }
  std::atomic<int> cancelled{0};
  std::function<void(SnapshotCall)> on_snapshot;

 private:
  std::mutex mutex_;
  std::vector<CallPtr> waiting_;
};

// Two reactors for the listener's side and one for the pool's.
class RpcFixture {
 public:
  RpcFixture() {
    for (Reactor* reactor : {&server_a, &server_b, &client}) reactor->start();
    listen();
    connect();
  }
  ~RpcFixture() {
    pool.reset();
    listener.reset();
    handler.take_waiting();
    for (Reactor* reactor : {&server_a, &server_b, &client}) reactor->stop();
  }

  void listen(const std::function<void(ListenerOptions&)>& change = {}) {
    ListenerOptions options;
    options.host = "127.0.0.1";
    options.port = 0;
    options.reactors = {&server_a, &server_b};
    options.handler = &handler;
    if (change) change(options);
    auto started = Listener::start(std::move(options));
    if (!started) std::abort();
    listener = std::move(*started);
  }
  void connect(const std::function<void(PoolOptions&)>& change = {}) {
    PoolOptions options;
    options.reactors = {&client};
    if (change) change(options);
    pool = std::make_unique<Pool>(std::move(options));
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(listener->port()); }

  struct Answer {
    Pool::Ticket ticket;
    std::future<Result<std::string>> future;
    Result<std::string> get() {
      if (future.wait_for(kPatience) != std::future_status::ready) return fail("no answer came");
      return future.get();
    }
  };
  Answer start(const std::string& method, std::string body, Duration timeout = {}, std::string to = {}) {
    auto promise = std::make_shared<std::promise<Result<std::string>>>();
    Answer answer;
    answer.future = promise->get_future();
    answer.ticket =
        pool->call(client, to.empty() ? address() : to, method, std::move(body), timeout,
                   [promise](Result<std::string> result) { promise->set_value(std::move(result)); });
    return answer;
  }
  Result<std::string> call(const std::string& method, std::string body = "\x80") {
    return start(method, std::move(body)).get();
  }

  Reactor server_a{"server-a"}, server_b{"server-b"}, client{"client"};
  TestHandler handler;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Pool> pool;
};

}  // namespace praetor::rpc
