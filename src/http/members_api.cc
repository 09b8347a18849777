// /v1/agent/members, join, force-leave: the pools of this agent (http-api.md 3).
#include "agent/member.h"
#include "agent/pools.h"
#include "agent/runtime_config.h"
#include "http/agent_api.h"

namespace praetor::http {
namespace {

using agent::PoolName;

// ?wan with any value.
PoolName pool_of(const Request& request) {
  return request.parameter("wan").empty() ? PoolName::kLan : PoolName::kWan;
}

void members(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  PoolName pool = pool_of(http);
  std::string segment(http.parameter("segment"));
  bool named = !segment.empty() && segment != "_all";
  if (pool == PoolName::kWan && named)
    return respond_text(exchange, 400, "Cannot provide a segment with wan=true");
  if (named && api.pools->is_server())
    return respond_text(exchange, 500, "Network segments are not supported in this version of Consul");
  if (named) return respond_text(exchange, 500, "segment \"" + segment + "\" not found");
  codec::List<agent::Member> list;
  for (const gossip::MemberPtr& member : *api.pools->members(pool))
    list.push_back(agent::api_member(*member));
  respond_object(api, exchange, list);
}

void join(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  PoolName pool = pool_of(http);
  if (pool == PoolName::kWan && !api.pools->is_server())
    return respond_text(exchange, 500, "Must be a server to join WAN cluster");
  api.pools->join(pool, {http.argument}, exchange->reactor(), [exchange](const Result<size_t>& joined) {
    joined ? respond_empty(exchange) : respond_error(exchange, joined.error());
  });
}

void force_leave(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  api.pools->force_leave(http.argument, http.has("prune"), exchange->reactor(),
                         [exchange](const Status& left) {
                           left ? respond_empty(exchange) : respond_error(exchange, left.error());
                         });
}

}  // namespace

void add_agent_member_routes(Router& router, const ApiContext& api) {
  auto add = [&](std::string pattern, Method method, void (*handler)(const ApiContext&, const ExchangePtr&)) {
    router.add({std::move(pattern), {method}, [&api, handler](const ExchangePtr& e) { handler(api, e); }});
  };
  add("/v1/agent/members", Method::kGet, members);
  add("/v1/agent/join/", Method::kPut, join);
  add("/v1/agent/force-leave/", Method::kPut, force_leave);
}

}  // namespace praetor::http
