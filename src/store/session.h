// Sessions: who may hold locks, and what ends them. Rules: semantics.md 6.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/kv.h"
#include "store/store.h"

namespace praetor::store {

// The session, or null. Error: `failed session lookup: index error: UUID must be 36 characters` and the like.
Result<const model::Session*> session_get(const Tables& tables, std::string_view id,
                                          WatchSet* watch = nullptr, ReadIndex* read = nullptr);
// By id. Pointers live as long as what holds the tables.
ReadIndex session_list(const Tables& tables, WatchSet* watch, std::vector<const model::Session*>& sessions);
ReadIndex session_list_of_node(const Tables& tables, std::string_view node, WatchSet* watch,
                               std::vector<const model::Session*>& sessions);

// The record's indexes are set here; its id by whoever wrote the log entry. Errors: `Missing node
// registration`, `Missing check 'x' registration`, `Check 'x' is in critical state`, `Invalid Behavior
// setting 'x'`.
Status session_create(WriteTxn& txn, model::Session session);
// Ends a session: its keys are released or deleted, with lock-delays as effects. Unknown ids are fine.
Status session_destroy(WriteTxn& txn, std::string_view id);

// Ends the sessions that a node, or one of its checks, holds up.
void session_destroy_of_node(WriteTxn& txn, std::string_view node);
void session_destroy_of_check(WriteTxn& txn, std::string_view node, std::string_view check_id);

// Restores a snapshot's record as it is.
void session_restore(WriteTxn& txn, model::Session session);

// A lock-delay never lasts longer than this, whatever was asked for.
inline constexpr Duration kMaxLockDelay = std::chrono::seconds(60);

}  // namespace praetor::store
