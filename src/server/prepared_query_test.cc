#include "server/prepared_query.h"

#include <gtest/gtest.h>

#include <set>

#include "codec/msgpack.h"
#include "server/internal_ui.h"
#include "store/catalog.h"
#include "store/opaque.h"
#include "store/store.h"

namespace praetor::server {
namespace {

struct PreparedQueryRuns : testing::Test {
  ~PreparedQueryRuns() override { store.publish(); }

  void add(const std::string& node, const std::string& tag, const std::string& status) {
    model::RegisterRequest request;
    request.node = node;
    request.address = "10.0.0.1";
    model::NodeService service;
    service.id = service.service = "web";
    service.tags = {tag};
    service.weights = model::Weights{1, 1};
    request.service = service;
    model::HealthCheck check;
    check.node = node;
    check.check_id = "alive";
    check.service_id = "web";
    check.status = status;
    request.check = check;
    store.begin(++index);
    ASSERT_TRUE(store::catalog_register(store, request));
    store.commit();
  }
  void add_query(model::QueryService service) {
    model::PreparedQuery query;
    query.id = "00000000-0000-0000-0000-000000000001";
    query.name = "q";
    service.service = "web";
    query.service = std::move(service);
    store.begin(++index);
    store::opaque_put(store, model::MessageType::kPreparedQuery, query.id, codec::to_msgpack(query));
    store.commit();
  }
  model::PreparedQueryExecuteResponse run(model::PreparedQueryExecuteRequest request = {}) {
    request.query_id_or_name = "q";
    ReadContext context{store.tables(), info};
    model::PreparedQueryExecuteResponse reply;
    EXPECT_TRUE(prepared_query_execute(context, random, request, reply));
    return reply;
  }
  std::set<std::string> nodes_of(const model::PreparedQueryExecuteResponse& reply) {
    std::set<std::string> names;
    for (const model::CheckServiceNode& each : reply.nodes) names.insert(each.node->node);
    return names;
  }

  store::Store store;
  uint64_t index = 1;
  ServerInfo info{"dc1", "n1", ""};
  Random random{7};
};

TEST_F(PreparedQueryRuns, KeepsTheHealthyThatMatch) {
  add("n1", "a", "passing");
  add("n2", "b", "warning");
  add("n3", "a", "critical");
  add_query({});
  EXPECT_EQ(nodes_of(run()), (std::set<std::string>{"n1", "n2"}));
  add_query({.only_passing = true});
  EXPECT_EQ(nodes_of(run()), (std::set<std::string>{"n1"}));
  add_query({.only_passing = true, .ignore_check_ids = {"alive"}});
  EXPECT_EQ(nodes_of(run()).size(), 3u);
  add_query({.tags = {"!A"}});
  EXPECT_EQ(nodes_of(run()), (std::set<std::string>{"n2"}));
  add_query({.tags = {"b", "c"}});
  EXPECT_TRUE(run().nodes.empty());
}

TEST_F(PreparedQueryRuns, PutsTheAgentsOwnNodeFirstAndKeepsTheLimit) {
  for (const char* node : {"n1", "n2", "n3", "n4"}) add(node, "a", "passing");
  add_query({.near = "_agent"});
  model::PreparedQueryExecuteRequest request;
  request.agent.datacenter = request.source.datacenter = "dc1";
  request.agent.node = "n3";
  request.limit = 2;
  for (int i = 0; i < 20; ++i) {
    auto reply = run(request);
    ASSERT_EQ(reply.nodes.size(), 2u);
    EXPECT_EQ(reply.nodes[0].node->node, "n3");
  }
}

TEST_F(PreparedQueryRuns, SaysWhenThereIsNone) {
  ReadContext context{store.tables(), info};
  model::PreparedQueryExecuteResponse reply;
  Status status = prepared_query_execute(context, random, {.query_id_or_name = "none"}, reply);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::kNotFound);
}

TEST_F(PreparedQueryRuns, ServicesAreSummedUpForTheInterface) {
  add("n2", "b", "warning");
  add("n1", "a", "passing");
  ReadContext context{store.tables(), info};
  model::IndexedCheckServiceNodes dump;
  ASSERT_TRUE(internal_service_dump(context, {}, dump));
  auto rows = summarize_services(dump.nodes);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].instance_count, 2);
  EXPECT_EQ(rows[0].nodes, (model::List<std::string>{"n1", "n2"}));
  EXPECT_EQ(rows[0].tags, (model::List<std::string>{"a", "b"}));
  EXPECT_EQ(rows[0].checks_passing + rows[0].checks_warning, 2);
}

}  // namespace
}  // namespace praetor::server
