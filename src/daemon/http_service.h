// The agent's HTTP side: routes and listeners.
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

class HttpService {
 public:
  static Result<std::unique_ptr<HttpService>> start(const agent::RuntimeConfig& config, server::Server& server,
                                                    const std::vector<Reactor*>& reactors);
  ~HttpService();

 private:
  struct Impl;
  explicit HttpService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::daemon
