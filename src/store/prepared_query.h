// Prepared queries in the store (semantics.md 12). The records themselves are kept as MessagePack
// (store/opaque.h).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/query.h"
#include "store/store.h"

namespace praetor::store {

// May the query be set? Errors: `name 'x' aliases an existing query name`, `invalid session "…"`,
// `failed compiling template: …`.
Status prepared_query_check(const Tables& tables, const model::PreparedQuery& query);

// Error: `failed prepared query lookup: index error: UUID must be 36 characters`.
Result<std::optional<model::PreparedQuery>> prepared_query_get(const Tables& tables, std::string_view id,
                                                               WatchSet* watch, ReadIndex* read);
ReadIndex prepared_query_list(const Tables& tables, WatchSet* watch,
                              std::vector<model::PreparedQuery>& queries);

// By id, by name, or by the template with the longest name that the asked one begins with; templates come
// filled in.
Result<std::optional<model::PreparedQuery>> prepared_query_resolve(const Tables& tables,
                                                                   std::string_view id_or_name,
                                                                   std::string_view segment);

}  // namespace praetor::store
