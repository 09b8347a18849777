// Records that the store keeps as MessagePack, without looking inside: ACL, intentions, Connect CA, config
// entries, prepared queries, autopilot, federation states. So nothing of a Consul snapshot is lost, and each
// area can give its records a typed table later.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/common.h"
#include "store/store.h"

namespace praetor::store {

// The tree key of a record: its type's byte and what identifies it within the type.
std::string opaque_key(model::MessageType type, std::string_view id);

const OpaqueRecord* opaque_get(const Tables& tables, model::MessageType type, std::string_view id,
                               WatchSet* watch = nullptr);
// visit(std::string_view id, const OpaqueRecord&), by id.
template <typename Visit>
void opaque_list(const Tables& tables, model::MessageType type, WatchSet* watch, Visit visit) {
  std::string prefix = opaque_key(type, "");
  watch_prefix(watch, TableIndex::kOpaque, prefix);
  tables.visit_prefix(TableIndex::kOpaque, prefix, [&](const Leaf* leaf) {
    visit(leaf->key().substr(1), record_of<OpaqueRecord>(leaf));
    return true;
  });
}

void opaque_put(WriteTxn& txn, model::MessageType type, std::string_view id, std::string payload);
bool opaque_delete(WriteTxn& txn, model::MessageType type, std::string_view id);
// Prepared queries go with the session that they are bound to.
void opaque_delete_queries_of_session(WriteTxn& txn, std::string_view session);

}  // namespace praetor::store
