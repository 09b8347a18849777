// What the endpoints measure (docs/telemetry.md): requests of this agent to the servers, and how long writes
// take until they are answered.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/metrics.h"

namespace praetor::server {

// A request to the servers, from HTTP, DNS or the agent itself.
inline void count_rpc() {
  static const Counter requests("client.rpc");
  requests.add();
}

// One that reads the state, and may wait for it to change.
inline void count_query() {
  static const Counter queries("rpc.query");
  count_rpc();
  queries.add();
}

// `done`, measured from now until it is called.
template <typename Outcome>
std::function<void(Outcome)> timed(const Sample& sample, std::function<void(Outcome)> done) {
  return [&sample, start = system_clock().now(), done = std::move(done)](Outcome outcome) {
    sample.since(start);
    done(std::move(outcome));
  };
}

}  // namespace praetor::server
