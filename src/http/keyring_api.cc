// /v1/operator/keyring (http-api.md 11): the gossip keys of both pools.
#include <memory>
#include <vector>

#include "agent/pools.h"
#include "base/text.h"
#include "http/api.h"

namespace praetor::http {

struct KeyringBody {
  std::string key;
};
PRAETOR_DESCRIBED(KeyringBody)
PRAETOR_DESCRIBE(KeyringBody, "keyringArgs", field("Key", &KeyringBody::key))

// What one pool has.
struct KeyringAnswer {
  bool wan = false;
  std::string datacenter, segment;
  codec::Map<std::string> messages;
  codec::Map<int64_t> keys, primary_keys;
  int64_t nodes = 0;
};
PRAETOR_DESCRIBED(KeyringAnswer)
PRAETOR_DESCRIBE(KeyringAnswer, "KeyringResponse", field("WAN", &KeyringAnswer::wan),
                 field("Datacenter", &KeyringAnswer::datacenter), field("Segment", &KeyringAnswer::segment),
                 field("Messages", &KeyringAnswer::messages).omit_empty(),
                 field("Keys", &KeyringAnswer::keys), field("PrimaryKeys", &KeyringAnswer::primary_keys),
                 field("NumNodes", &KeyringAnswer::nodes))

namespace {

using agent::PoolName;
using gossip::KeyOperation;

struct KeyringQuery {
  KeyOperation operation = KeyOperation::kList;
  std::string key;
  uint8_t relay_factor = 0;
  bool local_only = false;
};

KeyOperation operation_of(Method method) {
  switch (method) {
    case Method::kPost:
      return KeyOperation::kInstall;
    case Method::kPut:
      return KeyOperation::kUse;
    case Method::kDelete:
      return KeyOperation::kRemove;
    default:
      return KeyOperation::kList;
  }
}

// ?relay-factor and ?local-only; answers and returns false when one of them is wrong.
bool parse_keyring_query(const ExchangePtr& exchange, KeyringQuery& query) {
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

// One pool after the other, then the answer of all. On the exchange's reactor.
class Keyring : public std::enable_shared_from_this<Keyring> {
 public:
  Keyring(const ApiContext& api, ExchangePtr exchange, KeyringQuery query)
      : api_(api), exchange_(std::move(exchange)), query_(std::move(query)) {
    bool federates = !api_.pools->wan_members()->empty();  // ports.serf_wan = -1: it does not
    if (!query_.local_only && federates) pools_.push_back(PoolName::kWan);
    pools_.push_back(PoolName::kLan);
  }

  void next() {
    if (done_ == pools_.size()) return finish();
    PoolName pool = pools_[done_++];
    api_.pools->change_keys(pool, query_.operation, query_.key, query_.relay_factor, exchange_->reactor(),
                            [self = shared_from_this(), pool](const Result<gossip::KeysDone>& done) {
                              self->take(pool, done);
                              self->next();
                            });
  }

 private:
  void take(PoolName pool, const Result<gossip::KeysDone>& done) {
    bool wan = pool == PoolName::kWan;
    Status status = done ? done->status : Status(fail(done.error()));
    if (!status)
      errors_.push_back((wan ? "WAN error: " : api_.defaults.datacenter + " (LAN) error: ") +
                        status.error().message);
    if (!done) return;
    const gossip::KeyReport& report = done->report;
    KeyringAnswer& answer = answers_.emplace_back();
    answer.wan = wan;
    answer.datacenter = api_.defaults.datacenter;
    answer.nodes = report.members;
    answer.keys.make_empty();
    answer.primary_keys.make_empty();
    for (const auto& [key, count] : report.keys) answer.keys[key] = count;
    for (const auto& [key, count] : report.primary_keys) answer.primary_keys[key] = count;
    for (const auto& [node, text] : report.messages) {
      answer.messages[node] = text;
      if (!status) errors_.push_back(node + ": " + text);
    }
  }

  void finish() {
    if (!errors_.empty()) return respond_text(exchange_, 500, format_multierror(errors_));
    if (query_.operation == KeyOperation::kList) return respond_object(api_, exchange_, answers_);
    respond_empty(exchange_);
  }

  const ApiContext& api_;
  ExchangePtr exchange_;
  const KeyringQuery query_;
  std::vector<PoolName> pools_;
  size_t done_ = 0;
  codec::List<KeyringAnswer> answers_;
  std::vector<std::string> errors_;
};

void keyring(const ApiContext& api, const ExchangePtr& exchange) {
  KeyringQuery query;
  query.operation = operation_of(exchange->request().method);
  KeyringBody body;
  if (query.operation != KeyOperation::kList &&
      !parse_body(exchange, body, true, "Bad request: Request decode failed: "))
    return;
  if (!parse_keyring_query(exchange, query)) return;
  if (!api.pools->is_server())
    return respond_text(exchange, 500, "keyring operations must run against a server node");
  query.key = std::move(body.key);
  std::make_shared<Keyring>(api, exchange, std::move(query))->next();
}

}  // namespace

void add_keyring_route(Router& router, const ApiContext& api) {
  router.add({"/v1/operator/keyring",
              {Method::kGet, Method::kPost, Method::kPut, Method::kDelete},
              [&api](const ExchangePtr& exchange) { keyring(api, exchange); }});
}

}  // namespace praetor::http
