// /v1/internal/ui: what the web UI asks (http-api.md 15).
#include "http/api.h"
#include "model/ui.h"
#include "server/internal_ui.h"

namespace praetor::http {
namespace {

void nodes(const ApiContext& api, const ExchangePtr& exchange) {
  model::NodeSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  read<model::NodeSpecificRequest, model::IndexedNodeDump>(
      api, exchange, server::kInternalNodeDump, std::move(request), {.stale_without_leader = true},
      [](model::IndexedNodeDump& reply) -> Result<Rendered> {
        if (reply.dump.empty()) reply.dump.make_empty();
        return Rendered{.body = codec::to_json(reply.dump)};
      });
}

void node(const ApiContext& api, const ExchangePtr& exchange) {
  model::NodeSpecificRequest request;
  if (!parse_read(api, exchange, request) || missing_argument(exchange, "Missing node name")) return;
  request.node = exchange->request().argument;
  read<model::NodeSpecificRequest, model::IndexedNodeDump>(
      api, exchange, server::kInternalNodeInfo, std::move(request),
      {.bare_missing = true, .stale_without_leader = true},
      [](model::IndexedNodeDump& reply) -> Result<Rendered> {
        if (reply.dump.empty()) return Rendered{"", 404, ""};
        return Rendered{.body = codec::to_json(reply.dump.front())};
      });
}

void services(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  read<model::DCSpecificRequest, model::IndexedCheckServiceNodes>(
      api, exchange, server::kInternalServiceDump, std::move(request), {.stale_without_leader = true},
      [](model::IndexedCheckServiceNodes& reply) -> Result<Rendered> {
        return Rendered{.body = codec::to_json(server::summarize_services(reply.nodes))};
      });
}

// Gateways come with the service mesh; until then none is bound to a service.
void gateway_services(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request) || missing_argument(exchange, "Missing gateway name")) return;
  static constexpr server::ReadMethod<model::DCSpecificRequest, model::IndexedCheckServiceNodes> kNone{
      "Internal.GatewayServiceDump",
      [](server::ReadContext&, const model::DCSpecificRequest&, model::IndexedCheckServiceNodes&) -> Status {
        return {};
      }};
  read<model::DCSpecificRequest, model::IndexedCheckServiceNodes>(
      api, exchange, kNone, std::move(request), {},
      [](model::IndexedCheckServiceNodes&) -> Result<Rendered> { return Rendered{.body = "[]"}; });
}

}  // namespace

void add_internal_routes(Router& router, const ApiContext& api) {
  using Function = void (*)(const ApiContext&, const ExchangePtr&);
  auto add = [&](std::string pattern, Function function) {
    router.add({std::move(pattern), {Method::kGet}, [&api, function](const ExchangePtr& exchange) {
                  if (Status ok = refuse_namespaces(exchange->request()); !ok)
                    return respond_error(exchange, ok.error());
                  function(api, exchange);
                }});
  };
  add("/v1/internal/ui/nodes", nodes);
  add("/v1/internal/ui/node/", node);
  add("/v1/internal/ui/services", services);
  add("/v1/internal/ui/gateway-services-nodes/", gateway_services);
}

}  // namespace praetor::http
