// /v1/operator (http-api.md 11).
#include "base/text.h"
#include "http/api.h"
#include "model/agent.h"
#include "model/operator.h"
#include "server/endpoint_metrics.h"
#include "server/autopilot.h"
#include "server/operator.h"
#include "store/store.h"

namespace praetor::http {
namespace {

void raft_configuration(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  server::count_rpc();
  call(api, exchange, server::kOperatorRaftGetConfiguration, std::move(request),
       [&api, exchange](const model::RaftConfigurationResponse& reply) { respond_object(api, exchange, reply); });
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
  model::RaftRemovePeerRequest request{write_datacenter(api, http), address, id, {parse_token(http, api.defaults)}};
  call(api, exchange, id.empty() ? server::kOperatorRaftRemovePeerByAddress : server::kOperatorRaftRemovePeerById,
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
  if (!is_local(api, exchange)) return;
  model::OperatorHealth health = server::autopilot_health(*api.server);
  respond_json(api, exchange, codec::to_json(health), health.healthy ? 200 : 429);
}

struct KeyringBody {
  std::string key;
};
PRAETOR_DESCRIBED(KeyringBody)
PRAETOR_DESCRIBE(KeyringBody, "keyringArgs", field("Key", &KeyringBody::key))

// ?relay-factor and ?local-only; answers and returns false when one of them is wrong.
bool parse_keyring_query(const ExchangePtr& exchange, bool& local_only) {
  const Request& http = exchange->request();
  auto refuse = [&](const std::string& why) {
    respond_text(exchange, 400, "Bad request: " + why);
    return false;
  };
  if (std::string_view relay = http.parameter("relay-factor"); !relay.empty()) {
    auto factor = parse_int(relay);
    if (!factor) {
      std::string text = factor.error().message;
      return refuse("Error parsing relay factor: strconv.Atoi" + text.substr(text.find(':')));
    }
    if (*factor < 0 || *factor > 5)
      return refuse("Invalid relay-factor: Relay factor must be in range: [0, 5]");
  }
  if (std::string_view local = http.parameter("local-only"); !local.empty()) {
    auto only = parse_bool(local);
    if (!only) return refuse("Error parsing local-only: " + only.error().message);
    if (*only && http.method != Method::kGet)
      return refuse("Invalid use of local-only: local-only can only be set for list requests");
    local_only = *only;
  }
  return true;
}

// Gossip is not encrypted (the agent refuses to start with a key): there is no keyring to list or change.
void keyring(const ApiContext& api, const ExchangePtr& exchange) {
  bool list = exchange->request().method == Method::kGet, local_only = false;
  KeyringBody body;
  if (!list && !parse_body(exchange, body, true, "Bad request: Request decode failed: ")) return;
  if (!parse_keyring_query(exchange, local_only)) return;
  std::string lan = api.defaults.datacenter + " (LAN) error: ", wan = "WAN error: ";
  if (auto key = base64_decode(body.key); !key)
    return respond_text(exchange, 500,
                        format_multierror({wan + key.error().message, lan + key.error().message}));
  std::string why =
      list ? "Keyring is empty (encryption not enabled)" : "No keyring to modify (encryption not enabled)";
  std::vector<std::string> errors;
  const std::string& node = api.defaults.node_name;
  if (!local_only) {
    errors.push_back(wan + "1/1 nodes reported failure");
    errors.push_back(node + "." + api.defaults.datacenter + ": " + why);
  }
  errors.push_back(lan + "1/1 nodes reported failure");
  errors.push_back(node + ": " + why);
  respond_text(exchange, 500, format_multierror(errors));
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
  add("/v1/operator/keyring", {Method::kGet, Method::kPost, Method::kPut, Method::kDelete}, keyring);
  add("/v1/operator/autopilot/configuration", {Method::kGet, Method::kPut},
      [](const ApiContext& a, const ExchangePtr& e) {
        e->request().method == Method::kGet ? get_autopilot(a, e) : put_autopilot(a, e);
      });
  add("/v1/operator/autopilot/health", {Method::kGet}, autopilot_health);
}

}  // namespace praetor::http
