// /v1/operator/keyring (http-api.md 11): the gossip keys of both pools.
#include <vector>

#include "agent/pools.h"
#include "base/text.h"
#include "http/api.h"
#include "server/pool_methods.h"

namespace praetor::http {

struct KeyringBody {
  std::string key;
};
PRAETOR_DESCRIBED(KeyringBody)
PRAETOR_DESCRIBE(KeyringBody, "keyringArgs", field("Key", &KeyringBody::key))

namespace {

std::string operation_of(Method method) {
  switch (method) {
    case Method::kPost:
      return "install";
    case Method::kPut:
      return "use";
    case Method::kDelete:
      return "remove";
    default:
      return "list";
  }
}

// ?relay-factor and ?local-only; answers and returns false when one of them is wrong.
bool parse_keyring_query(const ExchangePtr& exchange, model::KeyringRequest& query) {
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
    query.relay_factor = static_cast<uint8_t>(*factor);
  }
  if (std::string_view local = http.parameter("local-only"); !local.empty()) {
    auto only = parse_bool(local);
    if (!only) return refuse("Error parsing local-only: " + only.error().message);
    if (*only && http.method != Method::kGet)
      return refuse("Invalid use of local-only: local-only can only be set for list requests");
    query.local_only = *only;
  }
  return true;
}

// What went wrong in the pools, if anything did.
Status outcome(const model::KeyringResponses& reply) {
  std::vector<std::string> errors;
  for (const model::KeyringResponse& each : reply.responses) {
    if (each.error.empty()) continue;
    errors.push_back((each.wan ? "WAN" : each.datacenter + " (LAN)") + " error: " + each.error);
    for (const auto& [node, text] : each.messages) errors.push_back(node + ": " + text);
  }
  return errors.empty() ? Status() : fail(format_multierror(errors));
}

void keyring(const ApiContext& api, const ExchangePtr& exchange) {
  model::KeyringRequest request;
  request.operation = operation_of(exchange->request().method);
  bool lists = request.operation == "list";
  KeyringBody body;
  if (!lists && !parse_body(exchange, body, true, "Bad request: Request decode failed: ")) return;
  if (!parse_keyring_query(exchange, request)) return;
  if (!api.pools->is_server())
    return respond_text(exchange, 500, "keyring operations must run against a server node");
  request.datacenter = api.defaults.datacenter;
  request.key = std::move(body.key);
  request.options.token = parse_token(exchange->request(), api.defaults);
  call(api, exchange, server::kInternalKeyringOperation, std::move(request),
       [&api, exchange, lists](const model::KeyringResponses& reply) {
         if (Status status = outcome(reply); !status)
           return respond_text(exchange, 500, status.error().message);
         lists ? respond_object(api, exchange, reply.responses) : respond_empty(exchange);
       });
}

}  // namespace

void add_keyring_route(Router& router, const ApiContext& api) {
  router.add({"/v1/operator/keyring",
              {Method::kGet, Method::kPost, Method::kPut, Method::kDelete},
              [&api](const ExchangePtr& exchange) { keyring(api, exchange); }});
}

}  // namespace praetor::http
