// /v1/status (http-api.md 14).
#include "http/api.h"
#include "server/endpoint_metrics.h"
#include "server/status.h"

namespace praetor::http {
namespace {

void leader(const ApiContext& api, const ExchangePtr& exchange) {
  server::count_rpc();
  model::DCSpecificRequest request;
  request.datacenter = write_datacenter(api, exchange->request());
  call(api, exchange, server::kStatusLeader, std::move(request),
       [&api, exchange](const std::string& address) { respond_object(api, exchange, address); });
}

void peers(const ApiContext& api, const ExchangePtr& exchange) {
  server::count_rpc();
  model::DCSpecificRequest request;
  request.datacenter = write_datacenter(api, exchange->request());
  call(api, exchange, server::kStatusPeers, std::move(request),
       [&api, exchange](const server::Addresses& addresses) { respond_object(api, exchange, addresses); });
}

}  // namespace

void add_status_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/status/leader", {Method::kGet}, [&api](const ExchangePtr& e) { leader(api, e); }});
  router.add({"/v1/status/peers", {Method::kGet}, [&api](const ExchangePtr& e) { peers(api, e); }});
}

}  // namespace praetor::http
