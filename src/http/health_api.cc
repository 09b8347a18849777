// /v1/health (http-api.md 9).
#include <algorithm>

#include "base/text.h"
#include "http/api.h"
#include "http/api_metrics.h"
#include "model/catalog.h"
#include "server/catalog.h"
#include "server/service_query_metrics.h"

namespace praetor::http {
namespace {

void fix_tags(codec::List<model::HealthCheck>& checks) {
  for (model::HealthCheck& check : checks)
    if (check.service_tags.empty()) check.service_tags.make_empty();
}

Result<Rendered> render_checks(model::IndexedHealthChecks& reply) {
  if (reply.health_checks.empty()) reply.health_checks.make_empty();
  fix_tags(reply.health_checks);
  return Rendered{.body = codec::to_json(reply.health_checks)};
}

void state(const ApiContext& api, const ExchangePtr& exchange) {
  model::ChecksInStateRequest request;
  if (!parse_read(api, exchange, request)) return;
  request.source = parse_source(exchange->request(), api.defaults);
  request.node_meta_filters = parse_node_meta(exchange->request());
  request.state = exchange->request().argument;
  if (missing_argument(exchange, "Missing check state")) return;
  read<model::ChecksInStateRequest, model::IndexedHealthChecks>(
      api, exchange, server::kHealthChecksInState, std::move(request), catalog_traits(), render_checks);
}

void node(const ApiContext& api, const ExchangePtr& exchange) {
  model::NodeSpecificRequest request;
  if (!parse_read(api, exchange, request) || missing_argument(exchange, "Missing node name")) return;
  request.node = exchange->request().argument;
  read<model::NodeSpecificRequest, model::IndexedHealthChecks>(
      api, exchange, server::kHealthNodeChecks, std::move(request), catalog_traits(), render_checks);
}

void service_checks(const ApiContext& api, const ExchangePtr& exchange) {
  model::ServiceSpecificRequest request;
  if (!parse_read(api, exchange, request) || missing_argument(exchange, "Missing service name")) return;
  request.source = parse_source(exchange->request(), api.defaults);
  request.node_meta_filters = parse_node_meta(exchange->request());
  request.service_name = exchange->request().argument;
  read<model::ServiceSpecificRequest, model::IndexedHealthChecks>(
      api, exchange, server::kHealthServiceChecks, std::move(request), catalog_traits(), render_checks);
}

bool all_passing(const model::CheckServiceNode& instance) {
  return std::all_of(instance.checks.begin(), instance.checks.end(),
                     [](const model::HealthCheck& check) { return check.status == model::kHealthPassing; });
}

enum class Flavour { kService, kConnect, kIngress };

const ReadTraits& traits_of(Flavour flavour, bool passing) {
  static const CacheCounters cache("health-services");
  static const server::ServiceQueryCounters connect("health.connect"), ingress("health.ingress");
  auto make = [](const server::ServiceQueryCounters& services, bool filters) {
    ReadTraits traits = cached_catalog_traits();
    traits.cache_counters = &cache;
    traits.service_counters = &services;
    traits.filters_result = filters;
    return traits;
  };
  static const auto& service = server::ServiceQueryCounters::health();
  static const ReadTraits all[3][2] = {{make(service, false), make(service, true)},
                                       {make(connect, false), make(connect, true)},
                                       {make(ingress, false), make(ingress, true)}};
  return all[static_cast<size_t>(flavour)][passing ? 1 : 0];
}

void service_nodes(const ApiContext& api, const ExchangePtr& exchange, Flavour flavour) {
  const Request& http = exchange->request();
  model::ServiceSpecificRequest request;
  request.connect = flavour == Flavour::kConnect;
  request.ingress = flavour == Flavour::kIngress;
  if (!parse_read(api, exchange, request)) return;
  request.source = parse_source(http, api.defaults);
  request.node_meta_filters = parse_node_meta(http);
  for (std::string_view tag : http.parameters("tag")) request.service_tags.emplace_back(tag);
  request.tag_filter = http.has("tag");
  request.service_name = http.argument;
  if (missing_argument(exchange, "Missing service name")) return;
  bool passing = http.has("passing");
  if (std::string_view value = http.parameter("passing"); !value.empty()) {
    auto parsed = parse_bool(value);
    if (!parsed) return respond_text(exchange, 400, "Invalid value for ?passing");
    passing = *parsed;
  }
  read<model::ServiceSpecificRequest, model::IndexedCheckServiceNodes>(
      api, exchange, server::kHealthServiceNodes, std::move(request), traits_of(flavour, passing),
      [passing](model::IndexedCheckServiceNodes& reply) -> Result<Rendered> {
        if (passing) std::erase_if(reply.nodes, [](const auto& instance) { return !all_passing(instance); });
        if (reply.nodes.empty()) reply.nodes.make_empty();
        for (model::CheckServiceNode& instance : reply.nodes) {
          if (instance.checks.empty()) instance.checks.make_empty();
          fix_tags(instance.checks);
          if (instance.service && instance.service->tags.empty()) instance.service->tags.make_empty();
        }
        return Rendered{.body = codec::to_json(reply.nodes)};
      });
}

}  // namespace

void add_health_routes(Router& router, const ApiContext& api) {
  using Function = void (*)(const ApiContext&, const ExchangePtr&);
  auto add = [&](std::string pattern, Function function) {
    router.add({std::move(pattern), {Method::kGet}, [&api, function](const ExchangePtr& exchange) {
                  if (Status ok = refuse_namespaces(exchange->request()); !ok)
                    return respond_error(exchange, ok.error());
                  function(api, exchange);
                }});
  };
  add("/v1/health/node/", node);
  add("/v1/health/checks/", service_checks);
  add("/v1/health/state/", state);
  add("/v1/health/service/",
      [](const ApiContext& a, const ExchangePtr& e) { service_nodes(a, e, Flavour::kService); });
  add("/v1/health/connect/",
      [](const ApiContext& a, const ExchangePtr& e) { service_nodes(a, e, Flavour::kConnect); });
  add("/v1/health/ingress/",
      [](const ApiContext& a, const ExchangePtr& e) { service_nodes(a, e, Flavour::kIngress); });
}

}  // namespace praetor::http
