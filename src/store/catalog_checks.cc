#include <string>
#include <vector>

#include "base/text.h"
#include "store/catalog.h"
#include "store/catalog_internal.h"
#include "store/session.h"

namespace praetor::store {
namespace {

using model::HealthCheck;

bool same(const HealthCheck& a, const HealthCheck& b) {
  return a.node == b.node && a.check_id == b.check_id && a.name == b.name && a.status == b.status &&
         a.notes == b.notes && a.output == b.output && a.service_id == b.service_id &&
         a.service_name == b.service_name && a.service_tags == b.service_tags && a.type == b.type &&
         a.definition == b.definition;
}

struct SecondaryKeys {
  explicit SecondaryKeys(const HealthCheck& check) {
    std::string node = to_lower(check.node);
    std::string id = to_lower(check.check_id);
    by_service = index_key(to_lower(check.service_name), node, id);
    by_status = index_key(check.status, node, id);
    by_instance = index_key(node, to_lower(check.service_id), id);
  }
  std::string by_service;
  std::string by_status;
  std::string by_instance;
};

void erase_secondary(WriteTxn& txn, const SecondaryKeys& before, const SecondaryKeys* after) {
  if (after == nullptr || after->by_service != before.by_service) {
    txn.erase(TableIndex::kChecksByService, before.by_service);
  }
  if (after == nullptr || after->by_status != before.by_status) {
    txn.erase(TableIndex::kChecksByStatus, before.by_status);
  }
  if (after == nullptr || after->by_instance != before.by_instance) {
    txn.erase(TableIndex::kChecksByInstance, before.by_instance);
  }
}

void put_check(WriteTxn& txn, HealthCheck check, const HealthCheck* before) {
  auto* record = new HealthCheck(std::move(check));
  SecondaryKeys keys(*record);
  if (before != nullptr) erase_secondary(txn, SecondaryKeys(*before), &keys);
  std::string key = index_key(to_lower(record->node), to_lower(record->check_id));
  txn.put(TableIndex::kChecks, make_record_leaf(LeafKind::kCheck, key, record));
  txn.put_borrowed(TableIndex::kChecksByService, keys.by_service, record);
  txn.put_borrowed(TableIndex::kChecksByStatus, keys.by_status, record);
  txn.put_borrowed(TableIndex::kChecksByInstance, keys.by_instance, record);
}

// Whose health this check is part of.
void bump_dependents(WriteTxn& txn, const HealthCheck& check) {
  if (!check.service_name.empty()) {
    internal::bump_service(txn, check.service_name, false);
    txn.bump_activity(Activity::kServiceChecks, check.service_name);
  } else {
    internal::bump_services_of_node(txn, check.node, false);
  }
}

}  // namespace

const HealthCheck* check_find(const Tables& tables, std::string_view node, std::string_view check_id) {
  const Leaf* leaf = tables.find(TableIndex::kChecks, index_key(to_lower(node), to_lower(check_id)));
  return leaf == nullptr ? nullptr : &record_of<HealthCheck>(leaf);
}

Status check_put(WriteTxn& txn, HealthCheck check) {
  if (check.status.empty()) check.status = model::kHealthCritical;
  if (node_find(txn, "", check.node) == nullptr) return fail("Missing node registration");
  if (check.check_id.empty()) return fail("failed inserting check: object missing primary index");
  if (!check.service_id.empty()) {
    const ServiceRecord* service = service_find(txn, check.node, check.service_id);
    if (service == nullptr) return fail("Missing service registration");
    check.service_name = service->service.service;
    check.service_tags = service->service.tags;
  }
  if (check.status == model::kHealthCritical) session_destroy_of_check(txn, check.node, check.check_id);
  const HealthCheck* before = check_find(txn, check.node, check.check_id);
  check.indexes = {txn.index(), txn.index()};
  if (before != nullptr) {
    if (same(check, *before)) return {};
    check.indexes.create_index = before->indexes.create_index;
    if (before->status != check.status) txn.bump_activity(Activity::kStatus, before->status);
    if (before->service_name != check.service_name) bump_dependents(txn, *before);
  }
  bump_dependents(txn, check);
  txn.bump(Table::kChecks);
  txn.bump_activity(Activity::kNodeChecks, check.node);
  txn.bump_activity(Activity::kStatus, check.status);
  put_check(txn, std::move(check), before);
  return {};
}

void check_delete(WriteTxn& txn, std::string_view node, std::string_view check_id) {
  const HealthCheck* before = check_find(txn, node, check_id);
  if (before == nullptr) return;
  erase_secondary(txn, SecondaryKeys(*before), nullptr);
  txn.erase(TableIndex::kChecks, index_key(to_lower(node), to_lower(check_id)));
  bump_dependents(txn, *before);  // stays readable until publication
  txn.bump(Table::kChecks);
  txn.bump_activity(Activity::kNodeChecks, before->node);
  txn.bump_activity(Activity::kStatus, before->status);
  session_destroy_of_check(txn, before->node, before->check_id);
}

void check_restore(WriteTxn& txn, HealthCheck check) { put_check(txn, std::move(check), nullptr); }

// --- coordinates ---

void coordinates_put(WriteTxn& txn, const model::List<model::Coordinate>& batch) {
  for (const model::Coordinate& update : batch) {
    if (node_find(txn, "", update.node) == nullptr) continue;  // it left meanwhile
    auto* record = new model::Coordinate(update);
    std::string key = index_key(to_lower(update.node), update.segment);
    txn.put(TableIndex::kCoordinates, make_record_leaf(LeafKind::kCoordinate, key, record));
  }
  txn.bump(Table::kCoordinates);
}

void coordinates_delete_of_node(WriteTxn& txn, std::string_view node) {
  std::vector<std::string> keys;
  txn.tables().visit_prefix(TableIndex::kCoordinates, index_prefix(to_lower(node)), [&](const Leaf* leaf) {
    keys.emplace_back(leaf->key());
    return true;
  });
  for (const std::string& key : keys) txn.erase(TableIndex::kCoordinates, key);
  if (!keys.empty()) txn.bump(Table::kCoordinates);
}

}  // namespace praetor::store
