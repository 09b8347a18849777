// /v1/catalog (http-api.md 4).
#include "http/api.h"
#include "http/api_metrics.h"
#include "model/catalog.h"
#include "server/catalog.h"
#include "server/endpoint_metrics.h"
#include "server/service_query_metrics.h"

namespace praetor::http {
namespace {

// How an endpoint of this area is answered and counted.
ReadTraits counted(const EndpointCounters& counters, const CacheCounters* cache = nullptr,
                   const server::ServiceQueryCounters* services = nullptr) {
  ReadTraits traits = cache ? cached_catalog_traits() : catalog_traits();
  traits.counters = &counters;
  traits.cache_counters = cache;
  traits.service_counters = services;
  return traits;
}

template <typename Body, typename RequestType>
void write(const ApiContext& api, const ExchangePtr& exchange, const EndpointCounters& counters,
           const server::CallMethod<RequestType, server::Nothing>& method) {
  counters.requests.add();
  Body body;
  if (Status read = codec::read_json(exchange->request().body, body, {.reject_unknown = true}); !read) {
    std::string text = "Request decode failed: " + read.error().message;
    if (text.ends_with("unknown field \"Namespace\""))
      text += " - Namespaces are a Consul Enterprise feature";
    return respond_text(exchange, 400, std::move(text));
  }
  if (body.datacenter.empty()) body.datacenter = api.defaults.datacenter;
  std::string token = parse_token(exchange->request(), api.defaults);
  if (!token.empty()) body.write.token = token;
  api.gateway->call<RequestType, server::Nothing>(exchange->reactor(), method, std::move(body),
                                                  [&api, exchange, &counters](Result<server::Nothing> done) {
                                                    counters.count_outcome(done.has_value());
                                                    if (!done) return respond_error(exchange, done.error());
                                                    respond_json(api, exchange, "true");
                                                  });
}

void register_node(const ApiContext& api, const ExchangePtr& exchange) {
  static const EndpointCounters counters("catalog_register");
  write<model::RegisterRequest>(api, exchange, counters, server::kCatalogRegister);
}

// The body may also carry an address, which says nothing.
struct DeregisterBody : model::DeregisterRequest {
  std::string address;
};
PRAETOR_DESCRIBED(DeregisterBody)
PRAETOR_DESCRIBE(DeregisterBody, "DeregisterRequest",
                 own_json_decoder().go_type("struct { Address string; *structs.Alias }"),
                 field("Datacenter", &DeregisterBody::datacenter), field("Node", &DeregisterBody::node),
                 field("Address", &DeregisterBody::address), field("ServiceID", &DeregisterBody::service_id),
                 field("CheckID", &DeregisterBody::check_id), embedded(&DeregisterBody::write))

void deregister(const ApiContext& api, const ExchangePtr& exchange) {
  static const EndpointCounters counters("catalog_deregister");
  write<DeregisterBody>(api, exchange, counters, server::kCatalogDeregister);
}

void datacenters(const ApiContext& api, const ExchangePtr& exchange) {
  static const EndpointCounters counters("catalog_datacenters");
  static const CacheCounters cache("catalog-datacenters");
  counters.requests.add();
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  api.gateway->list_datacenters(exchange->reactor(), [&api, exchange, options = request.options](
                                                         Result<codec::List<std::string>> names) {
    counters.count_outcome(names.has_value());
    if (!names) return respond_error(exchange, names.error());
    const Request& asked = exchange->request();
    Response response = Response::text(200, render_document(api, asked, codec::to_json(*names)));
    response.set("Content-Type", "application/json");
    bool hit = set_cache_headers(api, asked, options, response);
    if (options.use_cache && api.use_cache) cache.count(hit);
    if (!hit) server::count_rpc();
    exchange->respond(std::move(response));
  });
}

template <typename List>
Result<Rendered> render_list(List& items) {
  if (items.empty()) items.make_empty();
  return Rendered{.body = codec::to_json(items)};
}

void nodes(const ApiContext& api, const ExchangePtr& exchange) {
  static const EndpointCounters counters("catalog_nodes");
  static const ReadTraits traits = counted(counters);
  counters.requests.add();
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  request.source = parse_source(exchange->request(), api.defaults);
  request.node_meta_filters = parse_node_meta(exchange->request());
  read<model::DCSpecificRequest, model::IndexedNodes>(
      api, exchange, server::kCatalogListNodes, std::move(request), traits,
      [](model::IndexedNodes& reply) { return render_list(reply.nodes); });
}

void services(const ApiContext& api, const ExchangePtr& exchange) {
  static const EndpointCounters counters("catalog_services");
  static const CacheCounters cache("catalog-list-services");
  static const ReadTraits traits = counted(counters, &cache);
  counters.requests.add();
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  request.node_meta_filters = parse_node_meta(exchange->request());
  read<model::DCSpecificRequest, model::IndexedServices>(api, exchange, server::kCatalogListServices,
                                                         std::move(request), traits,
                                                         [](model::IndexedServices& reply) {
                                                           for (auto& [name, tags] : reply.services)
                                                             if (tags.empty()) tags.make_empty();
                                                           return render_list(reply.services);
                                                         });
}

void service_nodes(const ApiContext& api, const ExchangePtr& exchange, bool connect) {
  static const CacheCounters cache("catalog-services");
  static const EndpointCounters counters("catalog_service_nodes"),
      connect_counters("catalog_connect_service_nodes", "catalog_service_nodes");
  static const server::ServiceQueryCounters services("catalog.service"), connects("catalog.connect");
  static const ReadTraits traits = counted(counters, &cache, &services),
                          connect_traits = counted(connect_counters, &cache, &connects);
  (connect ? connect_counters : counters).requests.add();
  const Request& http = exchange->request();
  model::ServiceSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  request.source = parse_source(http, api.defaults);
  request.node_meta_filters = parse_node_meta(http);
  request.connect = connect;
  for (std::string_view tag : http.parameters("tag")) request.service_tags.emplace_back(tag);
  request.tag_filter = http.has("tag");
  request.service_name = http.argument;
  if (missing_argument(exchange, "Missing service name")) return;
  read<model::ServiceSpecificRequest, model::IndexedServiceNodes>(
      api, exchange, server::kCatalogServiceNodes, std::move(request), connect ? connect_traits : traits,
      [](model::IndexedServiceNodes& reply) {
        for (model::ServiceNode& node : reply.service_nodes) {
          if (node.service_tags.empty()) node.service_tags.make_empty();
          if (node.service_meta.empty()) node.service_meta.make_empty();
        }
        return render_list(reply.service_nodes);
      });
}

bool parse_node(const ApiContext& api, const ExchangePtr& exchange, model::NodeSpecificRequest& request) {
  if (!parse_read(api, exchange, request)) return false;
  request.node = exchange->request().argument;
  return !missing_argument(exchange, "Missing node name");
}

void node_services(const ApiContext& api, const ExchangePtr& exchange) {
  static const EndpointCounters counters("catalog_node_services");
  static const ReadTraits traits = counted(counters);
  counters.requests.add();
  model::NodeSpecificRequest request;
  if (!parse_node(api, exchange, request)) return;
  read<model::NodeSpecificRequest, model::IndexedNodeServices>(
      api, exchange, server::kCatalogNodeServices, std::move(request), traits,
      [](model::IndexedNodeServices& reply) -> Result<Rendered> {
        if (reply.node_services)
          for (auto& [id, service] : reply.node_services->services)
            if (service.tags.empty()) service.tags.make_empty();
        return Rendered{.body = codec::to_json(reply.node_services)};
      });
}

void node_service_list(const ApiContext& api, const ExchangePtr& exchange) {
  static const EndpointCounters counters("catalog_node_service_list");
  static const ReadTraits traits = counted(counters);
  counters.requests.add();
  model::NodeSpecificRequest request;
  if (!parse_node(api, exchange, request)) return;
  read<model::NodeSpecificRequest, model::IndexedNodeServiceList>(
      api, exchange, server::kCatalogNodeServiceList, std::move(request), traits,
      [](model::IndexedNodeServiceList& reply) -> Result<Rendered> {
        for (model::NodeService& service : reply.node_services.services)
          if (service.tags.empty()) service.tags.make_empty();
        return Rendered{.body = codec::to_json(reply.node_services)};
      });
}

void gateway_services(const ApiContext& api, const ExchangePtr& exchange) {
  static const EndpointCounters counters("catalog_gateway_services");
  static const ReadTraits traits = counted(counters);
  counters.requests.add();
  model::NodeSpecificRequest request;
  if (!parse_read(api, exchange, request) || missing_argument(exchange, "Missing gateway name")) return;
  // Gateways come with the service mesh; until then none is bound to a service.
  static constexpr server::ReadMethod<model::NodeSpecificRequest, model::IndexedNodes> kNone{
      "Catalog.GatewayServices",
      [](server::ReadContext&, const model::NodeSpecificRequest&, model::IndexedNodes&) -> Status {
        return {};
      }};
  read<model::NodeSpecificRequest, model::IndexedNodes>(
      api, exchange, kNone, std::move(request), traits,
      [](model::IndexedNodes&) -> Result<Rendered> { return Rendered{.body = "null"}; });
}

}  // namespace

void add_catalog_routes(Router& router, const ApiContext& api) {
  using Function = void (*)(const ApiContext&, const ExchangePtr&);
  auto add = [&](std::string pattern, Method method, Function function) {
    router.add({std::move(pattern), {method}, [&api, function](const ExchangePtr& exchange) {
                  if (Status ok = refuse_namespaces(exchange->request()); !ok)
                    return respond_error(exchange, ok.error());
                  function(api, exchange);
                }});
  };
  add("/v1/catalog/register", Method::kPut, register_node);
  add("/v1/catalog/deregister", Method::kPut, deregister);
  // Datacenters and nodes are of no namespace: ?ns is not looked at.
  router.add(
      {"/v1/catalog/datacenters", {Method::kGet}, [&api](const ExchangePtr& e) { datacenters(api, e); }});
  router.add({"/v1/catalog/nodes", {Method::kGet}, [&api](const ExchangePtr& e) { nodes(api, e); }});
  add("/v1/catalog/services", Method::kGet, services);
  add("/v1/catalog/service/", Method::kGet,
      [](const ApiContext& a, const ExchangePtr& e) { service_nodes(a, e, false); });
  add("/v1/catalog/connect/", Method::kGet,
      [](const ApiContext& a, const ExchangePtr& e) { service_nodes(a, e, true); });
  add("/v1/catalog/node/", Method::kGet, node_services);
  add("/v1/catalog/node-services/", Method::kGet, node_service_list);
  add("/v1/catalog/gateway-services/", Method::kGet, gateway_services);
}

}  // namespace praetor::http
