// /v1/status (http-api.md 14).
#include "http/api.h"

namespace praetor::http {
namespace {

void leader(const ApiContext& api, const ExchangePtr& exchange) {
  if (!is_local(api, exchange)) return;
  respond_object(api, exchange, api.server->leader_address());
}

void peers(const ApiContext& api, const ExchangePtr& exchange) {
  if (!is_local(api, exchange)) return;
  codec::List<std::string> addresses;
  for (const raft::Server& server : api.server->raft().configuration().configuration.servers)
    addresses.push_back(server.address);
  respond_object(api, exchange, addresses);
}

}  // namespace

void add_status_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/status/leader", {Method::kGet}, [&api](const ExchangePtr& e) { leader(api, e); }});
  router.add({"/v1/status/peers", {Method::kGet}, [&api](const ExchangePtr& e) { peers(api, e); }});
}

}  // namespace praetor::http
