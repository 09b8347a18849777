// Transactions of several operations: all or nothing (semantics.md 7; texts: http-api.md 14).
#pragma once

#include "model/kv.h"
#include "store/store.h"

namespace praetor::store {

// Evaluates every operation, after an error too, so that the answer names all errors. If there are errors,
// there are no results, and the caller must roll back. Operations see what earlier ones wrote.
model::TxnResponse txn_apply(WriteTxn& txn, const model::List<model::TxnOp>& ops);

// The same for operations that only read (see txn_is_read_only), on any tables.
model::TxnResponse txn_read(const Tables& tables, const model::List<model::TxnOp>& ops);

// Unknown KV verbs count as reads: they change nothing but the answer.
bool txn_is_read_only(const model::List<model::TxnOp>& ops);

}  // namespace praetor::store
