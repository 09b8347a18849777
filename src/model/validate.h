// The rules of service instances that the agent and the server both apply (http-api.md 3). Pure; any thread.
#pragma once

#include <string>
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

}  // namespace praetor::model
