// /v1/agent/check and /v1/agent/checks (http-api.md 3).
#include "agent/agent.h"
#include "agent/agent_views.h"
#include "base/text.h"
#include "http/agent_api.h"
#include "server/filtering.h"

namespace praetor::http {
namespace {

// As 1.8.7 filters here: only a faulty syntax is known before the first check is looked at.
Status filter_checks(const std::string& expression, codec::Map<model::HealthCheck>& checks) {
  bool none = checks.empty();
  Status filtered = server::apply_filter(expression, checks);
  constexpr std::string_view kPrefix = "Failed to create boolean expression evaluator: ";
  if (filtered || !filtered.error().message.starts_with(kPrefix)) return filtered;
  std::string why = filtered.error().message.substr(kPrefix.size());
  if (!why.empty() && why[0] >= '0' && why[0] <= '9') return filtered;  // line and column
  return none ? Status() : fail(std::move(why));
}

void list(const ApiContext& api, const ExchangePtr& exchange) {
  std::string filter(exchange->request().parameter("filter"));
  on_agent(api, exchange, [filter](agent::Agent& agent, const ApiContext& context, const ExchangePtr& e) {
    codec::Map<model::HealthCheck> checks;
    checks.make_empty();
    agent.state().for_each_check([&](const agent::LocalCheck& local) {
      checks[local.check.check_id] = agent::agent_check(local.check);
    });
    Status filtered = filter_checks(filter, checks);
    std::string json = codec::to_json(checks);
    back(e, [&context, e, filtered, json] {
      if (!filtered) return respond_error(e, filtered.error());
      respond_json(context, e, json);
    });
  });
}

void register_check(const ApiContext& api, const ExchangePtr& exchange) {
  auto definition = std::make_shared<agent::CheckDefinition>();
  if (!parse_body(exchange, *definition, true, "Request decode failed: ")) return;
  if (definition->token.empty()) definition->token = parse_token(exchange->request(), api.defaults);
  change_agent(api, exchange, [definition](agent::Agent& agent, AgentDone done) {
    agent.add_check(*definition, agent::Source::kApi, std::move(done));
  });
}

void deregister_check(const ApiContext& api, const ExchangePtr& exchange) {
  change_agent(api, exchange, [id = exchange->request().argument](agent::Agent& agent, AgentDone done) {
    agent.remove_check(id, std::move(done));
  });
}

void report(const ApiContext& api, const ExchangePtr& exchange, const char* status) {
  const Request& http = exchange->request();
  change_agent(
      api, exchange,
      [id = http.argument, status, note = std::string(http.parameter("note"))](
          agent::Agent& agent, AgentDone done) { agent.update_ttl(id, status, note, std::move(done)); });
}

struct UpdateBody {
  std::string status;
  std::string output;
};
PRAETOR_DESCRIBED(UpdateBody)
PRAETOR_DESCRIBE(UpdateBody, "agent.checkUpdate", field("Status", &UpdateBody::status),
                 field("Output", &UpdateBody::output))

void update(const ApiContext& api, const ExchangePtr& exchange) {
  auto body = std::make_shared<UpdateBody>();
  if (!parse_body(exchange, *body, true, "Request decode failed: ")) return;
  if (!agent::is_valid_check_status(body->status))
    return respond_text(exchange, 400, "Invalid check status: '" + body->status + "'");
  change_agent(api, exchange, [id = exchange->request().argument, body](agent::Agent& agent, AgentDone done) {
    agent.update_ttl(id, body->status, body->output, std::move(done));
  });
}

}  // namespace

void add_agent_check_routes(Router& router, const ApiContext& api) {
  AgentRoutes routes(router, api);
  routes.add("/v1/agent/checks", Method::kGet, list);
  routes.add("/v1/agent/check/register", Method::kPut, register_check);
  routes.add("/v1/agent/check/deregister/", Method::kPut, deregister_check);
  routes.add("/v1/agent/check/pass/", Method::kPut,
             [](const ApiContext& a, const ExchangePtr& e) { report(a, e, model::kHealthPassing); });
  routes.add("/v1/agent/check/warn/", Method::kPut,
             [](const ApiContext& a, const ExchangePtr& e) { report(a, e, model::kHealthWarning); });
  routes.add("/v1/agent/check/fail/", Method::kPut,
             [](const ApiContext& a, const ExchangePtr& e) { report(a, e, model::kHealthCritical); });
  routes.add("/v1/agent/check/update/", Method::kPut, update);
}

}  // namespace praetor::http
