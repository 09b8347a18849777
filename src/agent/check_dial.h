// Opens TCP connections (and unix sockets) for health checks as Go's dialer does: several addresses in turn,
// the other address family 300 ms later, and Go's error texts. Everything on the reactor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/check_resolver.h"
#include "base/reactor.h"

namespace praetor::agent {

struct DialResult {
  int fd = -1;           // connected, non-blocking, owned by the receiver
  std::string error;     // `dial tcp 127.0.0.1:1: connect: connection refused`
  ResolvedAddress peer;  // when connected
};

// A connection attempt. Destroying it cancels it: no call of `done` after that.
class Dial {
 public:
  virtual ~Dial() = default;
};

using DialDone = std::function<void(const DialResult&)>;

// `done` runs once, later. `timeout` ends with `dial tcp <first address>: i/o timeout`.
std::unique_ptr<Dial> dial_tcp(Reactor& reactor, CheckResolver& resolver, const std::string& host_port,
                               Duration timeout, DialDone done);
std::unique_ptr<Dial> dial_unix(Reactor& reactor, const std::string& path, Duration timeout, DialDone done);

}  // namespace praetor::agent
