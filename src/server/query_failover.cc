#include "server/query_failover.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/log.h"

namespace praetor::server {
namespace {

const Logger& logger() {
  static const Logger log("agent.server.prepared_query");
  return log;
}

class Failover : public std::enable_shared_from_this<Failover> {
 public:
  using Done = std::function<void(Result<model::PreparedQueryExecuteResponse>)>;

  Failover(const Cluster& cluster, Reactor& reactor, model::PreparedQueryExecuteRemoteRequest request,
           model::PreparedQueryExecuteResponse reply, Done done)
      : cluster_(cluster),
        reactor_(reactor),
        request_(std::move(request)),
        reply_(std::move(reply)),
        done_(std::move(done)) {}

  void begin(const std::vector<std::string>& others) {
    order_ = failover_order(request_.query.service.failover, others);
    next();
  }

 private:
  void next() {
    if (!reply_.nodes.empty() || asked_ == order_.size()) {
      reply_.failovers = static_cast<int64_t>(asked_);  // no datacenter knows how many were asked before it
      return done_(std::move(reply_));
    }
    request_.datacenter = order_[asked_++];
    cluster_.ask_query(reactor_, request_,
                       [self = shared_from_this()](Result<model::PreparedQueryExecuteResponse> reply) {
                         self->answered(std::move(reply));
                       });
  }

  void answered(Result<model::PreparedQueryExecuteResponse> reply) {
    if (reply)
      reply_ = std::move(*reply);
    else
      logger().warn("Failed querying for service in datacenter", {{"service", request_.query.service.service},
                                                                  {"datacenter", request_.datacenter},
                                                                  {"error", reply.error()}});
    next();
  }

  const Cluster& cluster_;
  Reactor& reactor_;
  model::PreparedQueryExecuteRemoteRequest request_;
  model::PreparedQueryExecuteResponse reply_;
  Done done_;
  std::vector<std::string> order_;
  size_t asked_ = 0;
};

}  // namespace

std::vector<std::string> failover_order(const model::QueryFailover& failover,
                                        const std::vector<std::string>& others) {
  auto nearest = static_cast<size_t>(std::max<int64_t>(failover.nearest_n, 0));
  std::vector<std::string> order(others.begin(), others.begin() + std::min(nearest, others.size()));
  for (const std::string& wanted : failover.datacenters) {
    bool known = std::find(others.begin(), others.end(), wanted) != others.end();
    if (!known)
      logger().debug("Skipping unknown datacenter in prepared query", {{"datacenter", wanted}});
    else if (std::find(order.begin(), order.end(), wanted) == order.end())
      order.push_back(wanted);
  }
  return order;
}

void fail_over(const Cluster& cluster, Reactor& reactor, model::PreparedQueryExecuteRemoteRequest request,
               model::PreparedQueryExecuteResponse reply,
               std::function<void(Result<model::PreparedQueryExecuteResponse>)> done) {
  auto failover =
      std::make_shared<Failover>(cluster, reactor, std::move(request), std::move(reply), std::move(done));
  cluster.other_datacenters(reactor,
                            [failover](const std::vector<std::string>& others) { failover->begin(others); });
}

}  // namespace praetor::server
