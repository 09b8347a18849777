// The agent's HTTP side: routes and listeners.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "agent/runtime_config.h"
#include "base/reactor.h"
#include "base/result.h"
#include "model/agent.h"

namespace praetor::server {
class Gateway;
class Server;
}  // namespace praetor::server
namespace praetor::agent {
class Agent;
class Pools;
class UserEvents;
}  // namespace praetor::agent

namespace praetor::daemon {

// What the routes need; everything outlives the service.
struct HttpDependencies {
  std::function<std::shared_ptr<const agent::RuntimeConfig>()> config;
  server::Gateway* gateway = nullptr;
  server::Server* server = nullptr;  // null on a client agent
  agent::Agent* agent = nullptr;
  agent::UserEvents* events = nullptr;
  agent::Pools* pools = nullptr;
  // PUT /v1/agent/reload and /v1/agent/leave (which calls back, on any thread, when the agent has left).
  std::function<Status()> reload;
  std::function<void(std::function<void()>)> leave;
};

class HttpService {
 public:
  static Result<std::unique_ptr<HttpService>> start(HttpDependencies dependencies,
                                                    const std::vector<Reactor*>& reactors);
  ~HttpService();
  // Reload; any thread.
  void set_config(const agent::RuntimeConfig& config);

 private:
  struct Impl;
  explicit HttpService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::daemon
