// The catalog's records as the answers see them.
#pragma once

#include <span>
#include <string>

#include "dns/backend.h"
#include "model/catalog.h"
#include "model/query.h"

namespace praetor::dns {

NodeInfo node_info(const model::Node& node, const std::string& datacenter);
ServiceInstance instance_of(const model::Node& node, const model::NodeService& service,
                            std::span<const model::HealthCheck* const> checks, const std::string& datacenter);
ServiceInstance instance_of(const model::CheckServiceNode& each, const std::string& datacenter);
PreparedResult prepared_result(const model::PreparedQueryExecuteResponse& reply,
                               const std::string& datacenter);
// "No path to datacenter" and "Query not found" are names that do not exist; the rest is a failure.
Error lookup_error(Error error);

}  // namespace praetor::dns
