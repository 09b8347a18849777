// The Txn endpoint: several operations, all or none.
#pragma once

#include <functional>

#include "model/kv.h"
#include "server/read.h"
#include "server/server.h"

namespace praetor::server {

inline constexpr size_t kMaxTxnOps = 64;

// Only operations that read. Errors of single operations stand in the reply, not in the Status.
Status txn_read(ReadContext& context, const model::TxnReadRequest& request, model::TxnReadResponse& reply);

// The same at once, over what is applied here now.
model::TxnReadResponse run_txn_read(Server& server, const model::TxnReadRequest& request);

void txn_apply(Server& server, Reactor& reactor, const model::TxnRequest& request,
               std::function<void(Result<model::TxnResponse>)> done);

// Does an operation leave the state as it is?
bool is_read_only(const model::TxnOp& op);

}  // namespace praetor::server
