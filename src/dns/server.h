// The DNS listeners: UDP and TCP on every address, one socket of each a reactor (SO_REUSEPORT), so that the
// kernel spreads clients over the cores and nothing is shared between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "dns/answer.h"
#include "dns/backend.h"
#include "dns/config.h"

namespace boost::asio {
class io_context;
}

namespace praetor::dns {

// Limits, listed in docs/limits.md.
inline constexpr size_t kUdpBatch = 32;              // datagrams taken by one system call
inline constexpr size_t kMaxUdpQueryBytes = 4'096;   // longer ones are dropped
inline constexpr size_t kMaxTcpConnections = 4'096;  // per reactor and address; more are closed at once
inline constexpr size_t kMaxTcpInFlight = 128;       // waiting queries of one connection, then it is not read
inline constexpr size_t kMaxTcpUnsentBytes = 1 << 20;  // of answers to one connection, then it is not read
inline constexpr Duration kTcpIdleTimeout = std::chrono::seconds(8);  // between queries
inline constexpr Duration kTcpMessageTimeout =
    std::chrono::seconds(2);  // of a started query, or a stuck write

struct ListenAddress {
  std::string ip;
  uint16_t port = 0;
};

// What a batch of queries did; sent by the reactor that answered it.
struct Sample {
  uint64_t queries = 0;
  Duration elapsed{0};    // for all of them together
  AnswerCounters totals;  // of this reactor, since it started
};

class Server {
 public:
  // One entry a reactor. A backend may be the same for all if it can be called from several threads; it must
  // complete on the reactor that asked.
  struct Worker {
    boost::asio::io_context* reactor = nullptr;
    Backend* backend = nullptr;
  };
  struct Options {
    std::vector<ListenAddress> addresses;
    std::vector<Worker> workers;
    std::shared_ptr<const CompiledConfig> config;
    std::function<void(const Sample&)> on_sample;  // may be empty; called on the reactors
  };

  // Binds everything, or nothing: errors name the address. The reactors need not run yet.
  static Result<std::unique_ptr<Server>> start(Options options);
  // Closes all sockets. The reactors must have stopped, or this must be their thread (of a single one).
  ~Server();

  // Any thread; takes effect for the queries that arrive after.
  void set_config(const std::shared_ptr<const CompiledConfig>& config);
  uint16_t port(size_t address) const;  // the bound port (for port 0 in tests)

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::dns
