// The agent's DNS side.
#pragma once

#include <memory>
#include <vector>

#include "agent/runtime_config.h"
#include "base/reactor.h"
#include "base/result.h"

namespace praetor::server {
class Gateway;
}

namespace praetor::daemon {

class DnsService {
 public:
  static Result<std::unique_ptr<DnsService>> start(const agent::RuntimeConfig& config,
                                                   server::Gateway& gateway,
                                                   const std::vector<Reactor*>& reactors);
  ~DnsService();
  // Reload; any thread. After an error the old answers stay.
  Status set_config(const agent::RuntimeConfig& config);

 private:
  struct Impl;
  explicit DnsService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::daemon
