#include "store/kv.h"

#include <algorithm>

#include "base/text.h"
#include "store/session.h"

namespace praetor::store {
namespace {

const KvLeaf* find_entry(const Tables& tables, std::string_view key) {
  return static_cast<const KvLeaf*>(tables.find(TableIndex::kKvs, key));
}

std::string session_key(std::string_view session, std::string_view key) {
  return index_prefix(to_lower(session)).append(key);
}

// The last deletion known to have covered every key with this prefix, or that key itself.
uint64_t covering_deletion(const Tables& tables, std::string_view key) {
  uint64_t index = tables.reaped_index;
  tables.tree(TableIndex::kTombstones).visit_path(key, [&](const Leaf* leaf) {
    if (leaf->key_size == key.size() || (leaf->bits & kTreeTombstone) != 0) {
      index = std::max(index, static_cast<const ValueLeaf*>(leaf)->value);
    }
    return true;
  });
  return index;
}

void set_holder(WriteTxn& txn, std::string_view key, std::string_view before, std::string_view after) {
  if (before == after) return;
  if (!before.empty()) txn.erase(TableIndex::kKvsBySession, session_key(before, key));
  if (!after.empty()) txn.put_borrowed(TableIndex::kKvsBySession, session_key(after, key), nullptr);
}

// Writes the entry as given but for its indexes, which follow from the one that stands there.
const KvLeaf* put_entry(WriteTxn& txn, KvFields fields, const KvLeaf* existing) {
  fields.create_index = fields.modify_index = txn.index();
  if (existing != nullptr) {
    fields.create_index = existing->create_index();
    if (existing->value() == fields.value && existing->flags() == fields.flags &&
        existing->session() == fields.session && existing->lock_index() == fields.lock_index) {
      return existing;
    }
  }
  const KvLeaf* leaf = make_kv_leaf(fields);
  txn.put(TableIndex::kKvs, leaf);
  set_holder(txn, leaf->key(), existing == nullptr ? "" : existing->session(), leaf->session());
  txn.bump(Table::kKvs);
  return leaf;
}

void put_tombstone(WriteTxn& txn, std::string_view key, uint16_t bits) {
  txn.put(TableIndex::kTombstones, make_value_leaf(key, txn.index(), bits));
  txn.bump(Table::kTombstones);
  txn.effects().tombstones.push_back(txn.index());
}

// `leaf` stays readable until the transaction is published.
void erase_entry(WriteTxn& txn, const KvLeaf& leaf) {
  txn.erase(TableIndex::kKvs, leaf.key());
  set_holder(txn, leaf.key(), leaf.session(), "");
}

Status check_session(const Tables& tables, std::string_view session) {
  if (session.empty()) return fail("missing session");
  TRY_ASSIGN(const model::Session* found, session_get(tables, session));
  if (found == nullptr) return fail("invalid session " + go_quote(session));
  return {};
}

}  // namespace

const KvLeaf* kv_get(const Tables& tables, std::string_view key, WatchSet* watch, ReadIndex* read) {
  watch_key(watch, TableIndex::kKvs, key);
  const KvLeaf* leaf = find_entry(tables, key);
  if (read == nullptr) return leaf;
  *read = leaf != nullptr ? ReadIndex::exact(leaf->modify_index())
                          : ReadIndex::of(tables.max_index(Table::kKvs, Table::kTombstones),
                                          covering_deletion(tables, key));
  return leaf;
}

ReadIndex KvIndexes::finish(const Tables& tables, std::string_view prefix) const {
  uint64_t tombstones = 0;
  tables.visit_prefix(TableIndex::kTombstones, prefix, [&](const Leaf* leaf) {
    tombstones = std::max(tombstones, static_cast<const ValueLeaf*>(leaf)->value);
    return true;
  });
  uint64_t below = std::max(entries_, tombstones);
  uint64_t table = tables.max_index(Table::kKvs, Table::kTombstones);
  // Deleting everything leaves no tombstone: only the table index tells.
  if (prefix.empty()) return ReadIndex::exact(table);
  return ReadIndex::of(below != 0 ? below : table, std::max(below, covering_deletion(tables, prefix)));
}

ReadIndex kv_keys(const Tables& tables, std::string_view prefix, std::string_view separator, WatchSet* watch,
                  std::vector<std::string>& keys, const std::function<bool(std::string_view)>& keep) {
  return kv_list(tables, prefix, watch, [&](const KvLeaf& leaf) {
    std::string_view key = leaf.key();
    if (keep && !keep(key)) return;
    if (!separator.empty()) {
      size_t at = key.find(separator, prefix.size());
      if (at != std::string_view::npos) key = key.substr(0, at + separator.size());
    }
    if (keys.empty() || keys.back() != key) keys.emplace_back(key);
  });
}

const KvLeaf* kv_set(WriteTxn& txn, KvFields fields) {
  const KvLeaf* existing = find_entry(txn, fields.key);
  fields.session = existing == nullptr ? std::string_view() : existing->session();
  return put_entry(txn, fields, existing);
}

const KvLeaf* kv_cas(WriteTxn& txn, const KvFields& fields, uint64_t expected) {
  const KvLeaf* existing = find_entry(txn, fields.key);
  if (existing == nullptr ? expected != 0 : existing->modify_index() != expected) return nullptr;
  return kv_set(txn, fields);
}

Result<const KvLeaf*> kv_lock(WriteTxn& txn, KvFields fields) {
  TRY(check_session(txn, fields.session));
  const KvLeaf* existing = find_entry(txn, fields.key);
  fields.lock_index = 1;
  if (existing != nullptr) {
    bool mine = existing->session() == fields.session;
    if (!mine && !existing->session().empty()) return nullptr;
    fields.lock_index = existing->lock_index() + (mine ? 0 : 1);
  }
  return put_entry(txn, fields, existing);
}

Result<const KvLeaf*> kv_unlock(WriteTxn& txn, KvFields fields) {
  if (fields.session.empty()) return fail("missing session");
  const KvLeaf* existing = find_entry(txn, fields.key);
  if (existing == nullptr || existing->session() != fields.session) return nullptr;
  fields.session = {};
  fields.lock_index = existing->lock_index();
  return put_entry(txn, fields, existing);
}

void kv_release(WriteTxn& txn, std::string_view key) {
  const KvLeaf* existing = find_entry(txn, key);
  if (existing == nullptr) return;
  KvFields fields = kv_fields(*existing);
  fields.session = {};
  put_entry(txn, fields, existing);
}

void kv_delete(WriteTxn& txn, std::string_view key) {
  const KvLeaf* existing = find_entry(txn, key);
  if (existing == nullptr) return;
  put_tombstone(txn, key, 0);
  erase_entry(txn, *existing);
  txn.bump(Table::kKvs);
}

bool kv_delete_cas(WriteTxn& txn, std::string_view key, uint64_t expected) {
  const KvLeaf* existing = find_entry(txn, key);
  if (existing == nullptr) return true;
  if (existing->modify_index() != expected) return false;
  kv_delete(txn, key);
  return true;
}

void kv_delete_tree(WriteTxn& txn, std::string_view prefix) {
  std::vector<const KvLeaf*> doomed;
  txn.tables().visit_prefix(TableIndex::kKvs, prefix, [&](const Leaf* leaf) {
    doomed.push_back(static_cast<const KvLeaf*>(leaf));
    return true;
  });
  if (doomed.empty()) return;
  for (const KvLeaf* leaf : doomed) erase_entry(txn, *leaf);
  if (!prefix.empty()) put_tombstone(txn, prefix, kTreeTombstone);
  txn.bump(Table::kKvs);
}

void kv_reap_tombstones(WriteTxn& txn, uint64_t index) {
  std::vector<const ValueLeaf*> doomed;
  uint64_t reaped = txn.tables().reaped_index;
  txn.tables().tree(TableIndex::kTombstones).visit_all([&](const Leaf* leaf) {
    const auto* tombstone = static_cast<const ValueLeaf*>(leaf);
    if (tombstone->value <= index) doomed.push_back(tombstone);
    return true;
  });
  for (const ValueLeaf* tombstone : doomed) {
    reaped = std::max(reaped, tombstone->value);
    txn.erase(TableIndex::kTombstones, tombstone->key());
  }
  txn.set_reaped_index(reaped);
}

void kv_restore(WriteTxn& txn, const KvFields& fields) {
  const KvLeaf* leaf = make_kv_leaf(fields);
  txn.put(TableIndex::kKvs, leaf);
  set_holder(txn, leaf->key(), "", leaf->session());
}

void kv_restore_tombstone(WriteTxn& txn, std::string_view key, uint64_t index) {
  // A snapshot does not tell trees from keys: be on the safe side.
  txn.put(TableIndex::kTombstones, make_value_leaf(key, index, kTreeTombstone));
}

}  // namespace praetor::store
