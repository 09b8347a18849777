// /v1/txn (http-api.md 14).
#include "http/api.h"

#include <algorithm>

#include "model/kv.h"
#include "server/txn.h"

namespace praetor::http {
namespace {

// The operations as the body writes them.
struct KVOp {
  std::string verb, key;
  codec::Bytes value;
  uint64_t flags = 0, index = 0;
  std::string session, ns;
};
PRAETOR_DESCRIBED(KVOp)
PRAETOR_DESCRIBE(KVOp, "KVTxnOp", field("Verb", &KVOp::verb), field("Key", &KVOp::key), field("Value", &KVOp::value),
                 field("Flags", &KVOp::flags), field("Index", &KVOp::index), field("Session", &KVOp::session),
                 field("Namespace", &KVOp::ns))

struct NodeOp {
  std::string verb;
  model::Node node;
};
PRAETOR_DESCRIBED(NodeOp)
PRAETOR_DESCRIBE(NodeOp, "NodeTxnOp", field("Verb", &NodeOp::verb), field("Node", &NodeOp::node))

struct ServiceOp {
  std::string verb, node;
  model::NodeService service;
};
PRAETOR_DESCRIBED(ServiceOp)
PRAETOR_DESCRIBE(ServiceOp, "ServiceTxnOp", field("Verb", &ServiceOp::verb), field("Node", &ServiceOp::node),
                 field("Service", &ServiceOp::service))

struct CheckOp {
  std::string verb;
  model::HealthCheck check;
};
PRAETOR_DESCRIBED(CheckOp)
PRAETOR_DESCRIBE(CheckOp, "CheckTxnOp", field("Verb", &CheckOp::verb), field("Check", &CheckOp::check))

struct Op {
  codec::Box<KVOp> kv;
  codec::Box<NodeOp> node;
  codec::Box<ServiceOp> service;
  codec::Box<CheckOp> check;
};
PRAETOR_DESCRIBED(Op)
PRAETOR_DESCRIBE(Op, "TxnOp", field("KV", &Op::kv), field("Node", &Op::node), field("Service", &Op::service),
                 field("Check", &Op::check))

model::TxnOp convert(Op& op, const ApiContext& api) {
  model::TxnOp out;
  if (op.kv) {
    model::TxnKVOp& kv = out.kv.emplace();
    kv.verb = op.kv->verb;
    kv.dir_ent.key = op.kv->key;
    kv.dir_ent.value = op.kv->value;
    kv.dir_ent.flags = op.kv->flags;
    kv.dir_ent.session = op.kv->session;
    kv.dir_ent.indexes.modify_index = op.kv->index;
  } else if (op.node) {
    out.node = model::TxnNodeOp{op.node->verb, op.node->node};
    if (out.node->node.datacenter.empty()) out.node->node.datacenter = api.defaults.datacenter;
  } else if (op.service) {
    model::NodeService& service = op.service->service;
    if (!service.weights) service.weights = model::Weights{1, 1};
    out.service = model::TxnServiceOp{op.service->verb, op.service->node, service};
  } else if (op.check) {
    out.check = model::TxnCheckOp{op.check->verb, op.check->check};
  }
  return out;
}

void too_large(const ExchangePtr& exchange, uint64_t length, uint64_t limit) {
  respond_text(exchange, 413,
               "Request body(" + std::to_string(length) + " bytes) too large, max size: " + std::to_string(limit) +
                   " bytes. See https://www.consul.io/docs/agent/options.html#txn_max_req_len.");
}

// Checks and converts the body. False: answered already.
bool parse_ops(const ApiContext& api, const ExchangePtr& exchange, codec::List<model::TxnOp>& ops) {
  const Request& http = exchange->request();
  uint64_t limit = std::max(api.txn_max_request_size, api.kv_max_value_size);
  if (uint64_t length = std::max<uint64_t>(http.declared_length, http.body.size()); length > limit) {
    too_large(exchange, length, limit);
    return false;
  }
  codec::List<Op> body;
  if (!parse_body(exchange, body, true, "Failed to parse body: ")) return false;
  if (body.size() > server::kMaxTxnOps) {
    respond_text(exchange, 413, "Transaction contains too many operations (" + std::to_string(body.size()) + " > " +
                                    std::to_string(server::kMaxTxnOps) + ")");
    return false;
  }
  for (Op& op : body) {
    if (op.kv && op.kv->value.size() > api.kv_max_value_size) {
      respond_text(exchange, 413, "Value for key " + codec::to_json(op.kv->key) + " is too large (" +
                                      std::to_string(op.kv->value.size()) + " > " +
                                      std::to_string(api.kv_max_value_size) + " bytes)");
      return false;
    }
    if (op.kv || op.node || op.service || op.check) ops.push_back(convert(op, api));
  }
  return true;
}

// Results show values of get and get-tree only; nil lists stay null.
void txn(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  codec::List<model::TxnOp> ops;
  if (!parse_ops(api, exchange, ops)) return;
  if (std::all_of(ops.begin(), ops.end(), server::is_read_only)) {
    model::TxnReadRequest request;
    if (!parse_read(api, exchange, request)) return;
    request.ops = std::move(ops);
    if (Status local = check_datacenter(api, request.datacenter); !local) return respond_error(exchange, local.error());
    return api.server->when_readable(exchange->reactor(), request.options, [&api, exchange, request](Status status) {
      if (!status) return respond_error(exchange, status.error());
      model::TxnReadResponse reply = server::run_txn_read(*api.server, request);
      int code = reply.errors.empty() ? 200 : 409;
      reply.meta.known_leader = api.server->known_leader();
      reply.meta.last_contact = std::chrono::milliseconds(api.server->last_contact_ms());
      respond_json(api, exchange, codec::to_json(reply), code);
    });
  }
  model::TxnRequest request;
  request.datacenter = write_datacenter(api, http);
  request.write.token = parse_token(http, api.defaults);
  request.ops = std::move(ops);
  if (Status local = check_datacenter(api, request.datacenter); !local) return respond_error(exchange, local.error());
  server::txn_apply(*api.server, exchange->reactor(), request, [&api, exchange](Result<model::TxnResponse> reply) {
    if (!reply) return respond_error(exchange, reply.error());
    respond_json(api, exchange, codec::to_json(*reply), reply->errors.empty() ? 200 : 409);
  });
}

}  // namespace

void add_txn_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/txn",
              {Method::kPut},
              [&api](const ExchangePtr& exchange) { txn(api, exchange); },
              std::max(api.txn_max_request_size, api.kv_max_value_size)});
}

}  // namespace praetor::http
