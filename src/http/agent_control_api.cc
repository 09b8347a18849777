// /v1/agent: reload, leave, tokens (http-api.md 3).
#include "agent/agent.h"
#include "base/text.h"
#include "http/agent_api.h"

namespace praetor::http {
namespace {

void reload(const ApiContext& api, const ExchangePtr& exchange) {
  Status status = api.reload();
  status ? respond_empty(exchange) : respond_text(exchange, 500, status.error().message);
}

void leave(const ApiContext& api, const ExchangePtr& exchange) {
  api.leave([exchange] { exchange->reactor().post([exchange] { respond_empty(exchange); }); });
}

void set_token(const ApiContext& api, const ExchangePtr& exchange) {
  if (!api.acls_enabled) return respond_text(exchange, 401, "ACL support disabled");
  auto kind = agent::AgentTokens::parse_kind(exchange->request().argument);
  if (!kind) return respond_error(exchange, kind.error());
  respond_text(exchange, 501, "ACLs are not available in this version");
}

}  // namespace

void add_agent_control_routes(Router& router, const ApiContext& api) {
  auto add = [&](std::string pattern, void (*handler)(const ApiContext&, const ExchangePtr&)) {
    router.add(
        {std::move(pattern), {Method::kPut}, [&api, handler](const ExchangePtr& e) { handler(api, e); }});
  };
  add("/v1/agent/reload", reload);
  add("/v1/agent/leave", leave);
  add_agent_member_routes(router, api);
  add("/v1/agent/token/", set_token);
}

}  // namespace praetor::http
