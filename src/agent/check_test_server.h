// Small servers and a reactor for the tests of the check adapters.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/check_probe.h"
#include "agent/check_script.h"
#include "base/test_patience.h"
#include "base/text.h"

namespace praetor::agent {

// Listens on loopback and serves one connection after the other, each with `handle` (which need not close
// it).
class TestServer {
 public:
  explicit TestServer(std::function<void(int fd)> handle, int family = AF_INET)
      : handle_(std::move(handle)), listener_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage address{};
    socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    address.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) reinterpret_cast<sockaddr_in*>(&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (family == AF_INET6) reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr = in6addr_loopback;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 64), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TestServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() {
    while (true) {
      int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      timeval limit{5, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      handle_(fd);
      ::close(fd);
    }
  }

  std::function<void(int fd)> handle_;
  int listener_;
  uint16_t port_ = 0;
  std::thread thread_;
};

inline void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

// Reads one HTTP request, head and body.
inline std::string receive_request(int fd) {
  std::string text;
  char buffer[4096];
  while (true) {
    size_t end = text.find("\r\n\r\n");
    if (end != std::string::npos) {
      size_t at = text.find("Content-Length: ");
      size_t length = at < end ? std::stoul(text.substr(at + 16)) : 0;
      if (text.size() >= end + 4 + length) return text;
    }
    ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) return text;
    text.append(buffer, static_cast<size_t>(got));
  }
}

// Waits until the client closes.
inline void wait_for_close(int fd) {
  char buffer[256];
  while (::recv(fd, buffer, sizeof buffer, 0) > 0) {
  }
}

// Answers requests by path with canned bytes and remembers what it was asked.
class TestHttpServer {
 public:
  using Answer = std::function<std::string(const std::string& path)>;
  explicit TestHttpServer(Answer answer)
      : answer_(std::move(answer)), server_([this](int fd) {
          std::string request = receive_request(fd);
          if (request.empty()) return;
          {
            std::lock_guard lock(mutex_);
            requests_.push_back(request);
          }
          size_t start = request.find(' ') + 1;
          std::string path = request.substr(start, request.find(' ', start) - start);
          std::string reply = answer_(path);
          if (reply == "hang") return wait_for_close(fd);
          bool hang_after = reply.ends_with("<hang>");
          send_all(fd, hang_after ? reply.substr(0, reply.size() - 6) : reply);
          if (hang_after) wait_for_close(fd);
        }) {}
  std::string url(const std::string& path) const { return "http://" + server_.address() + path; }
  std::string address() const { return server_.address(); }
  uint16_t port() const { return server_.port(); }
  std::vector<std::string> requests() {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  Answer answer_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  TestServer server_;
};

// A reactor with what probes need; runs one probe at a time.
struct ProbeFixture : testing::Test {
  ProbeFixture() : reactor("test") {
    reactor.start();
    on_reactor([this] {
      resolver = std::make_unique<CheckResolver>(reactor);
      scripts = std::make_unique<ScriptHost>(reactor);
      env = std::make_unique<ProbeEnv>(ProbeEnv{reactor, *resolver, tls, *scripts, ""});
    });
  }
  ~ProbeFixture() override {
    on_reactor([this] {
      env.reset();
      scripts.reset();
      resolver.reset();
    });
    reactor.stop();
  }

  void on_reactor(std::function<void()> task) {
    std::promise<void> done;
    reactor.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  using Make = std::unique_ptr<Probe> (*)(const CheckSpec&, ProbeEnv&);
  CheckResult probe(Make make, const CheckSpec& spec) {
    std::promise<CheckResult> promise;
    std::unique_ptr<Probe> made;
    on_reactor([&] {
      made = make(spec, *env);
      made->run([&](CheckResult result) { promise.set_value(std::move(result)); });
    });
    auto future = promise.get_future();
    CheckResult result{CheckStatus::kWarning, "no result in time"};
    if (future.wait_for(kPatience) == std::future_status::ready) result = future.get();
    on_reactor([&] { made.reset(); });
    return result;
  }

  Reactor reactor;
  TlsContexts tls;
  std::unique_ptr<CheckResolver> resolver;
  std::unique_ptr<ScriptHost> scripts;
  std::unique_ptr<ProbeEnv> env;
};

}  // namespace praetor::agent
