// The body of PUT /v1/txn. Its operations have the forms of Consul's Go client, which know less than the
// server's records: a service's kind, proxy, addresses and Connect settings are read and left out, as is what
// a check's definition says beyond HTTP and TCP.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/containers.h"
#include "model/kv.h"

namespace praetor::http {

// Errors are whole answers: kBadRequest, or kTooLarge for too many operations or a value above `max_value`
// bytes.
Result<codec::List<model::TxnOp>> parse_txn_ops(std::string_view body, const std::string& datacenter,
                                                uint64_t max_value);

}  // namespace praetor::http
