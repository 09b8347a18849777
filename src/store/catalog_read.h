// Reading the catalog and health. Results point into the tables: valid while what holds them lives (a View).
//
// Every function answers with a ReadIndex (see tables.h) and adds to `watch`, which may be null, exactly what
// can change its result. `meta` filters by node metadata: all pairs must match; empty: no filter.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/agent.h"
#include "model/catalog.h"
#include "store/store.h"

namespace praetor::store {

using MetaFilter = model::Map<std::string>;

// An instance, joined with its node; node is never null.
struct InstanceRef {
  const model::Node* node;
  const ServiceRecord* service;
};
model::ServiceNode to_service_node(const InstanceRef& instance);
// Node checks first, then the instance's own.
model::CheckServiceNode to_check_service_node(const InstanceRef& instance,
                                              std::span<const model::HealthCheck* const> checks);

// How a service is asked for.
enum class ServiceLookup : uint8_t {
  kName,     // instances of the service
  kConnect,  // what accepts Connect connections for it: its proxies and native instances
};

ReadIndex list_nodes(const Tables& tables, const MetaFilter& meta, WatchSet* watch,
                     std::vector<const model::Node*>& nodes);

// Service names with the union of their tags.
ReadIndex list_services(const Tables& tables, const MetaFilter& meta, WatchSet* watch,
                        model::Map<model::List<std::string>>& services);

ReadIndex service_nodes(const Tables& tables, ServiceLookup lookup, std::string_view service, WatchSet* watch,
                        const std::function<void(const InstanceRef&)>& visit);

// Instances with their checks. The span is valid during the call.
using HealthVisitor = std::function<void(const InstanceRef&, std::span<const model::HealthCheck* const>)>;
ReadIndex check_service_nodes(const Tables& tables, ServiceLookup lookup, std::string_view service,
                              WatchSet* watch, const HealthVisitor& visit);

// By name; or by a unique prefix (two characters at least) of an id. Null when unknown.
struct NodeServicesRef {
  const model::Node* node = nullptr;
  std::vector<const ServiceRecord*> services;  // by id
};
ReadIndex node_services(const Tables& tables, std::string_view node, WatchSet* watch,
                        NodeServicesRef& result);

ReadIndex node_checks(const Tables& tables, std::string_view node, WatchSet* watch,
                      std::vector<const model::HealthCheck*>& checks);
ReadIndex service_checks(const Tables& tables, std::string_view service, const MetaFilter& meta,
                         WatchSet* watch, std::vector<const model::HealthCheck*>& checks);
// `state` is a status or "any".
ReadIndex checks_in_state(const Tables& tables, std::string_view state, const MetaFilter& meta,
                          WatchSet* watch, std::vector<const model::HealthCheck*>& checks);

// A node with all it has (Internal.NodeInfo, NodeDump). An empty name: all nodes.
struct NodeDump {
  const model::Node* node;
  std::vector<const ServiceRecord*> services;
  std::vector<const model::HealthCheck*> checks;
};
ReadIndex node_dump(const Tables& tables, std::string_view node, WatchSet* watch,
                    std::vector<NodeDump>& dump);
// Instances of a kind ("" typical) or, without one, of all kinds, with their checks.
ReadIndex service_dump(const Tables& tables, const std::string* kind, WatchSet* watch,
                       const HealthVisitor& visit);

ReadIndex list_coordinates(const Tables& tables, WatchSet* watch,
                           std::vector<const model::Coordinate*>& coordinates);
ReadIndex node_coordinates(const Tables& tables, std::string_view node, WatchSet* watch,
                           std::vector<const model::Coordinate*>& coordinates);

}  // namespace praetor::store
