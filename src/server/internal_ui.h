// The reads of the web UI (Internal.NodeInfo, NodeDump, ServiceDump).
#pragma once

#include "model/ui.h"
#include "server/method.h"
#include "server/read.h"

namespace praetor::server {

// An empty node: all of them.
Status internal_node_dump(ReadContext& context, const model::NodeSpecificRequest& request,
                          model::IndexedNodeDump& reply);
// Every instance with its node and checks.
Status internal_service_dump(ReadContext& context, const model::DCSpecificRequest& request,
                             model::IndexedCheckServiceNodes& reply);

// One row a service name, by name.
model::List<model::ServiceSummary> summarize_services(const model::List<model::CheckServiceNode>& instances);

inline constexpr ReadMethod<model::NodeSpecificRequest, model::IndexedNodeDump> kInternalNodeDump{
    "Internal.NodeDump", internal_node_dump};
inline constexpr ReadMethod<model::NodeSpecificRequest, model::IndexedNodeDump> kInternalNodeInfo{
    "Internal.NodeInfo", internal_node_dump};
inline constexpr ReadMethod<model::DCSpecificRequest, model::IndexedCheckServiceNodes> kInternalServiceDump{
    "Internal.ServiceDump", internal_service_dump};

}  // namespace praetor::server
