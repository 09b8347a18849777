// ACL log entries, applied as Consul does: by its two systems, the one since 1.4 and the legacy one, whose
// ACLs are tokens without an accessor here too.
#pragma once

#include <any>

#include "codec/value.h"
#include "model/common.h"
#include "store/store.h"

namespace praetor::fsm {

// Whether apply_acl knows the type.
bool is_acl(model::MessageType type);
// The entry's result as Fsm::apply documents it.
std::any apply_acl(store::WriteTxn& txn, model::MessageType type, const codec::ValueMap& request);

// The token that a legacy ACL is.
codec::ValueMap token_of_legacy(const codec::ValueMap& acl);

}  // namespace praetor::fsm
