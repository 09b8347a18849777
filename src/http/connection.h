// One HTTP/1.1 connection. Internal to the HTTP adapter (listener.cc and connection.cc).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/reactor.h"
#include "http/listener.h"
#include "http/message.h"

namespace praetor::http {

// Shared by the listener and its connections: a closed connection can outlive the listener, in an operation
// that the reactor has not ended yet.
struct ConnectionOptions {
  std::function<uint64_t(const Request&)> body_limit;
  std::function<void(ExchangePtr)> handler;
  std::function<void(const std::string& remote_ip)> on_closed;
  bool compress = true;
};

// Everything on the connection's reactor. Kept alive by its pending operations and its exchange.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void start() = 0;
  virtual void close() = 0;
  virtual bool expired(Instant now) const = 0;  // idle or slow for longer than the limits allow
  virtual bool closed() const = 0;
};

// Takes over the accepted socket `fd` of address family `family`.
std::shared_ptr<Connection> make_connection(int fd, int family, Reactor& reactor,
                                            std::shared_ptr<const ConnectionOptions> options,
                                            std::string remote_ip);

}  // namespace praetor::http
