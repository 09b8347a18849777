// What the /v1/agent endpoints share: the agent lives on a reactor of its own, so that a request goes there
// and its answer comes back.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/reactor.h"
#include "http/api.h"

namespace praetor::agent {
class Agent;
}

namespace praetor::http {

// Runs `work` on the agent's reactor.
void on_agent(const ApiContext& api, const ExchangePtr& exchange,
              std::function<void(agent::Agent&, const ApiContext&, const ExchangePtr&)> work);
// Runs `task` on the connection's reactor.
void back(const ExchangePtr& exchange, std::function<void()> task);
// A change of the agent, answered with an empty 200 or its error once `change` calls what it is given.
using AgentDone = std::function<void(Status)>;
void change_agent(const ApiContext& api, const ExchangePtr& exchange,
                  std::function<void(agent::Agent&, AgentDone)> change);

// Adds routes that parse namespaces.
class AgentRoutes {
 public:
  AgentRoutes(Router& router, const ApiContext& api) : router_(router), api_(api) {}
  void add(std::string pattern, Method method, void (*handler)(const ApiContext&, const ExchangePtr&));

 private:
  Router& router_;
  const ApiContext& api_;
};

void add_agent_service_routes(Router& router, const ApiContext& api);
void add_agent_check_routes(Router& router, const ApiContext& api);
void add_agent_member_routes(Router& router, const ApiContext& api);
void add_agent_health_routes(Router& router, const ApiContext& api);

}  // namespace praetor::http
