// What the catalog's files share. Not for use outside src/store.
#pragma once

#include <string>
#include <string_view>

#include "model/catalog.h"
#include "store/store.h"

namespace praetor::store::internal {

// The row of the index table for a service's name: "service.web".
std::string service_index_name(std::string_view service);

// Consul's service.<name> index moves with instances, their nodes and their checks; `membership` tells all
// but the last apart.
void bump_service(WriteTxn& txn, std::string_view service, bool membership);
// The same for every service on a node (a change of the node, or of one of its own checks).
void bump_services_of_node(WriteTxn& txn, std::string_view node, bool membership);

}  // namespace praetor::store::internal
