#include <string>
#include <vector>

#include "base/text.h"
#include "model/validate.h"
#include "store/catalog.h"
#include "store/catalog_internal.h"

namespace praetor::store {
namespace {

using model::NodeService;

bool same(const NodeService& a, const NodeService& b) {
  return a.kind == b.kind && a.id == b.id && a.service == b.service && a.tags == b.tags &&
         a.address == b.address && a.tagged_addresses == b.tagged_addresses && a.meta == b.meta &&
         a.port == b.port && a.weights == b.weights && a.enable_tag_override == b.enable_tag_override &&
         a.proxy == b.proxy && a.connect == b.connect;
}

// The name under which a Connect look-up finds the instance; empty: not at all.
std::string_view connect_name(const NodeService& service) {
  if (service.kind == "connect-proxy") return service.proxy.destination_service_name;
  return service.connect.native ? std::string_view(service.service) : std::string_view();
}

std::string kind_index_name(const NodeService& service) {
  return "service_kind." + (service.kind.empty() ? std::string("typical") : service.kind);
}

// The secondary indexes of an instance: (table, key).
struct SecondaryKeys {
  explicit SecondaryKeys(const ServiceRecord& record) {
    std::string instance = index_key(to_lower(record.node), to_lower(record.service.id));
    by_name = index_prefix(to_lower(record.service.service)) + instance;
    by_kind = index_prefix(record.service.kind) + instance;
    std::string_view name = connect_name(record.service);
    if (!name.empty()) connect = index_prefix(to_lower(name)) + instance;
  }
  std::string by_name;
  std::string by_kind;
  std::string connect;
};

void erase_secondary(WriteTxn& txn, const SecondaryKeys& before, const SecondaryKeys* after) {
  if (after == nullptr || after->by_name != before.by_name) {
    txn.erase(TableIndex::kServicesByName, before.by_name);
  }
  if (after == nullptr || after->by_kind != before.by_kind) {
    txn.erase(TableIndex::kServicesByKind, before.by_kind);
  }
  if (!before.connect.empty() && (after == nullptr || after->connect != before.connect)) {
    txn.erase(TableIndex::kConnectServices, before.connect);
  }
}

void put_service(WriteTxn& txn, std::string_view node, NodeService service, const ServiceRecord* before) {
  auto* record = new ServiceRecord{std::string(node), std::move(service)};
  SecondaryKeys keys(*record);
  if (before != nullptr) erase_secondary(txn, SecondaryKeys(*before), &keys);
  std::string key = index_key(to_lower(node), to_lower(record->service.id));
  txn.put(TableIndex::kServices, make_record_leaf(LeafKind::kService, key, record));
  txn.put_borrowed(TableIndex::kServicesByName, keys.by_name, record);
  txn.put_borrowed(TableIndex::kServicesByKind, keys.by_kind, record);
  if (!keys.connect.empty()) txn.put_borrowed(TableIndex::kConnectServices, keys.connect, record);
}

NodeService normalised(NodeService service) {
  if (!service.weights || !model::validate_weights(*service.weights)) service.weights = model::Weights{1, 1};
  service.locally_registered_as_sidecar = false;  // the agent's own business
  return service;
}

// An instance left the name: its index moves, or ends with the last instance.
void leave_name(WriteTxn& txn, std::string_view service) {
  std::string name = to_lower(service);
  if (txn.tables().tree(TableIndex::kServicesByName).has_prefix(index_prefix(name))) {
    internal::bump_service(txn, service, true);
    return;
  }
  txn.erase(TableIndex::kIndexes, to_lower(internal::service_index_name(service)));
  txn.erase(TableIndex::kActivity, activity_key(Activity::kServiceMembers, service));
  txn.erase(TableIndex::kActivity, activity_key(Activity::kServiceChecks, service));
  txn.bump(Table::kServiceLastExtinction);
}

}  // namespace

namespace internal {

std::string service_index_name(std::string_view service) { return "service." + std::string(service); }

void bump_service(WriteTxn& txn, std::string_view service, bool membership) {
  txn.bump_named(service_index_name(service));
  if (membership) txn.bump_activity(Activity::kServiceMembers, service);
}

void bump_services_of_node(WriteTxn& txn, std::string_view node, bool membership) {
  std::vector<std::string> names;
  std::vector<std::string> kinds;
  txn.tables().visit_prefix(TableIndex::kServices, index_prefix(to_lower(node)), [&](const Leaf* leaf) {
    names.push_back(record_of<ServiceRecord>(leaf).service.service);
    kinds.push_back(kind_index_name(record_of<ServiceRecord>(leaf).service));
    return true;
  });
  for (const std::string& name : names) bump_service(txn, name, membership);
  for (const std::string& kind : kinds) txn.bump_named(kind);
}

}  // namespace internal

const ServiceRecord* service_find(const Tables& tables, std::string_view node, std::string_view service_id) {
  const Leaf* leaf = tables.find(TableIndex::kServices, index_key(to_lower(node), to_lower(service_id)));
  return leaf == nullptr ? nullptr : &record_of<ServiceRecord>(leaf);
}

Status service_put(WriteTxn& txn, std::string_view node, NodeService service) {
  if (auto valid = model::validate_service_metadata(service.kind, service.meta, false); !valid)
    return fail("Invalid Service Meta for node " + std::string(node) + " and serviceID " + service.id + ": " +
                valid.error().message);
  const model::Node* owner = node_find(txn, "", node);
  if (owner == nullptr) return fail("Missing node registration");
  if (service.id.empty()) return fail("failed inserting service: object missing primary index");
  const ServiceRecord* before = service_find(txn, node, service.id);
  service = normalised(std::move(service));
  service.indexes = {txn.index(), txn.index()};
  if (before != nullptr) {
    if (same(service, before->service)) return {};
    service.indexes.create_index = before->service.indexes.create_index;
  }
  std::string name = service.service;
  std::string kind = kind_index_name(service);
  // Consul leaves the old name's index where it is, so that its watchers miss the loss; here it moves.
  std::string left = before != nullptr && !equals_ignore_case(before->service.service, name)
                         ? before->service.service
                         : std::string();
  put_service(txn, node, std::move(service), before);
  if (!left.empty()) leave_name(txn, left);
  internal::bump_service(txn, name, true);
  txn.bump_named(kind);
  txn.bump(Table::kServices);
  txn.bump_activity(Activity::kNodeServices, node);
  return {};
}

void service_delete(WriteTxn& txn, std::string_view node, std::string_view service_id) {
  const ServiceRecord* before = service_find(txn, node, service_id);
  if (before == nullptr) return;
  std::string owner = to_lower(node);
  std::string id = to_lower(service_id);
  std::vector<std::string> checks;
  txn.tables().visit_prefix(TableIndex::kChecksByInstance, index_prefix(owner, id), [&](const Leaf* leaf) {
    checks.push_back(record_of<model::HealthCheck>(leaf).check_id);
    return true;
  });
  for (const std::string& check : checks) check_delete(txn, owner, check);
  erase_secondary(txn, SecondaryKeys(*before), nullptr);
  txn.erase(TableIndex::kServices, index_key(owner, id));  // `before` stays readable until publication
  txn.bump(Table::kServices);
  txn.bump_named(kind_index_name(before->service));
  txn.bump_activity(Activity::kNodeServices, owner);
  leave_name(txn, before->service.service);
}

void service_restore(WriteTxn& txn, std::string_view node, NodeService service) {
  put_service(txn, node, normalised(std::move(service)), nullptr);
}

}  // namespace praetor::store
