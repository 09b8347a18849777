#include "server/txn.h"

#include <string_view>

#include "server/catalog.h"
#include "server/endpoint_metrics.h"
#include "server/leader_duties.h"
#include "store/store.h"
#include "store/txn.h"

namespace praetor::server {
namespace {

// The errors that are known before the entry is written: they abort the whole transaction.
void pre_check(Server& server, model::TxnOp& op, int64_t index, codec::List<model::TxnError>& errors) {
  if (op.kv) {
    const model::DirEntry& entry = op.kv->dir_ent;
    if (entry.key.empty() && op.kv->verb != model::kv_op::kDeleteTree && op.kv->verb != model::kv_op::kGetTree)
      errors.push_back({index, "Must provide key"});
    if (op.kv->verb == model::kv_op::kLock && server.leader_duties().lock_delayed(entry.key))
      errors.push_back({index, "failed to lock key \"" + entry.key + "\" due to lock delay"});
  }
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

Status txn_read(ReadContext& context, const model::TxnReadRequest& request, model::TxnReadResponse& reply) {
  model::TxnResponse response = store::txn_read(context.tables, request.ops);
  reply.results = std::move(response.results);
  reply.errors = std::move(response.errors);
  reply.meta.index = context.tables.last_index;
  context.changed = reply.meta.index;
  return {};
}

model::TxnReadResponse run_txn_read(Server& server, const model::TxnReadRequest& request) {
  static const Sample time("txn.read");
  ScopedTimer timer(time);
  count_rpc();
  store::View view = server.store().view();
  ReadContext context{.tables = *view, .info = server.info()};
  model::TxnReadResponse reply;
  (void)txn_read(context, request, reply);
  return reply;
}

void txn_apply(Server& server, Reactor& reactor, const model::TxnRequest& request,
               std::function<void(Result<model::TxnResponse>)> done) {
  static const Sample time("txn.apply");
  count_rpc();
  done = timed(time, std::move(done));
  model::TxnRequest checked = request;
  model::TxnResponse refused;
  for (size_t i = 0; i < checked.ops.size(); ++i)
    pre_check(server, checked.ops[i], static_cast<int64_t>(i), refused.errors);
  if (!refused.errors.empty()) return done(std::move(refused));
  server.apply(reactor, model::MessageType::kTxn, checked, [done = std::move(done)](Result<ApplyResult> applied) {
    if (!applied) return done(std::unexpected(std::move(applied.error())));
    auto* response = std::any_cast<model::TxnResponse>(&applied->value);
    done(response ? std::move(*response) : model::TxnResponse());
  });
}

}  // namespace praetor::server
