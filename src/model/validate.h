// The rules of service instances that the agent and the server both apply (http-api.md 3). Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/catalog.h"

namespace praetor::model {

// What is wrong with a proxy or a gateway, one text a fault.
std::vector<std::string> node_service_faults(const NodeService& service);
// The same as one error with a multi-error text.
Status validate_node_service(const NodeService& service);

// `Passing must be greater than 0` …
Status validate_weights(const Weights& weights);

// The metadata of nodes and of services; a mesh gateway may use a key that is reserved otherwise.
Status validate_metadata(const Map<std::string>& meta, bool allow_reserved_keys);
Status validate_service_metadata(std::string_view kind, const Map<std::string>& meta,
                                 bool allow_reserved_keys);

}  // namespace praetor::model
