// /v1/operator (http-api.md 11).
#include "base/text.h"
#include "http/api.h"
#include "model/agent.h"
#include "model/operator.h"
#include "server/autopilot.h"
#include "server/endpoint_metrics.h"
#include "server/operator.h"
#include "store/store.h"

namespace praetor::http {
namespace {

void raft_configuration(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  server::count_rpc();
  call(api, exchange, server::kOperatorRaftGetConfiguration, std::move(request),
       [&api, exchange](const model::RaftConfigurationResponse& reply) {
         respond_object(api, exchange, reply);
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
  server::count_rpc();
  model::RaftRemovePeerRequest request{
      write_datacenter(api, http), address, id, {parse_token(http, api.defaults)}};
  call(api, exchange,
       id.empty() ? server::kOperatorRaftRemovePeerByAddress : server::kOperatorRaftRemovePeerById,
       std::move(request), [exchange](const server::Nothing&) { respond_empty(exchange); });
}

void get_autopilot(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  server::count_rpc();
  call(api, exchange, server::kOperatorAutopilotGetConfiguration, std::move(request),
       [&api, exchange](const model::AutopilotConfig& reply) { respond_object(api, exchange, reply); });
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
  server::count_rpc();
  request.datacenter = write_datacenter(api, exchange->request());
  request.write.token = parse_token(exchange->request(), api.defaults);
  call(api, exchange, server::kOperatorAutopilotSetConfiguration, std::move(request),
       [&api, exchange](bool done) { respond_json(api, exchange, done ? "true" : "false"); });
}

void autopilot_health(const ApiContext& api, const ExchangePtr& exchange) {
  server::count_rpc();
  model::DCSpecificRequest request;
  request.datacenter = write_datacenter(api, exchange->request());
  call(api, exchange, server::kOperatorServerHealth, std::move(request),
       [&api, exchange](const model::WireOperatorHealth& reply) {
         model::OperatorHealth health = model::from_wire(reply);
         respond_json(api, exchange, codec::to_json(health), health.healthy ? 200 : 429);
       });
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
