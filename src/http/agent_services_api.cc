// /v1/agent/service and the maintenance of services and node (http-api.md 3).
#include "agent/agent.h"
#include "agent/agent_views.h"
#include "base/text.h"
#include "http/agent_api.h"
#include "server/filtering.h"

namespace praetor::http {
namespace {

void list(const ApiContext& api, const ExchangePtr& exchange) {
  std::string filter(exchange->request().parameter("filter"));
  on_agent(api, exchange, [filter](agent::Agent& agent, const ApiContext& context, const ExchangePtr& e) {
    codec::Map<agent::AgentService> services;
    services.make_empty();
    agent.state().for_each_service([&](const agent::LocalService& local) {
      services[local.service.id] = agent::agent_service(local.service);
    });
    Status filtered = server::apply_filter(filter, services);
    std::string json = codec::to_json(services);
    back(e, [&context, e, filtered, json] {
      if (!filtered) return respond_error(e, filtered.error());
      respond_json(context, e, json);
    });
  });
}

// GET /v1/agent/service/:id, which waits while the content is the one that `hash` names.
struct OneService : std::enable_shared_from_this<OneService> {
  const ApiContext& api;
  ExchangePtr exchange;
  std::string id, hash;
  Instant deadline;

  OneService(const ApiContext& a, ExchangePtr e, const model::QueryOptions& options)
      : api(a), exchange(std::move(e)) {
    const Request& http = exchange->request();
    id = http.argument;
    hash = std::string(http.parameter("hash"));
    deadline = system_clock().now() + api.gateway->blocking_time(options);
  }

  // On the agent's reactor.
  void look(agent::Agent& agent) {
    const agent::LocalService* local = agent.state().service(id);
    if (!local) {
      return back(exchange,
                  [e = exchange, unknown = id] { respond_text(e, 404, "unknown service ID: " + unknown); });
    }
    agent::AgentService service = agent::agent_service_with_hash(local->service);
    Duration left = deadline - system_clock().now();
    if (hash != service.content_hash || left <= Duration(0)) return answer(service);
    auto self = shared_from_this();
    auto looked = std::make_shared<bool>(false);
    auto again = [self, looked, &agent] {
      if (!std::exchange(*looked, true)) self->look(agent);
    };
    agent.notify([&agent, again] { agent.post(again); });
    agent.after(left, again);
  }

  void answer(const agent::AgentService& service) {
    back(exchange,
         [&context = api, e = exchange, json = codec::to_json(service), tag = service.content_hash] {
           Response response = Response::text(200, render_document(context, e->request(), json));
           response.set("Content-Type", "application/json");
           response.set("X-Consul-Contenthash", tag);
           e->respond(std::move(response));
         });
  }
};

void one(const ApiContext& api, const ExchangePtr& exchange) {
  model::QueryOptions options;
  if (Status waits = parse_blocking(exchange->request(), options); !waits)
    return respond_error(exchange, waits.error());
  auto query = std::make_shared<OneService>(api, exchange, options);
  on_agent(api, exchange,
           [query](agent::Agent& agent, const ApiContext&, const ExchangePtr&) { query->look(agent); });
}

void register_service(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  bool replace = http.has("replace-existing-checks");
  if (std::string_view value = http.parameter("replace-existing-checks"); !value.empty())
    replace = value == "true";
  auto definition = std::make_shared<agent::ServiceDefinition>();
  if (!parse_body(exchange, *definition, true, "Request decode failed: ")) return;
  if (definition->token.empty()) definition->token = parse_token(http, api.defaults);
  change_agent(api, exchange, [definition, replace](agent::Agent& agent, AgentDone done) {
    agent.add_service(*definition, agent::Source::kApi, replace, std::move(done));
  });
}

void deregister_service(const ApiContext& api, const ExchangePtr& exchange) {
  change_agent(api, exchange, [id = exchange->request().argument](agent::Agent& agent, AgentDone done) {
    agent.remove_service(id, std::move(done));
  });
}

// The `enable` parameter; answers when it is missing or wrong.
bool parse_enable(const ExchangePtr& exchange, bool& enable) {
  const Request& http = exchange->request();
  if (!http.has("enable")) {
    respond_text(exchange, 400, "Missing value for enable");
    return false;
  }
  auto parsed = parse_bool(http.parameter("enable"));
  if (parsed) enable = *parsed;
  if (!parsed) respond_text(exchange, 400, "Invalid value for enable: " + go_quote(http.parameter("enable")));
  return parsed.has_value();
}

void service_maintenance(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  if (http.argument.empty()) return respond_text(exchange, 400, "Missing service ID");
  bool enable = false;
  if (!parse_enable(exchange, enable)) return;
  change_agent(api, exchange,
               [id = http.argument, enable, reason = std::string(http.parameter("reason")),
                token = parse_token(http, api.defaults)](agent::Agent& agent, AgentDone done) {
                 agent.set_service_maintenance(id, enable, reason, token, std::move(done));
               });
}

void node_maintenance(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  bool enable = false;
  if (!parse_enable(exchange, enable)) return;
  change_agent(api, exchange,
               [enable, reason = std::string(http.parameter("reason")),
                token = parse_token(http, api.defaults)](agent::Agent& agent, AgentDone done) {
                 agent.set_node_maintenance(enable, reason, token, std::move(done));
               });
}

}  // namespace

void add_agent_service_routes(Router& router, const ApiContext& api) {
  AgentRoutes routes(router, api);
  routes.add("/v1/agent/services", Method::kGet, list);
  routes.add("/v1/agent/service/", Method::kGet, one);
  routes.add("/v1/agent/service/register", Method::kPut, register_service);
  routes.add("/v1/agent/service/deregister/", Method::kPut, deregister_service);
  routes.add("/v1/agent/service/maintenance/", Method::kPut, service_maintenance);
  // The node is of no namespace: ?ns is not looked at.
  router.add(
      {"/v1/agent/maintenance", {Method::kPut}, [&api](const ExchangePtr& e) { node_maintenance(api, e); }});
}

}  // namespace praetor::http
