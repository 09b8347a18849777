// The agent's DNS side.
#pragma once

#include <memory>
#include <vector>

#include "agent/runtime_config.h"
#include "base/reactor.h"
#include "base/result.h"

namespace praetor::server {
class Server;
}

namespace praetor::daemon {

class DnsService {
 public:
  static Result<std::unique_ptr<DnsService>> start(const agent::RuntimeConfig& config, server::Server& server,
                                                   const std::vector<Reactor*>& reactors);
  ~DnsService();
  // A reload's settings, but for the addresses. What cannot be compiled leaves the old ones.
  Status set_config(const agent::RuntimeConfig& config);

 private:
  struct Impl;
  explicit DnsService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::daemon
