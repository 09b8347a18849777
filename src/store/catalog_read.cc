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
// The row is also what to wait for: it comes, moves and goes with everything that an answer shows.
ReadIndex service_index(const Tables& tables, std::string_view service, bool with_checks, WatchSet* watch) {
  std::string row_key = to_lower(internal::service_index_name(service));
  if (with_checks) {
    watch_key(watch, TableIndex::kIndexes, row_key);
  } else {
    watch_key(watch, TableIndex::kActivity, activity_key(Activity::kServiceMembers, service));
  }
  const Leaf* leaf = tables.find(TableIndex::kIndexes, row_key);
  if (leaf != nullptr) {
    uint64_t reported = record_of<IndexRecord>(leaf).value;
    uint64_t members = with_checks ? reported : tables.activity(Activity::kServiceMembers, service);
    return ReadIndex::of(reported, members);
  }
  uint64_t extinction = tables.table_index(Table::kServiceLastExtinction);
  if (extinction != 0) return ReadIndex::exact(extinction);
  uint64_t reported = tables.max_index(Table::kNodes, Table::kServices);
  if (with_checks) reported = std::max(reported, tables.table_index(Table::kChecks));
  return ReadIndex::of(reported, tables.activity_floor);
}

// An instance and where it stands: the part "node\0id\0" that every index of services and checks has.
using Visitor = std::function<void(const InstanceRef&, std::string_view place)>;

std::string_view node_of_place(std::string_view place) { return place.substr(0, place.find('\0')); }

void visit_instances(const Tables& tables, TableIndex table, std::string_view prefix, const Visitor& visit) {
  std::string_view name;
  const Node* node = nullptr;
  tables.visit_prefix(table, prefix, [&](const Leaf* leaf) {
    std::string_view place = leaf->key().substr(leaf->key().find('\0') + 1);
    if (node == nullptr || node_of_place(place) != name) {
      name = node_of_place(place);
      const Leaf* owner = tables.find(TableIndex::kNodes, name);
      node = owner == nullptr ? nullptr : &record_of<Node>(owner);
    }
    if (node != nullptr) visit({node, &record_of<ServiceRecord>(leaf)}, place);
    return true;
  });
}

ReadIndex visit_service(const Tables& tables, ServiceLookup lookup, std::string_view service,
                        bool with_checks, WatchSet* watch, const Visitor& visit) {
  std::string prefix = index_prefix(to_lower(service));
  if (lookup == ServiceLookup::kName) {
    visit_instances(tables, TableIndex::kServicesByName, prefix, visit);
    return service_index(tables, service, with_checks, watch);
  }
  // Proxies have services of their own, whose indexes the answer follows.
  watch_prefix(watch, TableIndex::kConnectServices, prefix);
  std::set<std::string_view> names;
  visit_instances(tables, TableIndex::kConnectServices, prefix,
                  [&](const InstanceRef& instance, std::string_view place) {
                    names.insert(instance.service->service.service);
                    visit(instance, place);
                  });
  if (names.empty()) return service_index(tables, service, with_checks, watch);
  ReadIndex read;
  for (std::string_view name : names) read.merge(service_index(tables, name, with_checks, watch));
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
void collect_instance_checks(const Tables& tables, std::string_view place, std::string& buffer,
                             std::vector<const HealthCheck*>& checks) {
  checks.clear();
  buffer.assign(node_of_place(place)).append(2, '\0');
  collect_checks(tables, TableIndex::kChecksByInstance, buffer, checks);
  collect_checks(tables, TableIndex::kChecksByInstance, place, checks);
}

// Adapts a HealthVisitor: each instance with its checks.
Visitor with_checks_of(const Tables& tables, const HealthVisitor& visit) {
  return [&tables, &visit, buffer = std::string(), checks = std::vector<const HealthCheck*>()](
             const InstanceRef& instance, std::string_view place) mutable {
    collect_instance_checks(tables, place, buffer, checks);
    visit(instance, checks);
  };
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
  return visit_service(tables, lookup, service, false, watch,
                       [&](const InstanceRef& instance, std::string_view) { visit(instance); });
}

ReadIndex check_service_nodes(const Tables& tables, ServiceLookup lookup, std::string_view service,
                              WatchSet* watch, const HealthVisitor& visit) {
  return visit_service(tables, lookup, service, true, watch, with_checks_of(tables, visit));
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
  watch_key(watch, TableIndex::kActivity, activity_key(Activity::kNodeServices, result.node->node));
  tables.visit_prefix(TableIndex::kServices, prefix, [&](const Leaf* leaf) {
    result.services.push_back(&record_of<ServiceRecord>(leaf));
    return true;
  });
  return ReadIndex::of(reported, tables.activity(Activity::kNodeServices, result.node->node));
}

ReadIndex node_checks(const Tables& tables, std::string_view node, WatchSet* watch,
                      std::vector<const HealthCheck*>& checks) {
  std::string prefix = index_prefix(to_lower(node));
  watch_key(watch, TableIndex::kActivity, activity_key(Activity::kNodeChecks, node));
  collect_checks(tables, TableIndex::kChecks, prefix, checks);
  return ReadIndex::of(tables.table_index(Table::kChecks), tables.activity(Activity::kNodeChecks, node));
}

ReadIndex service_checks(const Tables& tables, std::string_view service, const MetaFilter& meta,
                         WatchSet* watch, std::vector<const HealthCheck*>& checks) {
  watch_key(watch, TableIndex::kActivity, activity_key(Activity::kServiceChecks, service));
  collect_checks(tables, TableIndex::kChecksByService, index_prefix(to_lower(service)), checks);
  filter_checks(tables, meta, watch, checks);
  uint64_t reported = tables.table_index(Table::kChecks);
  if (!meta.empty()) return ReadIndex::exact(std::max(reported, tables.table_index(Table::kNodes)));
  return ReadIndex::of(reported, tables.activity(Activity::kServiceChecks, service));
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
    watch_key(watch, TableIndex::kActivity, activity_key(Activity::kStatus, state));
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
  return ReadIndex::of(reported, std::max(tables.activity(Activity::kNodeServices, name),
                                          tables.activity(Activity::kNodeChecks, name)));
}

ReadIndex service_dump(const Tables& tables, const std::string* kind, WatchSet* watch,
                       const HealthVisitor& visit) {
  uint64_t all =
      std::max(tables.max_index(Table::kNodes, Table::kServices), tables.table_index(Table::kChecks));
  Visitor with_checks = with_checks_of(tables, visit);
  if (kind == nullptr) {
    for (TableIndex table : {TableIndex::kServices, TableIndex::kNodes, TableIndex::kChecks}) {
      watch_prefix(watch, table, "");
    }
    visit_instances(tables, TableIndex::kServicesByName, "", with_checks);
    return ReadIndex::exact(all);
  }
  std::string row = "service_kind." + (kind->empty() ? std::string("typical") : *kind);
  watch_key(watch, TableIndex::kIndexes, to_lower(row));
  std::set<std::string_view> names;
  visit_instances(tables, TableIndex::kServicesByKind, index_prefix(*kind),
                  [&](const InstanceRef& instance, std::string_view place) {
                    names.insert(instance.service->service.service);
                    with_checks(instance, place);
                  });
  // Checks move the index of their service, not of its kind.
  ReadIndex read = ReadIndex::exact(tables.named_index(row));
  for (std::string_view name : names) read.merge(service_index(tables, name, true, watch));
  return ReadIndex::of(std::max(read.reported, tables.table_index(Table::kChecks)), read.changed);
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
