// /v1/agent/health/service: the aggregated health of this agent's services, as JSON or one word
// (http-api.md 3).
#include "agent/agent.h"
#include "agent/agent_views.h"
#include "base/text.h"
#include "http/agent_api.h"

namespace praetor::http {
namespace {

// A check as these endpoints show it: the form of Consul's Go client, which knows less of a definition and
// leaves nothing out.
struct ClientDefinition {
  Duration interval{0}, timeout{0}, deregister_after{0};
  std::string http, method, body, tcp;
  codec::Map<codec::List<std::string>> header;
  bool tls_skip_verify = false;
};
PRAETOR_DESCRIBED(ClientDefinition)
PRAETOR_DESCRIBE(
    ClientDefinition, "HealthCheckDefinition",
    field("Interval", &ClientDefinition::interval).flag(codec::kDurationText),
    field("Timeout", &ClientDefinition::timeout).flag(codec::kDurationText),
    field("DeregisterCriticalServiceAfter", &ClientDefinition::deregister_after).flag(codec::kDurationText),
    field("HTTP", &ClientDefinition::http), field("Header", &ClientDefinition::header),
    field("Method", &ClientDefinition::method), field("Body", &ClientDefinition::body),
    field("TLSSkipVerify", &ClientDefinition::tls_skip_verify), field("TCP", &ClientDefinition::tcp))

struct ClientCheck {
  std::string node, check_id, name, status, notes, output, service_id, service_name;
  codec::List<std::string> service_tags;
  std::string type;
  ClientDefinition definition;
  uint64_t create_index = 0, modify_index = 0;
};
PRAETOR_DESCRIBED(ClientCheck)
PRAETOR_DESCRIBE(ClientCheck, "HealthCheck", field("Node", &ClientCheck::node),
                 field("CheckID", &ClientCheck::check_id), field("Name", &ClientCheck::name),
                 field("Status", &ClientCheck::status), field("Notes", &ClientCheck::notes),
                 field("Output", &ClientCheck::output), field("ServiceID", &ClientCheck::service_id),
                 field("ServiceName", &ClientCheck::service_name),
                 field("ServiceTags", &ClientCheck::service_tags), field("Type", &ClientCheck::type),
                 field("Definition", &ClientCheck::definition),
                 field("CreateIndex", &ClientCheck::create_index),
                 field("ModifyIndex", &ClientCheck::modify_index))

// 1.8.7 fills in neither tags nor type nor definition here.
ClientCheck client_check(const model::HealthCheck& check) {
  ClientCheck out;
  out.node = check.node;
  out.check_id = check.check_id;
  out.name = check.name;
  out.status = check.status;
  out.notes = check.notes;
  out.output = check.output;
  out.service_id = check.service_id;
  out.service_name = check.service_name;
  return out;
}

struct ServiceHealth {
  std::string aggregated_status;
  codec::Box<agent::AgentService> service;
  codec::List<ClientCheck> checks;
};
PRAETOR_DESCRIBED(ServiceHealth)
PRAETOR_DESCRIBE(ServiceHealth, "AgentServiceChecksInfo",
                 field("AggregatedStatus", &ServiceHealth::aggregated_status),
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
      health.checks.push_back(client_check(local->check));
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

// What was asked about is not there. Where text was asked for, one of the two endpoints sends its message as
// a JSON string, as Consul does.
void not_found(const ApiContext& api, const ExchangePtr& exchange, const std::string& message,
               const std::string& json, bool quote_text) {
  bool text = wants_text(exchange->request());
  Response response;
  response.status = 404;
  response.body = render_document(api, exchange->request(), text ? codec::to_json(message) : json);
  bool plain = text && !quote_text;
  if (plain) response.body = message;
  response.set("Content-Type", plain ? "text/plain" : "application/json");
  response.set("X-Consul-Reason", message);
  exchange->respond(std::move(response));
}

void by_id(const ApiContext& api, const ExchangePtr& exchange) {
  std::string id = exchange->request().argument;
  if (id.empty()) return respond_text(exchange, 500, "Bad request: Missing serviceID");
  on_agent(api, exchange, [id](agent::Agent& agent, const ApiContext& context, const ExchangePtr& e) {
    const agent::LocalService* local = agent.state().service(id);
    ServiceHealth health;
    if (local) health = health_of(agent, local->service);
    back(e, [&context, e, id, found = local != nullptr, health] {
      if (found)
        return answer(context, e, code_of(health.aggregated_status), health.aggregated_status,
                      codec::to_json(health));
      ServiceHealth missing;
      missing.aggregated_status = model::kHealthCritical;
      not_found(context, e, "ServiceId " + id + " not found", codec::to_json(missing), true);
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
      if (code_of(status) > code || (code_of(status) == code && status == model::kHealthMaintenance))
        worst = status;
      code = std::max(code, code_of(status));
    });
    back(e, [&context, e, name, list, worst, code] {
      if (list.empty()) return not_found(context, e, "ServiceName " + name + " Not Found", "[]", false);
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
