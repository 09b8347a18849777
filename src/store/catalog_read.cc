#include "store/catalog_read.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "store/catalog.h"
#include "store/catalog_internal.h"

namespace praetor::store {
namespace {

using model::HealthCheck;
using model::Node;

bool matches(const Node* node, const MetaFilter& meta) {
  if (meta.empty()) return true;
  if (node == nullptr) return false;
  return std::all_of(meta.begin(), meta.end(), [&](const auto& pair) {
    const std::string* value = node->meta.get(pair.first);
    return value != nullptr && *value == pair.second;
  });
}

// Consul's index of a service: its own row; without one, the last time any service ended; else the tables'.
ReadIndex service_index(const Tables& tables, std::string_view service, bool with_checks) {
  const Leaf* leaf = tables.find(TableIndex::kIndexes, to_lower(internal::service_index_name(service)));
  if (leaf != nullptr) {
    const auto& row = record_of<IndexRecord>(leaf);
    return ReadIndex::of(row.value, with_checks ? row.value : row.changed);
  }
  uint64_t extinction = tables.table_index(Table::kServiceLastExtinction);
  if (extinction != 0) return ReadIndex::exact(extinction);
  uint64_t reported = tables.max_index(Table::kNodes, Table::kServices);
  if (with_checks) reported = std::max(reported, tables.table_index(Table::kChecks));
  return ReadIndex::of(reported, tables.activity_floor);
}

// Watches what an answer shows of an instance's node.
void watch_node_of(WatchSet* watch, std::string_view lower_node) {
  watch_key(watch, TableIndex::kNodes, lower_node);
}

ReadIndex visit_instances(const Tables& tables, ServiceLookup lookup, std::string_view service,
                          bool with_checks, WatchSet* watch,
                          const std::function<void(const InstanceRef&)>& visit) {
  TableIndex table =
      lookup == ServiceLookup::kName ? TableIndex::kServicesByName : TableIndex::kConnectServices;
  std::string prefix = index_prefix(to_lower(service));
  watch_prefix(watch, table, prefix);
  ReadIndex read;
  std::string_view last_name;
  bool any = false;
  tables.visit_prefix(table, prefix, [&](const Leaf* leaf) {
    const auto& record = record_of<ServiceRecord>(leaf);
    std::string node = to_lower(record.node);
    watch_node_of(watch, node);
    const Leaf* owner = tables.find(TableIndex::kNodes, node);
    if (owner == nullptr) return true;
    if (lookup == ServiceLookup::kConnect && (!any || last_name != record.service.service)) {
      last_name = record.service.service;
      read.merge(service_index(tables, last_name, with_checks));
    }
    any = true;
    visit({&record_of<Node>(owner), &record});
    return true;
  });
  if (lookup == ServiceLookup::kName || !any) read = service_index(tables, service, with_checks);
  return read;
}

void collect_checks(const Tables& tables, TableIndex table, std::string_view prefix,
                    std::vector<const HealthCheck*>& checks) {
  tables.visit_prefix(table, prefix, [&](const Leaf* leaf) {
    checks.push_back(&record_of<HealthCheck>(leaf));
    return true;
  });
}

// The node's own checks, then the instance's.
void collect_instance_checks(const Tables& tables, const ServiceRecord& record, WatchSet* watch,
                             std::vector<const HealthCheck*>& checks) {
  std::string node = to_lower(record.node);
  for (const std::string& prefix :
       {index_prefix(node, ""), index_prefix(node, to_lower(record.service.id))}) {
    watch_prefix(watch, TableIndex::kChecksByInstance, prefix);
    collect_checks(tables, TableIndex::kChecksByInstance, prefix, checks);
  }
}

// Drops checks whose node does not match.
void filter_checks(const Tables& tables, const MetaFilter& meta, WatchSet* watch,
                   std::vector<const HealthCheck*>& checks) {
  if (meta.empty()) return;
  watch_prefix(watch, TableIndex::kNodes, "");
  std::erase_if(checks,
                [&](const HealthCheck* check) { return !matches(node_find(tables, "", check->node), meta); });
}

}  // namespace

model::ServiceNode to_service_node(const InstanceRef& instance) {
  const Node& node = *instance.node;
  const model::NodeService& service = instance.service->service;
  model::ServiceNode result;
  result.id = node.id;
  result.node = node.node;
  result.address = node.address;
  result.datacenter = node.datacenter;
  result.tagged_addresses = node.tagged_addresses;
  result.node_meta = node.meta;
  result.service_kind = service.kind;
  result.service_id = service.id;
  result.service_name = service.service;
  result.service_tags = service.tags;
  result.service_address = service.address;
  result.service_tagged_addresses = service.tagged_addresses;
  if (service.weights) result.service_weights = *service.weights;
  result.service_meta = service.meta;
  result.service_port = service.port;
  result.service_enable_tag_override = service.enable_tag_override;
  result.service_proxy = service.proxy;
  result.service_connect = service.connect;
  result.indexes = service.indexes;
  return result;
}

model::CheckServiceNode to_check_service_node(const InstanceRef& instance,
                                              std::span<const HealthCheck* const> checks) {
  model::CheckServiceNode result;
  result.node = *instance.node;
  result.service = instance.service->service;
  result.checks.reserve(checks.size());
  for (const HealthCheck* check : checks) result.checks.push_back(*check);
  return result;
}

ReadIndex list_nodes(const Tables& tables, const MetaFilter& meta, WatchSet* watch,
                     std::vector<const Node*>& nodes) {
  watch_prefix(watch, TableIndex::kNodes, "");
  tables.tree(TableIndex::kNodes).visit_all([&](const Leaf* leaf) {
    const Node* node = &record_of<Node>(leaf);
    if (matches(node, meta)) nodes.push_back(node);
    return true;
  });
  return ReadIndex::exact(tables.table_index(Table::kNodes));
}

ReadIndex list_services(const Tables& tables, const MetaFilter& meta, WatchSet* watch,
                        model::Map<model::List<std::string>>& services) {
  services.make_empty();
  watch_prefix(watch, TableIndex::kServices, "");
  if (!meta.empty()) watch_prefix(watch, TableIndex::kNodes, "");
  std::set<std::string_view> tags;
  std::string_view name;
  auto flush = [&] {
    if (name.empty()) return;
    model::List<std::string>& list = services[name];
    list.make_empty();
    list.assign(tags.begin(), tags.end());
    tags.clear();
  };
  tables.tree(TableIndex::kServicesByName).visit_all([&](const Leaf* leaf) {
    const auto& record = record_of<ServiceRecord>(leaf);
    if (!meta.empty() && !matches(node_find(tables, "", record.node), meta)) return true;
    if (record.service.service != name) {
      flush();
      name = record.service.service;
    }
    tags.insert(record.service.tags.begin(), record.service.tags.end());
    return true;
  });
  flush();
  return ReadIndex::exact(meta.empty() ? tables.table_index(Table::kServices)
                                       : tables.max_index(Table::kNodes, Table::kServices));
}

ReadIndex service_nodes(const Tables& tables, ServiceLookup lookup, std::string_view service, WatchSet* watch,
                        const std::function<void(const InstanceRef&)>& visit) {
  return visit_instances(tables, lookup, service, false, watch, visit);
}

ReadIndex check_service_nodes(const Tables& tables, ServiceLookup lookup, std::string_view service,
                              WatchSet* watch, const HealthVisitor& visit) {
  std::vector<const HealthCheck*> checks;
  return visit_instances(tables, lookup, service, true, watch, [&](const InstanceRef& instance) {
    checks.clear();
    collect_instance_checks(tables, *instance.service, watch, checks);
    visit(instance, checks);
  });
}

ReadIndex node_services(const Tables& tables, std::string_view node, WatchSet* watch,
                        NodeServicesRef& result) {
  watch_key(watch, TableIndex::kNodes, to_lower(node));
  result.node = node_find(tables, "", node);
  if (result.node == nullptr && node.size() >= 2) {
    watch_prefix(watch, TableIndex::kNodesById, to_lower(node));
    size_t found = 0;
    tables.visit_prefix(TableIndex::kNodesById, to_lower(node), [&](const Leaf* leaf) {
      result.node = &record_of<Node>(leaf);
      return ++found < 2;
    });
    if (found != 1) result.node = nullptr;
    if (result.node != nullptr) watch_key(watch, TableIndex::kNodes, to_lower(result.node->node));
  }
  uint64_t reported = tables.max_index(Table::kNodes, Table::kServices);
  if (result.node == nullptr) {
    // The nodes table tells when one may have appeared.
    return ReadIndex::of(reported, tables.table_index(Table::kNodes));
  }
  std::string prefix = index_prefix(to_lower(result.node->node));
  watch_prefix(watch, TableIndex::kServices, prefix);
  tables.visit_prefix(TableIndex::kServices, prefix, [&](const Leaf* leaf) {
    result.services.push_back(&record_of<ServiceRecord>(leaf));
    return true;
  });
  return ReadIndex::of(reported, tables.activity(Activity::kNodeServices, result.node->node));
}

ReadIndex node_checks(const Tables& tables, std::string_view node, WatchSet* watch,
                      std::vector<const HealthCheck*>& checks) {
  std::string prefix = index_prefix(to_lower(node));
  watch_prefix(watch, TableIndex::kChecks, prefix);
  collect_checks(tables, TableIndex::kChecks, prefix, checks);
  return ReadIndex::of(tables.table_index(Table::kChecks), tables.node_activity(Activity::kNodeChecks, node));
}

ReadIndex service_checks(const Tables& tables, std::string_view service, const MetaFilter& meta,
                         WatchSet* watch, std::vector<const HealthCheck*>& checks) {
  std::string prefix = index_prefix(to_lower(service));
  watch_prefix(watch, TableIndex::kChecksByService, prefix);
  collect_checks(tables, TableIndex::kChecksByService, prefix, checks);
  filter_checks(tables, meta, watch, checks);
  ReadIndex of_service = service_index(tables, service, true);
  uint64_t reported = tables.table_index(Table::kChecks);
  if (!meta.empty()) {
    reported = std::max(reported, tables.table_index(Table::kNodes));
    return ReadIndex::exact(reported);
  }
  return ReadIndex::of(reported, of_service.changed);
}

ReadIndex checks_in_state(const Tables& tables, std::string_view state, const MetaFilter& meta,
                          WatchSet* watch, std::vector<const HealthCheck*>& checks) {
  uint64_t reported = tables.table_index(Table::kChecks);
  uint64_t changed = reported;
  if (state == "any") {
    watch_prefix(watch, TableIndex::kChecks, "");
    collect_checks(tables, TableIndex::kChecks, "", checks);
  } else {
    std::string prefix = index_prefix(state);
    watch_prefix(watch, TableIndex::kChecksByStatus, prefix);
    collect_checks(tables, TableIndex::kChecksByStatus, prefix, checks);
    changed = tables.activity(Activity::kStatus, state);
  }
  filter_checks(tables, meta, watch, checks);
  if (!meta.empty()) {
    reported = std::max(reported, tables.table_index(Table::kNodes));
    changed = std::max(changed, tables.table_index(Table::kNodes));
  }
  return ReadIndex::of(reported, changed);
}

ReadIndex node_dump(const Tables& tables, std::string_view node, WatchSet* watch,
                    std::vector<NodeDump>& dump) {
  auto add = [&](const Node* found) {
    NodeDump entry{found, {}, {}};
    std::string prefix = index_prefix(to_lower(found->node));
    tables.visit_prefix(TableIndex::kServices, prefix, [&](const Leaf* leaf) {
      entry.services.push_back(&record_of<ServiceRecord>(leaf));
      return true;
    });
    collect_checks(tables, TableIndex::kChecks, prefix, entry.checks);
    dump.push_back(std::move(entry));
  };
  uint64_t reported =
      std::max(tables.max_index(Table::kNodes, Table::kServices), tables.table_index(Table::kChecks));
  std::string name = to_lower(node);
  std::string below = name.empty() ? std::string() : index_prefix(name);
  watch_prefix(watch, TableIndex::kServices, below);
  watch_prefix(watch, TableIndex::kChecks, below);
  if (name.empty()) {
    watch_prefix(watch, TableIndex::kNodes, "");
    tables.tree(TableIndex::kNodes).visit_all([&](const Leaf* leaf) {
      add(&record_of<Node>(leaf));
      return true;
    });
    return ReadIndex::exact(reported);
  }
  watch_key(watch, TableIndex::kNodes, name);
  const Node* found = node_find(tables, "", name);
  if (found != nullptr) add(found);
  return ReadIndex::of(reported, std::max(tables.node_activity(Activity::kNodeServices, name),
                                          tables.node_activity(Activity::kNodeChecks, name)));
}

ReadIndex service_dump(const Tables& tables, const std::string* kind, WatchSet* watch,
                       const HealthVisitor& visit) {
  TableIndex table = kind == nullptr ? TableIndex::kServicesByName : TableIndex::kServicesByKind;
  std::string prefix = kind == nullptr ? std::string() : index_prefix(*kind);
  watch_prefix(watch, table, prefix);
  if (kind == nullptr) {
    watch_prefix(watch, TableIndex::kNodes, "");
    watch_prefix(watch, TableIndex::kChecks, "");
  }
  std::vector<const HealthCheck*> checks;
  tables.visit_prefix(table, prefix, [&](const Leaf* leaf) {
    const auto& record = record_of<ServiceRecord>(leaf);
    std::string node = to_lower(record.node);
    if (kind != nullptr) watch_node_of(watch, node);
    const Leaf* owner = tables.find(TableIndex::kNodes, node);
    if (owner == nullptr) return true;
    checks.clear();
    collect_instance_checks(tables, record, kind != nullptr ? watch : nullptr, checks);
    visit({&record_of<Node>(owner), &record}, checks);
    return true;
  });
  uint64_t all =
      std::max(tables.max_index(Table::kNodes, Table::kServices), tables.table_index(Table::kChecks));
  if (kind == nullptr) return ReadIndex::exact(all);
  uint64_t of_kind = tables.named_index("service_kind." + (kind->empty() ? std::string("typical") : *kind));
  // A check moves no index of its kind in Consul; the checks table covers it.
  return ReadIndex::of(std::max(of_kind, tables.table_index(Table::kChecks)), all);
}

ReadIndex list_coordinates(const Tables& tables, WatchSet* watch,
                           std::vector<const model::Coordinate*>& coordinates) {
  watch_prefix(watch, TableIndex::kCoordinates, "");
  tables.tree(TableIndex::kCoordinates).visit_all([&](const Leaf* leaf) {
    coordinates.push_back(&record_of<model::Coordinate>(leaf));
    return true;
  });
  return ReadIndex::exact(tables.table_index(Table::kCoordinates));
}

ReadIndex node_coordinates(const Tables& tables, std::string_view node, WatchSet* watch,
                           std::vector<const model::Coordinate*>& coordinates) {
  std::string prefix = index_prefix(to_lower(node));
  watch_prefix(watch, TableIndex::kCoordinates, prefix);
  tables.visit_prefix(TableIndex::kCoordinates, prefix, [&](const Leaf* leaf) {
    coordinates.push_back(&record_of<model::Coordinate>(leaf));
    return true;
  });
  return ReadIndex::exact(tables.table_index(Table::kCoordinates));
}

}  // namespace praetor::store
