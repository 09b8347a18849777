// A prepared query that found nobody in its own datacenter asks others (semantics.md 11).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/reactor.h"
#include "base/result.h"
#include "model/query.h"
#include "server/cluster.h"

namespace praetor::server {

// Whom to ask, in order: as many of `others` (the nearest first) as the query wants, then those that it
// names; each once, and none that is not known.
std::vector<std::string> failover_order(const model::QueryFailover& failover,
                                        const std::vector<std::string>& others);

// Asks one datacenter after the other until one has somebody; what fails is passed over. `reply` is the own
// datacenter's, the answer the last one that came, with the number of datacenters asked. `done` once, on the
// reactor; `cluster` outlives the call.
void fail_over(const Cluster& cluster, Reactor& reactor, model::PreparedQueryExecuteRemoteRequest request,
               model::PreparedQueryExecuteResponse reply,
               std::function<void(Result<model::PreparedQueryExecuteResponse>)> done);

}  // namespace praetor::server
