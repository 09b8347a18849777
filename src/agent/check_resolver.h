// Host names to addresses for health checks, without blocking the reactor: the system's resolver runs on a
// few worker threads. Questions for one name that arrive together share one lookup, and an answer serves the
// questions of the next second.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/reactor.h"

namespace praetor::agent {

struct ResolvedAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  int family() const { return storage.ss_family; }
  void set_port(uint16_t port);
  std::string text() const;  // 127.0.0.1:80, [::1]:80, or the path of a unix socket
};

struct Lookup {
  std::vector<ResolvedAddress> addresses;  // port 0, in the order to try; empty on failure
  std::string error;                       // Go's text: `lookup x on 10.0.0.1:53: no such host`
};

class CheckResolver {
 public:
  using Done = std::function<void(const Lookup&)>;
  using Ticket = uint64_t;

  explicit CheckResolver(Reactor& reactor);
  ~CheckResolver();  // pending questions are dropped; a lookup under way ends in its own time

  // On the reactor; `done` runs on it later, never from within. An address as host answers itself.
  Ticket resolve(const std::string& host, Done done);
  void cancel(Ticket ticket);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// The address that `text` spells, if it is one: 127.0.0.1, ::1, fe80::1%eth0.
bool parse_ip(const std::string& text, ResolvedAddress& out);

}  // namespace praetor::agent
