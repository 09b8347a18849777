// /v1/agent/health/service: the aggregated health of this agent's services, as JSON or one word
// (http-api.md 3).
#include "agent/agent.h"
#include "agent/agent_views.h"
#include "base/text.h"
#include "http/agent_api.h"

namespace praetor::http {
namespace {

struct ServiceHealth {
  std::string aggregated_status;
  codec::Box<agent::AgentService> service;
  codec::List<model::HealthCheck> checks;
};
PRAETOR_DESCRIBED(ServiceHealth)
PRAETOR_DESCRIBE(ServiceHealth, "AgentServiceChecksInfo", field("AggregatedStatus", &ServiceHealth::aggregated_status),
                 field("Service", &ServiceHealth::service), field("Checks", &ServiceHealth::checks))

bool wants_text(const Request& http) {
  return http.parameter("format") == "text" || contains(http.header("Accept"), "text/plain");
}

int code_of(std::string_view status) {
  if (status == model::kHealthPassing) return 200;
  return status == model::kHealthWarning ? 429 : 503;
}

ServiceHealth health_of(const agent::Agent& agent, const model::NodeService& service) {
  ServiceHealth health;
  agent::AggregatedStatus status;
  for (std::string_view owner : {std::string_view(service.id), std::string_view()}) {
    for (const agent::LocalCheck* local : agent.state().checks_of(owner)) {
      status.add(local->check.check_id, local->check.status);
      health.checks.push_back(agent::agent_check(local->check));
    }
  }
  health.aggregated_status = std::string(status.text());
  health.service = agent::agent_service(service);
  return health;
}

void answer(const ApiContext& api, const ExchangePtr& exchange, int code, const std::string& status,
            const std::string& json) {
  Response response;
  response.status = code;
  bool text = wants_text(exchange->request());
  response.body = text ? status : render_document(api, exchange->request(), json);
  response.set("Content-Type", text ? "text/plain" : "application/json");
  response.set("X-Consul-Reason", status);
  exchange->respond(std::move(response));
}

// Text was asked for, and what was asked about is not there: the message is a JSON string.
void not_found(const ApiContext& api, const ExchangePtr& exchange, const std::string& message, const std::string& json) {
  bool text = wants_text(exchange->request());
  respond_json(api, exchange, text ? codec::to_json(message) : json, 404);
}

void by_id(const ApiContext& api, const ExchangePtr& exchange) {
  std::string id = exchange->request().argument;
  if (id.empty()) return respond_text(exchange, 500, "Bad request: Missing serviceID");
  on_agent(api, exchange, [id](agent::Agent& agent, const ApiContext& context, const ExchangePtr& e) {
    const agent::LocalService* local = agent.state().service(id);
    ServiceHealth health;
    if (local) health = health_of(agent, local->service);
    back(e, [&context, e, id, found = local != nullptr, health] {
      if (found) return answer(context, e, code_of(health.aggregated_status), health.aggregated_status, codec::to_json(health));
      ServiceHealth missing;
      missing.aggregated_status = model::kHealthCritical;
      not_found(context, e, "ServiceId " + id + " not found", codec::to_json(missing));
    });
  });
}

void by_name(const ApiContext& api, const ExchangePtr& exchange) {
  std::string name = exchange->request().argument;
  if (name.empty()) return respond_text(exchange, 500, "Bad request: Missing service Name");
  on_agent(api, exchange, [name](agent::Agent& agent, const ApiContext& context, const ExchangePtr& e) {
    codec::List<ServiceHealth> list;
    list.make_empty();
    std::string worst = model::kHealthPassing;
    int code = 200;
    agent.state().for_each_service([&](const agent::LocalService& local) {
      if (local.service.service != name) return;
      list.push_back(health_of(agent, local.service));
      const std::string& status = list.back().aggregated_status;
      if (code_of(status) > code || (code_of(status) == code && status == model::kHealthMaintenance)) worst = status;
      code = std::max(code, code_of(status));
    });
    back(e, [&context, e, name, list, worst, code] {
      if (list.empty()) return not_found(context, e, "ServiceName " + name + " Not Found", "[]");
      answer(context, e, code, worst, codec::to_json(list));
    });
  });
}

}  // namespace

void add_agent_health_routes(Router& router, const ApiContext& api) {
  AgentRoutes routes(router, api);
  routes.add("/v1/agent/health/service/id/", Method::kGet, by_id);
  routes.add("/v1/agent/health/service/name/", Method::kGet, by_name);
}

}  // namespace praetor::http
