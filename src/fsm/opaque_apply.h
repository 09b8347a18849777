// Applies log entries of the areas whose records the store keeps opaque: ACL, intentions, Connect CA, config
// entries, prepared queries, autopilot, federation states. Sets, deletes, indexes and compare-and-set as
// Consul does, and with their links (acl_apply.h). Not done: where a config entry breaks the graph of the
// others (protocols, discovery chains), Consul refuses it here, and Praetor stores it.
#pragma once

#include <any>
#include <string_view>

#include "model/common.h"
#include "store/store.h"

namespace praetor::fsm {

// The entry's result as Fsm::apply documents it. `payload` is the MessagePack after the type byte.
std::any apply_opaque(store::WriteTxn& txn, model::MessageType type, std::string_view payload);

}  // namespace praetor::fsm
