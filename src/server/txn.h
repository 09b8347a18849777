// The Txn endpoint: several operations, all or none.
#pragma once

#include <functional>

#include "model/kv.h"
#include "server/method.h"
#include "server/read.h"
#include "server/server.h"

namespace praetor::server {

inline constexpr size_t kMaxTxnOps = 64;

// Only operations that read, over what is applied here now. Errors of single operations stand in the reply.
model::TxnReadResponse txn_read(Server& server, model::TxnReadRequest request);

void txn_apply(Server& server, Reactor& reactor, model::TxnRequest request,
               std::function<void(Result<model::TxnResponse>)> done);

// Does an operation leave the state as it is?
bool is_read_only(const model::TxnOp& op);

inline constexpr CallMethod<model::TxnReadRequest, model::TxnReadResponse> kTxnRead{
    "Txn.Read",
    [](Server& server, Reactor&, model::TxnReadRequest request, auto done) {
      model::TxnReadResponse reply = txn_read(server, std::move(request));
      server.set_contact(reply.meta);
      done(std::move(reply));
    },
    Place::kReadable};
inline constexpr CallMethod<model::TxnRequest, model::TxnResponse> kTxnApply{"Txn.Apply", txn_apply};

}  // namespace praetor::server
