// The PreparedQuery endpoint.
#pragma once

#include <functional>
#include <string>

#include "base/random.h"
#include "model/query.h"
#include "server/read.h"
#include "server/server.h"

namespace praetor::server {

Status prepared_query_list(ReadContext& context, const model::PreparedQuerySpecificRequest& request,
                           model::IndexedPreparedQueries& reply);
// At most one row.
Status prepared_query_get(ReadContext& context, const model::PreparedQuerySpecificRequest& request,
                          model::IndexedPreparedQueries& reply);

inline constexpr const char* kErrQueryNotFound = "Query not found";  // kNotFound

// Runs the query: every time in another order, unless it is sorted by distance.
Status prepared_query_execute(ReadContext& context, Random& random,
                              const model::PreparedQueryExecuteRequest& request,
                              model::PreparedQueryExecuteResponse& reply);
Status prepared_query_explain(ReadContext& context, const model::PreparedQueryExecuteRequest& request,
                              model::PreparedQueryExplainResponse& reply);

// Creates, updates or deletes. The id of the query, or why not.
void prepared_query_apply(Server& server, Reactor& reactor, model::PreparedQueryRequest request,
                          std::function<void(Result<std::string>)> done);

}  // namespace praetor::server
