// The PreparedQuery endpoint.
#pragma once

#include <functional>
#include <string>

#include "base/random.h"
#include "model/query.h"
#include "server/method.h"
#include "server/read.h"
#include "server/server.h"

namespace praetor::server {

Status prepared_query_list(ReadContext& context, const model::PreparedQuerySpecificRequest& request,
                           model::IndexedPreparedQueries& reply);
// One row.
Status prepared_query_get(ReadContext& context, const model::PreparedQuerySpecificRequest& request,
                          model::IndexedPreparedQueries& reply);

inline constexpr const char* kErrQueryNotFound = "Query not found";  // kNotFound

// Runs the query: every time in another order, unless it is sorted by distance.
Status prepared_query_execute(ReadContext& context, Random& random,
                              const model::PreparedQueryExecuteRequest& request,
                              model::PreparedQueryExecuteResponse& reply);
// The same for another datacenter, whose query it is: in any order, as nobody here is near.
Status prepared_query_execute_remote(ReadContext& context, Random& random,
                                     const model::PreparedQueryExecuteRemoteRequest& request,
                                     model::PreparedQueryExecuteResponse& reply);
Status prepared_query_explain(ReadContext& context, const model::PreparedQueryExecuteRequest& request,
                              model::PreparedQueryExplainResponse& reply);

// The same as calls: their order is another one each time, so that nothing of them is shared or waited for.
// A query that finds nobody here asks other datacenters, if it says so (query_failover.h).
void prepared_query_run(Server& server, Reactor& reactor, model::PreparedQueryExecuteRequest request,
                        std::function<void(Result<model::PreparedQueryExecuteResponse>)> done);
void prepared_query_run_remote(Server& server, Reactor& reactor,
                               model::PreparedQueryExecuteRemoteRequest request,
                               std::function<void(Result<model::PreparedQueryExecuteResponse>)> done);
void prepared_query_show(Server& server, Reactor& reactor, model::PreparedQueryExecuteRequest request,
                         std::function<void(Result<model::PreparedQueryExplainResponse>)> done);

// Creates, updates or deletes. The id of the query, or why not.
void prepared_query_apply(Server& server, Reactor& reactor, model::PreparedQueryRequest request,
                          std::function<void(Result<std::string>)> done);

inline constexpr ReadMethod<model::PreparedQuerySpecificRequest, model::IndexedPreparedQueries>
    kPreparedQueryList{"PreparedQuery.List", prepared_query_list};
inline constexpr ReadMethod<model::PreparedQuerySpecificRequest, model::IndexedPreparedQueries>
    kPreparedQueryGet{"PreparedQuery.Get", prepared_query_get};
inline constexpr CallMethod<model::PreparedQueryExecuteRequest, model::PreparedQueryExecuteResponse>
    kPreparedQueryExecute{"PreparedQuery.Execute", prepared_query_run, Place::kReadable};
inline constexpr CallMethod<model::PreparedQueryExecuteRemoteRequest, model::PreparedQueryExecuteResponse>
    kPreparedQueryExecuteRemote{"PreparedQuery.ExecuteRemote", prepared_query_run_remote, Place::kReadable};
inline constexpr CallMethod<model::PreparedQueryExecuteRequest, model::PreparedQueryExplainResponse>
    kPreparedQueryExplain{"PreparedQuery.Explain", prepared_query_show, Place::kReadable};
inline constexpr CallMethod<model::PreparedQueryRequest, std::string> kPreparedQueryApply{
    "PreparedQuery.Apply", prepared_query_apply};

}  // namespace praetor::server
