#include "store/session.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string>

#include "base/text.h"
#include "model/catalog.h"
#include "store/kv.h"
#include "store/opaque.h"

namespace praetor::store {
namespace {

constexpr size_t kUuidSize = 36;

const model::Session& session_of(const Leaf* leaf) { return record_of<model::Session>(leaf); }

// Go's texts for what is no UUID.
Status check_uuid(std::string_view id) {
  if (id.size() != kUuidSize) return fail("index error: UUID must be 36 characters");
  auto hyphens = std::count(id.begin(), id.end(), '-');
  if (hyphens > 4) {
    return fail("index error: UUID should have maximum of 4 \"-\"; got " + std::to_string(hyphens));
  }
  std::string digits;
  std::copy_if(id.begin(), id.end(), std::back_inserter(digits), [](char c) { return c != '-'; });
  if (digits.size() % 2 != 0) return fail("index error: Input (without hyphens) must be even length");
  auto wrong =
      std::find_if(digits.begin(), digits.end(), [](unsigned char c) { return std::isxdigit(c) == 0; });
  if (wrong == digits.end()) return {};
  char text[32];  // Go's %#U
  snprintf(text, sizeof(text), "U+%04X '%c'", static_cast<unsigned char>(*wrong), *wrong);
  return fail("index error: Invalid UUID: encoding/hex: invalid byte: " + std::string(text));
}

std::vector<std::string> check_ids(const model::Session& session) {
  std::vector<std::string> ids(session.checks.begin(), session.checks.end());
  ids.insert(ids.end(), session.node_checks.begin(), session.node_checks.end());
  for (const model::ServiceCheck& check : session.service_checks) ids.push_back(check.id);
  return ids;
}

void put_session(WriteTxn& txn, model::Session session) {
  auto* record = new model::Session(std::move(session));
  std::string id = to_lower(record->id);
  std::string node = to_lower(record->node);
  txn.put(TableIndex::kSessions, make_record_leaf(LeafKind::kSession, id, record));
  txn.put_borrowed(TableIndex::kSessionsByNode, index_prefix(node) + id, record);
  for (const std::string& check : check_ids(*record)) {
    txn.put_borrowed(TableIndex::kSessionChecks, index_prefix(node, to_lower(check)) + id, record);
  }
}

// Destroys what a secondary index lists; the ids are collected first, because destroying changes the index.
void destroy_listed(WriteTxn& txn, TableIndex table, std::string_view prefix) {
  std::vector<std::string> ids;
  txn.tables().visit_prefix(table, prefix, [&](const Leaf* leaf) {
    ids.push_back(session_of(leaf).id);
    return true;
  });
  for (const std::string& id : ids) (void)session_destroy(txn, id);  // stored ids are well-formed or absent
}

void free_keys(WriteTxn& txn, const model::Session& session) {
  std::string prefix = index_prefix(to_lower(session.id));
  std::vector<std::string> keys;
  txn.tables().visit_prefix(TableIndex::kKvsBySession, prefix, [&](const Leaf* leaf) {
    keys.emplace_back(leaf->key().substr(prefix.size()));
    return true;
  });
  Duration delay = std::min(session.lock_delay, kMaxLockDelay);
  for (std::string& key : keys) {
    if (session.behavior == model::kSessionDelete) {
      kv_delete(txn, key);
    } else {
      kv_release(txn, key);
    }
    if (delay > Duration(0)) txn.effects().lock_delays.push_back({std::move(key), delay});
  }
}

}  // namespace

Result<const model::Session*> session_get(const Tables& tables, std::string_view id, WatchSet* watch,
                                          ReadIndex* read) {
  if (auto valid = check_uuid(id); !valid) return fail("failed session lookup: " + valid.error().message);
  std::string key = to_lower(id);
  watch_key(watch, TableIndex::kSessions, key);
  const Leaf* leaf = tables.find(TableIndex::kSessions, key);
  const model::Session* session = leaf == nullptr ? nullptr : &session_of(leaf);
  if (read != nullptr) {
    uint64_t reported = tables.table_index(Table::kSessions);
    *read = ReadIndex::of(reported, session == nullptr ? reported : session->indexes.modify_index);
  }
  return session;
}

ReadIndex session_list(const Tables& tables, WatchSet* watch, std::vector<const model::Session*>& sessions) {
  watch_prefix(watch, TableIndex::kSessions, "");
  tables.tree(TableIndex::kSessions).visit_all([&](const Leaf* leaf) {
    sessions.push_back(&session_of(leaf));
    return true;
  });
  return ReadIndex::exact(tables.table_index(Table::kSessions));
}

ReadIndex session_list_of_node(const Tables& tables, std::string_view node, WatchSet* watch,
                               std::vector<const model::Session*>& sessions) {
  std::string prefix = index_prefix(to_lower(node));
  watch_key(watch, TableIndex::kActivity, activity_key(Activity::kNodeSessions, node));
  tables.visit_prefix(TableIndex::kSessionsByNode, prefix, [&](const Leaf* leaf) {
    sessions.push_back(&session_of(leaf));
    return true;
  });
  return ReadIndex::of(tables.table_index(Table::kSessions), tables.activity(Activity::kNodeSessions, node));
}

Status session_create(WriteTxn& txn, model::Session session) {
  if (session.id.empty()) return fail("Missing session ID");
  if (session.behavior.empty()) session.behavior = model::kSessionRelease;
  if (session.behavior != model::kSessionRelease && session.behavior != model::kSessionDelete) {
    return fail("Invalid Behavior setting '" + session.behavior + "'");
  }
  std::string node = to_lower(session.node);
  if (txn.tables().find(TableIndex::kNodes, node) == nullptr) return fail("Missing node registration");
  for (const std::string& id : check_ids(session)) {
    const Leaf* leaf = txn.tables().find(TableIndex::kChecks, index_key(node, to_lower(id)));
    if (leaf == nullptr) return fail("Missing check '" + id + "' registration");
    if (record_of<model::HealthCheck>(leaf).status == model::kHealthCritical) {
      return fail("Check '" + id + "' is in critical state");
    }
  }
  session.indexes = {txn.index(), txn.index()};
  txn.effects().sessions_created.push_back({session.id, session.ttl});
  txn.bump_activity(Activity::kNodeSessions, node);
  put_session(txn, std::move(session));
  txn.bump(Table::kSessions);
  return {};
}

Status session_destroy(WriteTxn& txn, std::string_view id) {
  TRY_ASSIGN(const model::Session* session, session_get(txn, id));
  if (session == nullptr) return {};
  std::string key = to_lower(session->id);
  std::string node = to_lower(session->node);
  txn.erase(TableIndex::kSessionsByNode, index_prefix(node) + key);
  for (const std::string& check : check_ids(*session)) {
    txn.erase(TableIndex::kSessionChecks, index_prefix(node, to_lower(check)) + key);
  }
  txn.erase(TableIndex::kSessions, key);  // the record stays readable until publication
  txn.bump(Table::kSessions);
  txn.bump_activity(Activity::kNodeSessions, node);
  txn.effects().sessions_destroyed.push_back(session->id);
  free_keys(txn, *session);
  opaque_delete_queries_of_session(txn, session->id);
  return {};
}

void session_destroy_of_node(WriteTxn& txn, std::string_view node) {
  destroy_listed(txn, TableIndex::kSessionsByNode, index_prefix(to_lower(node)));
}

void session_destroy_of_check(WriteTxn& txn, std::string_view node, std::string_view check_id) {
  destroy_listed(txn, TableIndex::kSessionChecks, index_prefix(to_lower(node), to_lower(check_id)));
}

void session_restore(WriteTxn& txn, model::Session session) { put_session(txn, std::move(session)); }

}  // namespace praetor::store
