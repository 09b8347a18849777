// /v1/operator (http-api.md 11).
#include "base/text.h"
#include "http/api.h"
#include "model/agent.h"
#include "model/operator.h"
#include "server/autopilot.h"
#include "server/leader_duties.h"
#include "server/operator.h"
#include "store/store.h"

namespace praetor::http {
namespace {

void raft_configuration(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request) || !is_local(api, exchange)) return;
  api.server->when_readable(exchange->reactor(), request.options, [&api, exchange](Status status) {
    if (!status) return respond_error(exchange, status.error());
    respond_object(api, exchange, server::raft_configuration(*api.server));
  });
}

void remove_peer(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  std::string id(http.parameter("id")), address(http.parameter("address"));
  if (id.empty() && address.empty())
    return respond_text(
        exchange, 400,
        "Bad request: Must specify either ?id with the server's ID or ?address with IP:port of peer "
        "to remove");
  if (!id.empty() && !address.empty())
    return respond_text(exchange, 400, "Bad request: Must specify only one of ?id or ?address");
  if (!is_local(api, exchange)) return;
  server::raft_remove_peer(*api.server, exchange->reactor(), id, address, [exchange](Status status) {
    if (!status) return respond_error(exchange, status.error());
    respond_empty(exchange);
  });
}

void get_autopilot(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request) || !is_local(api, exchange)) return;
  api.server->when_readable(exchange->reactor(), request.options, [&api, exchange](Status status) {
    if (!status) return respond_error(exchange, status.error());
    auto config = server::autopilot_config(*api.server->store().view());
    if (!config) return respond_text(exchange, 500, "autopilot config not initialized yet");
    respond_object(api, exchange, *config);
  });
}

void put_autopilot(const ApiContext& api, const ExchangePtr& exchange) {
  model::AutopilotSetConfigRequest request;
  if (!parse_body(exchange, request.config, true, "Bad request: Error parsing autopilot config: ")) return;
  request.config.indexes = {};
  if (std::string_view cas = exchange->request().parameter("cas"); !cas.empty()) {
    auto index = parse_uint(cas);
    if (!index)
      return respond_text(exchange, 400, "Bad request: Error parsing cas value: " + index.error().message);
    request.cas = true;
    request.config.indexes.modify_index = *index;
  }
  if (!is_local(api, exchange)) return;
  request.datacenter = api.defaults.datacenter;
  request.write.token = parse_token(exchange->request(), api.defaults);
  server::autopilot_set_config(*api.server, exchange->reactor(), request,
                               [&api, exchange](Result<bool> done) {
                                 if (!done) return respond_error(exchange, done.error());
                                 respond_json(api, exchange, *done ? "true" : "false");
                               });
}

void autopilot_health(const ApiContext& api, const ExchangePtr& exchange) {
  if (!is_local(api, exchange)) return;
  model::OperatorHealth health =
      server::autopilot_health(*api.server, api.server->leader_duties().leading_since());
  respond_json(api, exchange, codec::to_json(health), health.healthy ? 200 : 429);
}

}  // namespace

void add_operator_routes(Router& router, const ApiContext& api) {
  using Function = void (*)(const ApiContext&, const ExchangePtr&);
  auto add = [&](std::string pattern, std::vector<Method> methods, Function function) {
    router.add({std::move(pattern), std::move(methods),
                [&api, function](const ExchangePtr& e) { function(api, e); }});
  };
  add("/v1/operator/raft/configuration", {Method::kGet}, raft_configuration);
  add("/v1/operator/raft/peer", {Method::kDelete}, remove_peer);
  add_keyring_route(router, api);
  add("/v1/operator/autopilot/configuration", {Method::kGet, Method::kPut},
      [](const ApiContext& a, const ExchangePtr& e) {
        e->request().method == Method::kGet ? get_autopilot(a, e) : put_autopilot(a, e);
      });
  add("/v1/operator/autopilot/health", {Method::kGet}, autopilot_health);
}

}  // namespace praetor::http
