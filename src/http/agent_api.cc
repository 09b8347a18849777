#include "http/agent_api.h"

#include "agent/agent.h"

namespace praetor::http {

void on_agent(const ApiContext& api, const ExchangePtr& exchange,
              std::function<void(agent::Agent&, const ApiContext&, const ExchangePtr&)> work) {
  agent::Agent* agent = api.agent;
  agent->post([agent, &api, exchange, work = std::move(work)] { work(*agent, api, exchange); });
}

void back(const ExchangePtr& exchange, std::function<void()> task) {
  exchange->reactor().post(std::move(task));
}

void change_agent(const ApiContext& api, const ExchangePtr& exchange,
                  std::function<void(agent::Agent&, AgentDone)> change) {
  on_agent(api, exchange,
           [change = std::move(change)](agent::Agent& agent, const ApiContext&, const ExchangePtr& e) {
             change(agent, [e](Status status) {
               back(e, [e, status = std::move(status)] {
                 status ? respond_empty(e) : respond_error(e, status.error());
               });
             });
           });
}

void AgentRoutes::add(std::string pattern, Method method,
                      void (*handler)(const ApiContext&, const ExchangePtr&)) {
  router_.add({std::move(pattern), {method}, [&api = api_, handler](const ExchangePtr& exchange) {
                 if (Status ok = refuse_namespaces(exchange->request()); !ok)
                   return respond_error(exchange, ok.error());
                 handler(api, exchange);
               }});
}

}  // namespace praetor::http
