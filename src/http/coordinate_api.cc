// /v1/coordinate (http-api.md 6).
#include "agent/runtime_config.h"
#include "http/api.h"
#include "model/agent.h"
#include "server/coordinates.h"
#include "server/datacenters.h"
#include "server/endpoint_metrics.h"

namespace praetor::http {
namespace {

using Coordinates = model::IndexedCoordinates;

// The servers of the WAN pool, by datacenter; a client agent asks a server.
void datacenters(const ApiContext& api, const ExchangePtr& exchange) {
  server::count_rpc();
  call(api, exchange, server::kCoordinateListDatacenters, server::Nothing{},
       [&api, exchange](codec::List<model::DatacenterMap> maps) {
         if (maps.empty()) maps.make_empty();
         for (model::DatacenterMap& map : maps)
           if (map.coordinates.empty()) map.coordinates.make_empty();
         respond_object(api, exchange, maps);
       });
}

// ?segment keeps those of one segment.
auto segment_filter(const Request& request) {
  return [segment = std::string(request.parameter("segment")),
          given = request.has("segment")](Coordinates& reply) {
    codec::List<model::Coordinate> kept;
    kept.make_empty();
    for (model::Coordinate& each : reply.coordinates)
      if (!given || each.segment == segment) kept.push_back(std::move(each));
    return kept;
  };
}

void nodes(const ApiContext& api, const ExchangePtr& exchange) {
  model::NodeSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  read<model::NodeSpecificRequest, Coordinates>(
      api, exchange, server::kCoordinateListNodes, std::move(request), {},
      [keep = segment_filter(exchange->request())](Coordinates& reply) -> Result<Rendered> {
        return Rendered{.body = codec::to_json(keep(reply))};
      });
}

void node(const ApiContext& api, const ExchangePtr& exchange) {
  model::NodeSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  request.node = exchange->request().argument;
  if (request.node.empty()) return exchange->respond(Response{.status = 404});
  read<model::NodeSpecificRequest, Coordinates>(
      api, exchange, server::kCoordinateNode, std::move(request), {.bare_missing = true},
      [keep = segment_filter(exchange->request())](Coordinates& reply) -> Result<Rendered> {
        auto kept = keep(reply);
        if (kept.empty()) return Rendered{"", 404, ""};
        return Rendered{.body = codec::to_json(kept)};
      });
}

void update(const ApiContext& api, const ExchangePtr& exchange) {
  model::CoordinateUpdateRequest body;
  if (!parse_body(exchange, body, true, "Request decode failed: ")) return;
  body.datacenter = write_datacenter(api, exchange->request());
  call(api, exchange, server::kCoordinateUpdate, std::move(body),
       [exchange](const server::Nothing&) { respond_empty(exchange); });
}

}  // namespace

void add_coordinate_routes(Router& router, const ApiContext& api) {
  using Function = void (*)(const ApiContext&, const ExchangePtr&);
  bool disabled = api.config()->disable_coordinates;
  auto add = [&](std::string pattern, Method method, Function function) {
    router.add({std::move(pattern), {method}, [&api, function, disabled](const ExchangePtr& exchange) {
                  if (disabled) return respond_text(exchange, 401, "Coordinate support disabled");
                  function(api, exchange);
                }});
  };
  add("/v1/coordinate/datacenters", Method::kGet, datacenters);
  add("/v1/coordinate/nodes", Method::kGet, nodes);
  add("/v1/coordinate/node/", Method::kGet, node);
  add("/v1/coordinate/update", Method::kPut, update);
}

}  // namespace praetor::http
