#include "server/txn.h"

#include <string_view>

#include "base/text.h"
#include "server/catalog.h"
#include "server/endpoint_metrics.h"
#include "server/leader_duties.h"
#include "store/store.h"
#include "store/txn.h"

namespace praetor::server {
namespace {

Status prepare(Server& server, model::TxnKVOp& op) {
  const model::DirEntry& entry = op.dir_ent;
  if (entry.key.empty() && op.verb != model::kv_op::kDeleteTree) return fail("Must provide key");
  if (op.verb == model::kv_op::kLock && server.leader_duties().lock_delayed(entry.key))
    return fail("failed to lock key " + go_quote(entry.key) + " due to lock delay");
  return {};
}

Status prepare(Server& server, model::TxnOp& op) {
  if (op.kv) return prepare(server, *op.kv);
  // What is only read is looked for as it stands.
  if (op.node && op.node->verb != "get") return prepare_node(op.node->node.node, op.node->node.id);
  if (op.service && op.service->verb != "get") return prepare_service(op.service->service);
  if (op.check && op.check->verb != "get" && op.check->check.check_id.empty())
    op.check->check.check_id = op.check->check.name;
  return {};
}

// Fills in defaults; the errors that are known before the entry is written, which abort the whole
// transaction.
codec::List<model::TxnError> prepare(Server& server, codec::List<model::TxnOp>& ops) {
  codec::List<model::TxnError> errors;
  for (size_t i = 0; i < ops.size(); ++i)
    if (Status fine = prepare(server, ops[i]); !fine)
      errors.push_back({static_cast<int64_t>(i), std::move(fine.error().message)});
  return errors;
}

}  // namespace

bool is_read_only(const model::TxnOp& op) {
  if (op.kv) {
    const std::string& verb = op.kv->verb;
    for (std::string_view write :
         {model::kv_op::kSet, model::kv_op::kDelete, model::kv_op::kDeleteCAS, model::kv_op::kDeleteTree,
          model::kv_op::kCAS, model::kv_op::kLock, model::kv_op::kUnlock})
      if (verb == write) return false;
    return true;
  }
  auto reads = [](const std::string& verb) { return verb == "get"; };
  if (op.node) return reads(op.node->verb);
  if (op.service) return reads(op.service->verb);
  if (op.check) return reads(op.check->verb);
  return false;
}

model::TxnReadResponse txn_read(Server& server, model::TxnReadRequest request) {
  static const Sample time("txn.read");
  ScopedTimer timer(time);
  count_rpc();
  model::TxnReadResponse reply;
  reply.errors = prepare(server, request.ops);
  if (!reply.errors.empty()) return reply;
  model::TxnResponse response = store::txn_read(*server.store().view(), request.ops);
  reply.results = std::move(response.results);
  reply.errors = std::move(response.errors);
  return reply;  // without an index, as Consul answers
}

void txn_apply(Server& server, Reactor& reactor, model::TxnRequest request,
               std::function<void(Result<model::TxnResponse>)> done) {
  static const Sample time("txn.apply");
  count_rpc();
  done = timed(time, std::move(done));
  model::TxnResponse refused;
  refused.errors = prepare(server, request.ops);
  if (!refused.errors.empty()) return done(std::move(refused));
  server.apply(reactor, model::MessageType::kTxn, request,
               [done = std::move(done)](Result<ApplyResult> applied) {
                 if (!applied) return done(std::unexpected(std::move(applied.error())));
                 auto* response = std::any_cast<model::TxnResponse>(&applied->value);
                 done(response ? std::move(*response) : model::TxnResponse());
               });
}

}  // namespace praetor::server
