// -retry-join and -retry-join-wan: asks for a join again and again until one works.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/pools.h"
#include "base/reactor.h"
#include "base/result.h"

namespace praetor::agent {

struct RetryJoinOptions {
  PoolName pool = PoolName::kLan;
  std::vector<std::string> addresses;
  Duration interval = std::chrono::seconds(30);
  int64_t max_attempts = 0;  // 0: for ever
};

// Everything on `reactor`, where it also is made and destroyed; the pools outlive it.
class RetryJoin : public std::enable_shared_from_this<RetryJoin> {
 public:
  // How it ended: joined, or `agent: max join LAN retry exhausted, exiting`. Once, and not after stop().
  using Done = std::function<void(Status)>;
  RetryJoin(Pools& pools, Reactor& reactor, RetryJoinOptions options, Done done);

  void start();
  void stop();

 private:
  void attempt();
  void ended(const Result<size_t>& joined);
  const char* cluster() const { return options_.pool == PoolName::kLan ? "LAN" : "WAN"; }

  Pools& pools_;
  Reactor& reactor_;
  const RetryJoinOptions options_;
  Done done_;
  int64_t attempts_ = 0;
  Reactor::TimerId timer_ = 0;
};

// The cloud provider that an address of -retry-join asks (`provider=aws tag_key=…`); empty: it is an address.
std::string cloud_provider_of(const std::string& address);

}  // namespace praetor::agent
