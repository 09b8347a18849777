// The HTTP/1.1 listener: accepts on TCP and unix sockets, hands connections to the reactors in turn, and
// gives each request to the handler on the connection's reactor. Keep-alive and pipelining: requests of one
// connection are answered in order, answers to pipelined requests leave together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/reactor.h"
#include "base/result.h"
#include "http/message.h"

namespace praetor::http {

// Limits, listed in docs/limits.md.
inline constexpr size_t kMaxHeaderBytes = 1 << 20;        // as Go's net/http
inline constexpr size_t kMaxChunkHeaderBytes = 64 << 10;  // of a chunk's line; also of the trailers
inline constexpr size_t kMaxBodyBytes = 1 << 30;          // a snapshot upload
inline constexpr size_t kMaxQueuedBytes = 8 << 20;        // of a streamed answer that is not read
inline constexpr Duration kHeaderTimeout = std::chrono::seconds(60);  // of a started request
inline constexpr Duration kIdleTimeout = std::chrono::minutes(30);    // between requests

struct ListenAddress {
  std::string host;  // IP address, or a path when is_unix
  uint16_t port = 0;
  bool is_unix = false;
  std::string unix_mode;              // octal text, or empty
  std::string unix_user, unix_group;  // numeric text, or empty
};

struct ListenerOptions {
  std::vector<ListenAddress> addresses;
  std::vector<Reactor*> reactors;             // not owned; must outlive the listener
  uint32_t max_connections_per_client = 200;  // 0: no limit
  // The body limit of a request, asked once its head is known: longer ones go to the handler with an empty
  // body and `declared_length` set, and the connection ends after the answer.
  std::function<uint64_t(const Request&)> body_limit;
  std::function<void(ExchangePtr)> handler;
};

class Listener {
 public:
  // Binds and listens; errors name the address.
  static Result<std::unique_ptr<Listener>> start(ListenerOptions options);
  ~Listener();                        // closes the listening sockets and all connections
  uint16_t port(size_t index) const;  // the bound port (for port 0 in tests)
  void set_max_connections_per_client(uint32_t limit);

 private:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace praetor::http
