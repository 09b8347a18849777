// /v1/status and /v1/operator/raft (http-api.md 11, 14).
#include "http/api.h"

#include "base/text.h"
#include "model/agent.h"
#include "server/endpoint_metrics.h"
#include "server/operator.h"

namespace praetor::http {
namespace {

bool local(const ApiContext& api, const ExchangePtr& exchange) {
  server::count_rpc();
  Status status = check_datacenter(api, write_datacenter(api, exchange->request()));
  if (!status) respond_error(exchange, status.error());
  return status.has_value();
}

void leader(const ApiContext& api, const ExchangePtr& exchange) {
  if (!local(api, exchange)) return;
  respond_object(api, exchange, api.server->leader_address());
}

void peers(const ApiContext& api, const ExchangePtr& exchange) {
  if (!local(api, exchange)) return;
  codec::List<std::string> addresses;
  for (const raft::Server& server : api.server->raft().configuration().configuration.servers)
    addresses.push_back(server.address);
  respond_object(api, exchange, addresses);
}

void raft_configuration(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request) || !local(api, exchange)) return;
  api.server->when_readable(exchange->reactor(), request.options, [&api, exchange](Status status) {
    if (!status) return respond_error(exchange, status.error());
    respond_object(api, exchange, server::raft_configuration(*api.server));
  });
}

void remove_peer(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  std::string id(http.parameter("id")), address(http.parameter("address"));
  if (id.empty() && address.empty())
    return respond_text(exchange, 400,
                        "Bad request: Must specify either ?id with the server's ID or ?address with IP:port of peer "
                        "to remove");
  if (!id.empty() && !address.empty())
    return respond_text(exchange, 400, "Bad request: Must specify only one of ?id or ?address");
  if (!local(api, exchange)) return;
  server::raft_remove_peer(*api.server, exchange->reactor(), id, address, [exchange](Status status) {
    if (!status) return respond_error(exchange, status.error());
    respond_empty(exchange);
  });
}

}  // namespace

void add_status_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/status/leader", {Method::kGet}, [&api](const ExchangePtr& e) { leader(api, e); }});
  router.add({"/v1/status/peers", {Method::kGet}, [&api](const ExchangePtr& e) { peers(api, e); }});
}

void add_operator_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/operator/raft/configuration", {Method::kGet}, [&api](const ExchangePtr& e) { raft_configuration(api, e); }});
  router.add({"/v1/operator/raft/peer", {Method::kDelete}, [&api](const ExchangePtr& e) { remove_peer(api, e); }});
}

}  // namespace praetor::http
