#include "server/query_failover.h"

#include <gtest/gtest.h>

namespace praetor::server {
namespace {

using Names = std::vector<std::string>;

TEST(QueryFailover, TheNearestAndThenTheNamedEachOnce) {
  Names others = {"near", "middle", "far"};
  EXPECT_EQ(failover_order({.nearest_n = 0, .datacenters = {}}, others), Names());
  EXPECT_EQ(failover_order({.nearest_n = 2, .datacenters = {}}, others), (Names{"near", "middle"}));
  EXPECT_EQ(failover_order({.nearest_n = 9, .datacenters = {}}, others), others);
  EXPECT_EQ(failover_order({.nearest_n = 1, .datacenters = {"far", "nowhere", "near"}}, others),
            (Names{"near", "far"}));
}

struct Datacenters {
  Datacenters() {
    cluster.other_datacenters = [](Reactor&, const auto& done) { done({"dc2", "dc3", "dc4"}); };
    cluster.ask_query = [this](Reactor&, const model::PreparedQueryExecuteRemoteRequest& request,
                               const Cluster::QueryAnswer& done) {
      asked.push_back(request.datacenter);
      if (request.datacenter == "dc2") return done(fail("No path to datacenter"));
      model::PreparedQueryExecuteResponse reply;
      reply.datacenter = request.datacenter;
      if (request.datacenter == has_nodes) reply.nodes.emplace_back();
      done(std::move(reply));
    };
  }
  model::PreparedQueryExecuteResponse run(int64_t nearest) {
    model::PreparedQueryExecuteRemoteRequest request;
    request.query.service.failover.nearest_n = nearest;
    model::PreparedQueryExecuteResponse own, found;
    own.datacenter = "dc1";
    fail_over(cluster, reactor, request, own, [&](auto reply) { found = std::move(*reply); });
    return found;
  }

  Reactor reactor{"test"};
  Cluster cluster;
  Names asked;
  std::string has_nodes;
};

TEST(QueryFailover, EndsWhereSomebodyIsFound) {
  Datacenters all;
  all.has_nodes = "dc3";
  auto found = all.run(3);
  EXPECT_EQ(all.asked, (Names{"dc2", "dc3"}));
  EXPECT_EQ(found.datacenter, "dc3");
  EXPECT_EQ(found.failovers, 2);
  EXPECT_EQ(found.nodes.size(), 1u);
}

TEST(QueryFailover, WithNobodyAnywhereTheLastAnswerStands) {
  Datacenters all;
  auto found = all.run(2);
  EXPECT_EQ(all.asked, (Names{"dc2", "dc3"}));
  EXPECT_EQ(found.datacenter, "dc3");
  EXPECT_EQ(found.failovers, 2);
  EXPECT_TRUE(found.nodes.empty());
  EXPECT_EQ(all.run(0).datacenter, "dc1");
}

}  // namespace
}  // namespace praetor::server
