// Keys and tombstones. Rules: semantics.md 1, 6.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace praetor::store {

// --- reads: any Tables; pointers live as long as what holds it ---

// The entry, or null. `read` and `watch` may be null.
const KvLeaf* kv_get(const Tables& tables, std::string_view key, WatchSet* watch = nullptr,
                     ReadIndex* read = nullptr);

// Collects the keys of a listing and the index it answers with.
class KvIndexes {
 public:
  void add(const KvLeaf& leaf) { entries_ = leaf.modify_index() > entries_ ? leaf.modify_index() : entries_; }
  ReadIndex finish(const Tables& tables, std::string_view prefix) const;

 private:
  uint64_t entries_ = 0;
};

// visit(const KvLeaf&) for all entries with the prefix, in key order.
template <typename Visit>
ReadIndex kv_list(const Tables& tables, std::string_view prefix, WatchSet* watch, Visit visit) {
  watch_prefix(watch, TableIndex::kKvs, prefix);
  KvIndexes indexes;
  tables.visit_prefix(TableIndex::kKvs, prefix, [&](const Leaf* leaf) {
    const auto& entry = *static_cast<const KvLeaf*>(leaf);
    indexes.add(entry);
    visit(entry);
    return true;
  });
  return indexes.finish(tables, prefix);
}

// The keys with a prefix; with a separator, cut behind its first occurrence after the prefix, each once.
// keep(key) -> bool decides before the cut (access rights).
ReadIndex kv_keys(const Tables& tables, std::string_view prefix, std::string_view separator, WatchSet* watch,
                  std::vector<std::string>& keys,
                  const std::function<bool(std::string_view)>& keep = nullptr);

// --- writes: in a transaction. They return the entry as it now stands; nullptr from the conditional ones
// means that the condition did not hold. ---

// Keeps the holder's session. Equal data changes nothing.
const KvLeaf* kv_set(WriteTxn& txn, KvFields fields);
// 0: only if absent.
const KvLeaf* kv_cas(WriteTxn& txn, const KvFields& fields, uint64_t expected);
// Errors: `missing session`, `invalid session "…"`, `failed session lookup: …`.
Result<const KvLeaf*> kv_lock(WriteTxn& txn, KvFields fields);
Result<const KvLeaf*> kv_unlock(WriteTxn& txn, KvFields fields);
void kv_delete(WriteTxn& txn, std::string_view key);
bool kv_delete_cas(WriteTxn& txn, std::string_view key, uint64_t expected);  // true if absent
void kv_delete_tree(WriteTxn& txn, std::string_view prefix);
// Clears the session of an entry whose holder is gone (the key of a session's invalidation).
void kv_release(WriteTxn& txn, std::string_view key);
// Drops the tombstones of deletions up to an index.
void kv_reap_tombstones(WriteTxn& txn, uint64_t index);

// Restores a snapshot's records as they are.
void kv_restore(WriteTxn& txn, const KvFields& fields);
void kv_restore_tombstone(WriteTxn& txn, std::string_view key, uint64_t index);

}  // namespace praetor::store
