// Writing the catalog: nodes, services, checks. Rules and texts: semantics.md 1, 8; http-api.md 4.
//
// All functions work inside an open transaction. On an error the caller rolls back: what came before it in
// the same request must not stay. Names of nodes, services and ids are compared without case.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/agent.h"
#include "model/catalog.h"
#include "store/store.h"

namespace praetor::store {

// Registers a node and, if given, a service and checks. Identical data changes no index.
Status catalog_register(WriteTxn& txn, const model::RegisterRequest& request);
// A service, else a check, else the whole node with all it has. What is absent is no error.
Status catalog_deregister(WriteTxn& txn, const model::DeregisterRequest& request);

// The parts, which transactions use too. Indexes in the records are set here.
Status node_put(WriteTxn& txn, model::Node node);
void node_delete(WriteTxn& txn, std::string_view node);
Status service_put(WriteTxn& txn, std::string_view node, model::NodeService service);
void service_delete(WriteTxn& txn, std::string_view node, std::string_view service_id);
Status check_put(WriteTxn& txn, model::HealthCheck check);
void check_delete(WriteTxn& txn, std::string_view node, std::string_view check_id);

// Exact look-ups; null when absent. `node_find` takes the id if it is not empty, else the name.
const model::Node* node_find(const Tables& tables, std::string_view id, std::string_view name);
const ServiceRecord* service_find(const Tables& tables, std::string_view node, std::string_view service_id);
const model::HealthCheck* check_find(const Tables& tables, std::string_view node, std::string_view check_id);

// Coordinates of nodes that are not registered are dropped.
void coordinates_put(WriteTxn& txn, const model::List<model::Coordinate>& batch);
void coordinates_delete_of_node(WriteTxn& txn, std::string_view node);

// Restores a snapshot's records as they are (their indexes stay; table indexes are restored by themselves).
void node_restore(WriteTxn& txn, model::Node node);
void service_restore(WriteTxn& txn, std::string_view node, model::NodeService service);
void check_restore(WriteTxn& txn, model::HealthCheck check);

}  // namespace praetor::store
