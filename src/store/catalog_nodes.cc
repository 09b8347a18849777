#include <string>
#include <vector>

#include "base/text.h"
#include "store/catalog.h"
#include "store/catalog_internal.h"
#include "store/session.h"

namespace praetor::store {
namespace {

using model::Node;

bool same(const Node& a, const Node& b) {
  return a.id == b.id && a.node == b.node && a.address == b.address && a.datacenter == b.datacenter &&
         a.tagged_addresses == b.tagged_addresses && a.meta == b.meta;
}

void put_node(WriteTxn& txn, Node node) {
  auto* record = new Node(std::move(node));
  std::string name = to_lower(record->node);
  const Node* before = node_find(txn, "", name);
  if (before != nullptr && !before->id.empty() && !equals_ignore_case(before->id, record->id)) {
    txn.erase(TableIndex::kNodesById, to_lower(before->id));
  }
  txn.put(TableIndex::kNodes, make_record_leaf(LeafKind::kNode, name, record));
  if (!record->id.empty()) txn.put_borrowed(TableIndex::kNodesById, to_lower(record->id), record);
}

// A node keeps its name against other ids as long as its serfHealth check exists and is not critical.
Status check_name_is_free(const Tables& tables, const Node& node, bool may_take_from_nodes_without_id) {
  const Node* holder = node_find(tables, "", node.node);
  if (holder == nullptr || equals_ignore_case(holder->id, node.id)) return {};
  const model::HealthCheck* serf = check_find(tables, holder->node, model::kSerfHealthCheckID);
  bool failed = serf != nullptr && serf->status == model::kHealthCritical;
  bool unmanaged = serf == nullptr && !holder->id.empty();
  if (failed || unmanaged || (holder->id.empty() && may_take_from_nodes_without_id)) return {};
  return fail("Node name " + node.node + " is reserved by node " + holder->id + " with name " + holder->node +
              " (" + holder->address + ")");
}

// A node whose id is known under another name is renamed: the old name goes with all it has.
Status resolve_id(WriteTxn& txn, const Node& node, const Node*& existing) {
  existing = node_find(txn, node.id, "");
  if (existing == nullptr) {
    if (auto free = check_name_is_free(txn, node, true); !free) {
      return fail("Error while renaming Node ID: " + go_quote(node.id) + ": " + free.error().message);
    }
    return {};
  }
  if (existing->node == node.node) return {};
  if (auto free = check_name_is_free(txn, node, false); !free) {
    return fail("Error while renaming Node ID: " + go_quote(node.id) + " (" + node.address +
                "): " + free.error().message);
  }
  node_delete(txn, existing->node);  // the record stays readable until publication
  return {};
}

template <typename Record>
std::vector<std::string> ids_of_node(const Tables& tables, TableIndex table, std::string_view node,
                                     std::string (*id)(const Record&)) {
  std::vector<std::string> ids;
  tables.visit_prefix(table, index_prefix(node), [&](const Leaf* leaf) {
    ids.push_back(id(record_of<Record>(leaf)));
    return true;
  });
  return ids;
}

}  // namespace

const Node* node_find(const Tables& tables, std::string_view id, std::string_view name) {
  const Leaf* leaf = id.empty() ? tables.find(TableIndex::kNodes, to_lower(name))
                                : tables.find(TableIndex::kNodesById, to_lower(id));
  return leaf == nullptr ? nullptr : &record_of<Node>(leaf);
}

Status node_put(WriteTxn& txn, Node node) {
  const Node* existing = nullptr;
  if (!node.id.empty()) TRY(resolve_id(txn, node, existing));
  if (existing == nullptr) existing = node_find(txn, "", node.node);
  node.indexes = {txn.index(), txn.index()};
  if (existing != nullptr) {
    if (same(node, *existing)) return {};
    node.indexes.create_index = existing->indexes.create_index;
  }
  std::string name = node.node;
  put_node(txn, std::move(node));
  txn.bump(Table::kNodes);
  txn.bump_activity(Activity::kNodeServices, name);
  internal::bump_services_of_node(txn, name, true);
  return {};
}

void node_delete(WriteTxn& txn, std::string_view node) {
  const Node* existing = node_find(txn, "", node);
  if (existing == nullptr) return;
  std::string name = to_lower(node);
  for (const std::string& id : ids_of_node<ServiceRecord>(
           txn, TableIndex::kServices, name, [](const ServiceRecord& record) { return record.service.id; })) {
    service_delete(txn, name, id);
  }
  for (const std::string& id : ids_of_node<model::HealthCheck>(
           txn, TableIndex::kChecks, name, [](const model::HealthCheck& check) { return check.check_id; })) {
    check_delete(txn, name, id);
  }
  coordinates_delete_of_node(txn, name);
  txn.erase(TableIndex::kNodes, name);
  if (!existing->id.empty()) txn.erase(TableIndex::kNodesById, to_lower(existing->id));
  txn.bump(Table::kNodes);
  session_destroy_of_node(txn, name);
  for (Activity kind : {Activity::kNodeServices, Activity::kNodeChecks, Activity::kNodeSessions}) {
    txn.erase(TableIndex::kActivity, activity_key(kind, name));
  }
  txn.set_node_removal_index(txn.index());
}

void node_restore(WriteTxn& txn, Node node) { put_node(txn, std::move(node)); }

// --- whole requests ---

namespace {

bool changes_node(const model::RegisterRequest& request, const Node& existing) {
  return !request.skip_node_update &&
         (request.id != existing.id || request.node != existing.node || request.address != existing.address ||
          request.datacenter != existing.datacenter ||
          request.tagged_addresses != existing.tagged_addresses || request.node_meta != existing.meta);
}

Status register_node(WriteTxn& txn, const model::RegisterRequest& request) {
  const Node* existing = node_find(txn, "", request.node);
  if (existing != nullptr && !changes_node(request, *existing)) return {};
  Node node;
  node.id = request.id;
  node.node = request.node;
  node.address = request.address;
  node.datacenter = request.datacenter;
  node.tagged_addresses = request.tagged_addresses;
  node.meta = request.node_meta;
  if (auto put = node_put(txn, std::move(node)); !put) {
    return fail("failed inserting node: " + put.error().message);
  }
  return {};
}

Status register_check(WriteTxn& txn, const model::RegisterRequest& request, const model::HealthCheck& check) {
  if (!equals_ignore_case(check.node, request.node)) {
    return fail("check node " + go_quote(check.node) + " does not match node " + go_quote(request.node));
  }
  if (auto put = check_put(txn, check); !put) {
    return fail("failed inserting check: " + put.error().message + " on node " + go_quote(request.node));
  }
  return {};
}

}  // namespace

Status catalog_register(WriteTxn& txn, const model::RegisterRequest& request) {
  TRY(register_node(txn, request));
  if (request.service) {
    if (auto put = service_put(txn, request.node, *request.service); !put) {
      return fail("failed inserting service: " + put.error().message);
    }
  }
  if (request.check) TRY(register_check(txn, request, *request.check));
  for (const model::HealthCheck& check : request.checks) TRY(register_check(txn, request, check));
  return {};
}

Status catalog_deregister(WriteTxn& txn, const model::DeregisterRequest& request) {
  if (!request.service_id.empty()) {
    service_delete(txn, request.node, request.service_id);
  } else if (!request.check_id.empty()) {
    check_delete(txn, request.node, request.check_id);
  } else {
    node_delete(txn, request.node);
  }
  return {};
}

}  // namespace praetor::store
