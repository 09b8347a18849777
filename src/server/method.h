// The methods of a server: the name that an endpoint has on the wire (wire.md 5.9), its request and reply,
// and the function behind it. The same constant names the endpoint for HTTP, DNS, the agent itself and port
// 8300; a Gateway (gateway.h) decides where it runs.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "model/common.h"
#include "server/read.h"

namespace praetor {
class Reactor;
}

namespace praetor::server {

class Server;

// A read over the store; it may block and may be stale. Request has `datacenter` and `options`, Reply has
// `meta`.
template <typename Request, typename Reply>
struct ReadMethod {
  std::string_view name;
  ReadFunction<Request, Reply> function;
};

enum class Place : uint8_t {
  kLeader,     // of the datacenter that the request names
  kReadable,   // as a read: the leader, or any server when the request allows stale answers
  kAnyServer,  // whichever server of the datacenter was asked
};

// Everything else: writes, and what is not in the store. `done` is called once, on the reactor. Request has
// `datacenter`, and `options` where the place is kReadable.
template <typename Request, typename Reply>
struct CallMethod {
  std::string_view name;
  void (*function)(Server&, Reactor&, Request, std::function<void(Result<Reply>)> done);
  Place place = Place::kLeader;
};

using model::Nothing;

// For functions that end in a Status.
inline std::function<void(Status)> without_reply(std::function<void(Result<Nothing>)> done) {
  return [done = std::move(done)](Status status) {
    if (!status) return done(std::unexpected(std::move(status.error())));
    done(Nothing{});
  };
}

}  // namespace praetor::server
