#include "store/catalog.h"

#include <gtest/gtest.h>

#include "store/catalog_read.h"
#include "store/kv.h"
#include "store/session.h"
#include "store/txn.h"

namespace praetor::store {
namespace {

using model::HealthCheck;
using model::RegisterRequest;

constexpr const char* kIdA = "40e4a748-2192-161a-0510-9bf59fe950b5";
constexpr const char* kIdB = "40e4a748-2192-161a-0510-9bf59fe950b6";
constexpr const char* kSession = "762d47ec-5f24-fa21-9bb2-348d63801122";

RegisterRequest node_request(std::string name, std::string id = "", std::string address = "10.0.0.1") {
  RegisterRequest request;
  request.node = std::move(name);
  request.id = std::move(id);
  request.address = std::move(address);
  return request;
}
RegisterRequest service_request(std::string node, std::string id, std::string service,
                                std::vector<std::string> tags = {}) {
  RegisterRequest request = node_request(std::move(node));
  model::NodeService record;
  record.id = std::move(id);
  record.service = std::move(service);
  record.tags = std::move(tags);
  request.service = record;
  return request;
}
HealthCheck check_of(std::string node, std::string id, std::string status, std::string service_id = "") {
  HealthCheck check;
  check.node = std::move(node);
  check.check_id = std::move(id);
  check.status = std::move(status);
  check.service_id = std::move(service_id);
  return check;
}

class CatalogTest : public ::testing::Test {
 protected:
  CatalogTest() {
    store_.set_notice_sink([this](std::shared_ptr<const CommitNotice> notice) { waiters_.deliver(*notice); });
  }
  // Applies one entry; the error text, or "".
  template <typename Change>
  std::string at(uint64_t index, Change change) {
    store_.begin(index);
    Status done = change();
    if (done)
      store_.commit();
    else
      store_.rollback();
    store_.publish();
    return done ? "" : done.error().message;
  }
  std::string put(uint64_t index, const RegisterRequest& request) {
    return at(index, [&] { return catalog_register(store_, request); });
  }
  std::string put(uint64_t index, HealthCheck check) {
    RegisterRequest request = node_request(check.node);
    request.check = std::move(check);
    request.skip_node_update = true;
    return put(index, request);
  }
  void remove(uint64_t index, std::string node, std::string service = "", std::string check = "") {
    model::DeregisterRequest request;
    request.node = node;
    request.service_id = service;
    request.check_id = check;
    at(index, [&] { return catalog_deregister(store_, request); });
  }
  ReadIndex health(std::string_view service, WatchSet* watch = nullptr) {
    instances_ = checks_ = 0;
    return check_service_nodes(store_, ServiceLookup::kName, service, watch,
                               [&](const InstanceRef&, auto checks) {
                                 instances_++;
                                 checks_ += checks.size();
                               });
  }
  ReadIndex catalog(std::string_view service) {
    instances_ = 0;
    return service_nodes(store_, ServiceLookup::kName, service, nullptr,
                         [&](const InstanceRef&) { instances_++; });
  }
  void wait_for_health(std::string_view service) {
    WatchSet watch;
    health(service, &watch);
    waiters_.add(watch, store_.view().index(), [this] { woken_++; });
  }

  size_t instances_ = 0;
  size_t checks_ = 0;
  int woken_ = 0;
  WaiterRegistry waiters_;
  Store store_;
};

TEST_F(CatalogTest, RecordsNeedAnId) {
  EXPECT_EQ(put(5, service_request("n", "", "")),
            "failed inserting service: failed inserting service: object missing primary index");
  EXPECT_EQ(put(6, node_request("n")), "");
  EXPECT_EQ(put(7, check_of("n", "", "passing")),
            "failed inserting check: failed inserting check: object missing primary index on node \"n\"");
}

TEST_F(CatalogTest, TheMetadataOfServicesIsChecked) {
  RegisterRequest request = service_request("n", "web", "web");
  request.service->meta = {{"x.y", "z"}};
  EXPECT_EQ(put(5, request),
            "failed inserting service: Invalid Service Meta for node n and serviceID web: Couldn't load "
            "metadata pair "
            "('x.y', 'z'): Key contains invalid characters");
}

TEST_F(CatalogTest, WeightsThatDnsCannotSayBecomeTheDefault) {
  RegisterRequest request = service_request("n", "web", "web");
  request.service->weights = model::Weights{0, 5};
  EXPECT_EQ(put(5, request), "");
  EXPECT_EQ(*service_find(store_, "n", "web")->service.weights, (model::Weights{1, 1}));
  request.service->weights = model::Weights{2, 0};
  EXPECT_EQ(put(6, request), "");
  EXPECT_EQ(*service_find(store_, "n", "web")->service.weights, (model::Weights{2, 0}));
}

TEST_F(CatalogTest, IdenticalRegistrationsChangeNothing) {
  RegisterRequest request = service_request("n", "web1", "web", {"a"});
  request.checks = {check_of("n", "c", "passing", "web1")};
  EXPECT_EQ(put(5, request), "");
  EXPECT_EQ(put(6, request), "");
  for (Table table : {Table::kNodes, Table::kServices, Table::kChecks}) {
    EXPECT_EQ(store_.tables().table_index(table), 5u);
  }
  EXPECT_EQ(store_.tables().named_index("service.web"), 5u);
  EXPECT_EQ(service_find(store_, "N", "WEB1")->service.indexes.modify_index, 5u);
  EXPECT_EQ(check_find(store_, "n", "c")->service_tags.size(), 1u);
}

TEST_F(CatalogTest, ErrorsUndoTheWholeRegistration) {
  EXPECT_EQ(put(5, check_of("f", "c", "passing", "nos")),
            "failed inserting check: Missing service registration on node \"f\"");
  EXPECT_EQ(node_find(store_, "", "f"), nullptr);
  EXPECT_EQ(store_.tables().table_index(Table::kNodes), 0u);
  RegisterRequest other = node_request("f");
  other.check = check_of("x", "c", "passing");
  EXPECT_EQ(put(6, other), "check node \"x\" does not match node \"f\"");
}

TEST_F(CatalogTest, NamesAreReservedForLivingNodes) {
  RegisterRequest first = node_request("f4", kIdA);
  first.check = check_of("f4", "serfHealth", "passing");
  EXPECT_EQ(put(5, first), "");
  EXPECT_EQ(put(6, node_request("F4", kIdB)),
            std::string("failed inserting node: Error while renaming Node ID: \"") + kIdB +
                "\": Node name F4 is reserved by node " + kIdA + " with name f4 (10.0.0.1)");
  EXPECT_EQ(put(7, node_request("f5", kIdB)), "");
  EXPECT_EQ(put(8, node_request("f4", kIdB)),
            std::string("failed inserting node: Error while renaming Node ID: \"") + kIdB +
                "\" (10.0.0.1): Node name f4 is reserved by node " + kIdA + " with name f4 (10.0.0.1)");
  EXPECT_EQ(put(9, check_of("f4", "serfHealth", "critical")), "");
  EXPECT_EQ(put(10, node_request("f4", kIdB)), "");
  EXPECT_EQ(node_find(store_, "", "f5"), nullptr);
  EXPECT_EQ(node_find(store_, kIdA, ""), nullptr);
  EXPECT_EQ(node_find(store_, kIdB, "")->node, "f4");
}

TEST_F(CatalogTest, RenamingANodeDropsWhatTheOldNameHad) {
  RegisterRequest request = service_request("old", "web1", "web");
  request.id = kIdA;
  EXPECT_EQ(put(5, request), "");
  EXPECT_EQ(put(6, check_of("old", "c", "passing")), "");
  EXPECT_EQ(put(7, node_request("new", kIdA)), "");
  EXPECT_EQ(node_find(store_, "", "old"), nullptr);
  EXPECT_EQ(node_find(store_, kIdA, "")->indexes.create_index, 5u);
  for (TableIndex table :
       {TableIndex::kServices, TableIndex::kServicesByName, TableIndex::kServicesByKind, TableIndex::kChecks,
        TableIndex::kChecksByInstance, TableIndex::kChecksByService, TableIndex::kChecksByStatus}) {
    EXPECT_TRUE(store_.tables().tree(table).empty());
  }
}

TEST_F(CatalogTest, ServiceIndexes) {
  put(5, service_request("a", "web1", "web"));
  put(6, service_request("b", "web2", "web"));
  put(7, service_request("b", "db", "db"));
  EXPECT_EQ(health("WEB").reported, 6u);
  EXPECT_EQ(instances_, 2u);
  EXPECT_EQ(health("none").reported, 7u);
  EXPECT_EQ(health("none").changed, 0u);
  put(8, check_of("b", "c", "passing", "web2"));
  EXPECT_EQ(health("web").reported, 8u);
  EXPECT_EQ(catalog("web").reported, 8u);
  EXPECT_EQ(catalog("web").changed, 6u) << "checks do not show in the catalog";
  EXPECT_EQ(health("db").reported, 7u);
  put(9, check_of("b", "node", "passing"));
  EXPECT_EQ(health("db").reported, 9u);
  EXPECT_EQ(health("web").reported, 9u);
  remove(10, "b", "web2");
  EXPECT_EQ(health("web").reported, 10u);
  EXPECT_EQ(instances_, 1u);
  EXPECT_EQ(catalog("web").changed, 10u);
  remove(11, "a", "web1");
  EXPECT_EQ(store_.tables().named_index("service.web"), 0u);
  EXPECT_EQ(health("web").reported, 11u);
  EXPECT_EQ(health("db").reported, 9u);
  EXPECT_EQ(store_.tables().named_index("service_kind.typical"), 11u);
}

TEST_F(CatalogTest, RenamingAServiceMovesTheOldNamesIndex) {
  put(5, service_request("a", "s", "web"));
  put(6, service_request("a", "s", "web2"));
  EXPECT_EQ(health("web").reported, 6u);
  EXPECT_EQ(instances_, 0u);
  EXPECT_EQ(health("web2").reported, 6u);
  EXPECT_EQ(instances_, 1u);
}

TEST_F(CatalogTest, OnlyRelatedChangesWakeHealthWatchers) {
  put(5, service_request("a", "web1", "web"));
  put(6, service_request("b", "db1", "db"));
  wait_for_health("web");
  put(7, check_of("b", "c", "critical"));
  put(8, service_request("a", "cache", "cache"));
  put(9, check_of("a", "cache-check", "critical", "cache"));
  put(10, service_request("b", "web-2", "web-2"));
  remove(11, "b");
  EXPECT_EQ(woken_, 0);
  put(12, check_of("a", "node-check", "critical"));
  EXPECT_EQ(woken_, 1);
  wait_for_health("web");
  put(13, check_of("a", "web-check", "critical", "web1"));
  EXPECT_EQ(woken_, 2);
  EXPECT_EQ(checks_, 1u);
  wait_for_health("web");
  EXPECT_EQ(checks_, 2u);
  put(14, service_request("c", "web3", "web"));
  EXPECT_EQ(woken_, 3);
  wait_for_health("absent");
  put(15, service_request("c", "web4", "web"));
  EXPECT_EQ(woken_, 3);
  put(16, service_request("c", "x", "absent"));
  EXPECT_EQ(woken_, 4);
}

TEST_F(CatalogTest, ChecksDoNotWakeWatchersOfTheCatalog) {
  put(5, service_request("a", "web1", "web"));
  auto wait = [&](auto read) {
    WatchSet watch;
    read(&watch);
    EXPECT_LE(watch.items().size(), 2u) << "what a query waits for does not grow with its result";
    waiters_.add(watch, store_.view().index(), [this] { woken_++; });
  };
  auto catalog_nodes = [&](WatchSet* watch) {
    service_nodes(store_, ServiceLookup::kName, "web", watch, [](const InstanceRef&) {});
  };
  NodeServicesRef services;
  std::vector<const HealthCheck*> checks;
  wait(catalog_nodes);
  wait([&](WatchSet* watch) { node_services(store_, "a", watch, services); });
  put(6, check_of("a", "c", "critical", "web1"));
  put(7, check_of("a", "n", "critical"));
  EXPECT_EQ(woken_, 0);
  put(8, service_request("a", "other", "other"));
  EXPECT_EQ(woken_, 1);
  remove(9, "a", "web1");
  EXPECT_EQ(woken_, 2);
  wait([&](WatchSet* watch) { node_checks(store_, "a", watch, checks); });
  wait([&](WatchSet* watch) { service_checks(store_, "other", {}, watch, checks); });
  wait([&](WatchSet* watch) { checks_in_state(store_, "critical", {}, watch, checks); });
  put(10, check_of("b", "c", "passing"));
  put(11, service_request("a", "web1", "web"));
  EXPECT_EQ(woken_, 2);
  put(12, check_of("a", "o", "warning", "other"));
  EXPECT_EQ(woken_, 4);
  put(13, check_of("a", "o", "critical", "other"));
  EXPECT_EQ(woken_, 5);
}

// Whoever saw the old node's checks must not sleep through the loss.
TEST_F(CatalogTest, ReRegisteredNodesCountAsChanged) {
  put(5, check_of("a", "c", "passing"));
  remove(6, "a");
  put(7, node_request("a"));
  put(8, check_of("b", "c", "passing"));
  std::vector<const HealthCheck*> checks;
  EXPECT_EQ(node_checks(store_, "a", nullptr, checks).changed, 6u);
  put(9, service_request("a", "s", "s"));
  put(10, check_of("a", "c", "passing", "s"));
  remove(11, "a", "s");
  put(12, service_request("a", "s", "s"));
  put(13, check_of("b", "c", "warning"));
  EXPECT_EQ(service_checks(store_, "s", {}, nullptr, checks).changed, 11u);
}

TEST_F(CatalogTest, DumpsAndCoordinates) {
  put(5, service_request("a", "web1", "web"));
  put(6, check_of("a", "c", "passing"));
  RegisterRequest gateway = service_request("b", "gw", "gw");
  gateway.service->kind = "mesh-gateway";
  put(7, gateway);
  std::vector<NodeDump> dump;
  EXPECT_EQ(node_dump(store_, "", nullptr, dump).reported, 7u);
  ASSERT_EQ(dump.size(), 2u);
  EXPECT_EQ(dump[0].checks.size(), 1u);
  dump.clear();
  EXPECT_EQ(node_dump(store_, "A", nullptr, dump).changed, 6u);
  EXPECT_EQ(dump.size(), 1u);
  size_t count = 0;
  auto visit = [&](const InstanceRef&, auto) { count++; };
  std::string kind = "mesh-gateway";
  EXPECT_EQ(service_dump(store_, &kind, nullptr, visit).reported, 7u);
  EXPECT_EQ(count, 1u);
  service_dump(store_, nullptr, nullptr, visit);
  EXPECT_EQ(count, 3u);
  model::List<model::Coordinate> batch;
  batch.push_back({"A", "", model::Coord{{0.1}, 1.5, 0, 0}});
  batch.push_back({"absent", "", {}});
  at(8, [&] { return coordinates_put(store_, batch), Status(); });
  std::vector<const model::Coordinate*> coordinates;
  EXPECT_EQ(list_coordinates(store_, nullptr, coordinates).reported, 8u);
  ASSERT_EQ(coordinates.size(), 1u);
  remove(9, "a");
  coordinates.clear();
  EXPECT_EQ(node_coordinates(store_, "a", nullptr, coordinates).reported, 9u);
  EXPECT_TRUE(coordinates.empty());
}

TEST_F(CatalogTest, ListingsAndFilters) {
  RegisterRequest request = service_request("a", "web1", "web", {"x", "y"});
  request.node_meta["rack"] = "1";
  put(5, request);
  put(6, service_request("b", "web2", "web", {"y", "z"}));
  put(7, service_request("b", "db", "db"));
  std::vector<const model::Node*> nodes;
  EXPECT_EQ(list_nodes(store_, {}, nullptr, nodes).reported, 6u);
  EXPECT_EQ(nodes.size(), 2u);
  nodes.clear();
  MetaFilter rack{{"rack", "1"}};
  list_nodes(store_, rack, nullptr, nodes);
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0]->node, "a");
  model::Map<model::List<std::string>> services;
  EXPECT_EQ(list_services(store_, {}, nullptr, services).reported, 7u);
  EXPECT_EQ(services["web"], (std::vector<std::string>{"x", "y", "z"}));
  EXPECT_TRUE(services["db"].empty());
  model::Map<model::List<std::string>> filtered;
  list_services(store_, rack, nullptr, filtered);
  EXPECT_EQ(filtered.size(), 1u);
  put(8, check_of("b", "c1", "critical"));
  put(9, check_of("a", "c2", "passing"));
  std::vector<const HealthCheck*> checks;
  ReadIndex read = checks_in_state(store_, "critical", {}, nullptr, checks);
  EXPECT_EQ(read.reported, 9u);
  EXPECT_EQ(read.changed, 8u);
  EXPECT_EQ(checks.size(), 1u);
  put(10, check_of("b", "c1", "passing"));
  checks.clear();
  EXPECT_EQ(checks_in_state(store_, "critical", {}, nullptr, checks).changed, 10u);
  EXPECT_TRUE(checks.empty());
}

TEST_F(CatalogTest, NodeLookupsByNameAndIdPrefix) {
  RegisterRequest request = service_request("a", "web1", "web");
  request.id = kIdA;
  put(5, request);
  put(6, node_request("b", kIdB));
  for (const char* name : {"a", "A", kIdA}) {
    NodeServicesRef result;
    node_services(store_, name, nullptr, result);
    ASSERT_NE(result.node, nullptr) << name;
    EXPECT_EQ(result.services.size(), 1u);
  }
  for (const char* name : {"40e4a748", "zz", "4"}) {
    NodeServicesRef result;
    node_services(store_, name, nullptr, result);
    EXPECT_EQ(result.node, nullptr) << name;
  }
  put(7, node_request("c"));
  NodeServicesRef result;
  EXPECT_EQ(node_services(store_, "a", nullptr, result).reported, 7u);
  EXPECT_EQ(node_services(store_, "a", nullptr, result).changed, 5u);
}

TEST_F(CatalogTest, ConnectLookupsFindProxiesAndNativeInstances) {
  put(5, service_request("a", "web1", "web"));
  RegisterRequest proxy = service_request("a", "web1-proxy", "web-proxy");
  proxy.service->kind = "connect-proxy";
  proxy.service->proxy.destination_service_name = "web";
  put(6, proxy);
  RegisterRequest native = service_request("b", "web2", "web");
  native.service->connect.native = true;
  put(7, native);
  std::vector<std::string> ids;
  service_nodes(store_, ServiceLookup::kConnect, "web", nullptr,
                [&](const InstanceRef& instance) { ids.push_back(instance.service->service.id); });
  EXPECT_EQ(ids, (std::vector<std::string>{"web1-proxy", "web2"}));
  proxy.service->proxy.destination_service_name = "db";
  put(8, proxy);
  EXPECT_EQ(store_.tables().tree(TableIndex::kConnectServices).size(), 2u);
}

TEST_F(CatalogTest, CriticalChecksAndLostNodesEndSessions) {
  put(5, check_of("a", "serfHealth", "passing"));
  auto create = [&](uint64_t index) {
    return at(index, [&] {
      model::Session session;
      session.id = kSession;
      session.node = "a";
      session.node_checks = {"serfHealth"};
      return session_create(store_, session);
    });
  };
  EXPECT_EQ(create(6), "");
  at(7, [&] {
    EXPECT_NE(*kv_lock(store_, {.key = "lock", .session = kSession}), nullptr);
    return Status();
  });
  put(8, check_of("a", "serfHealth", "critical"));
  EXPECT_EQ(*session_get(store_, kSession), nullptr);
  EXPECT_EQ(kv_get(store_, "lock")->session(), "");
  EXPECT_EQ(create(9), "Check 'serfHealth' is in critical state");
  put(10, check_of("a", "serfHealth", "passing"));
  EXPECT_EQ(create(11), "");
  remove(12, "a", "", "serfHealth");
  EXPECT_EQ(*session_get(store_, kSession), nullptr);
  put(13, check_of("a", "serfHealth", "passing"));
  EXPECT_EQ(create(14), "");
  remove(15, "A");
  EXPECT_EQ(*session_get(store_, kSession), nullptr);
  EXPECT_TRUE(store_.tables().tree(TableIndex::kSessionChecks).empty());
}

TEST_F(CatalogTest, TransactionsReportEveryErrorAndAnswerInOrder) {
  put(5, node_request("n1"));
  model::List<model::TxnOp> ops;
  auto node_op = [&](const char* verb, const char* name, uint64_t index) {
    model::TxnNodeOp op;
    op.verb = verb;
    op.node.node = name;
    op.node.address = "1.2.3.4";
    op.node.indexes.modify_index = index;
    ops.emplace_back().node = op;
  };
  node_op("get", "nx", 0);
  node_op("cas", "n1", 3);
  node_op("delete", "nx", 0);
  node_op("delete-cas", "nx", 3);
  node_op("nope", "n1", 0);
  node_op("set", "n2", 0);
  store_.begin(6);
  model::TxnResponse response = txn_apply(store_, ops);
  store_.rollback();
  ASSERT_EQ(response.errors.size(), 4u);
  EXPECT_EQ(response.errors[0].what, "node \"nx\" doesn't exist");
  EXPECT_EQ(response.errors[1].what, "failed to set node \"n1\", index is stale");
  EXPECT_EQ(response.errors[2].what, "failed to delete node \"nx\", index is stale");
  EXPECT_EQ(response.errors[2].op_index, 3);
  EXPECT_EQ(response.errors[3].what, "unknown Node verb \"nope\"");
  EXPECT_TRUE(response.results.empty());
  EXPECT_EQ(node_find(store_, "", "n2"), nullptr);
  ops = {};
  node_op("cas", "n2", 0);
  node_op("get", "n2", 0);
  node_op("delete", "n2", 0);
  EXPECT_FALSE(txn_is_read_only(ops));
  store_.begin(7);
  response = txn_apply(store_, ops);
  store_.commit();
  EXPECT_TRUE(response.errors.empty());
  ASSERT_EQ(response.results.size(), 2u);
  EXPECT_EQ(response.results[1].node->indexes.create_index, 7u);
}

TEST_F(CatalogTest, KvTransactions) {
  model::List<model::TxnOp> ops;
  auto op = [&](const char* verb, const char* key, const char* value = "", uint64_t index = 0) {
    model::TxnKVOp kv;
    kv.verb = verb;
    kv.dir_ent.key = key;
    kv.dir_ent.value = value;
    kv.dir_ent.indexes.modify_index = index;
    ops.emplace_back().kv = kv;
  };
  op("set", "t1", "a");
  op("get", "t1");
  op("check-not-exists", "t2");
  op("check-index", "t1", "", 5);
  op("get-tree", "t");
  op("delete-cas", "none", "", 9);
  op("delete", "t1");
  store_.begin(5);
  model::TxnResponse response = txn_apply(store_, ops);
  store_.commit();
  EXPECT_TRUE(response.errors.empty());
  ASSERT_EQ(response.results.size(), 4u);
  EXPECT_TRUE(response.results[0].kv->value.empty());
  EXPECT_EQ(response.results[1].kv->value, "a");
  EXPECT_TRUE(response.results[2].kv->value.empty());
  ops = {};
  op("nope", "t1");
  op("get", "t1");
  EXPECT_TRUE(txn_is_read_only(ops));
  response = txn_read(store_, ops);
  ASSERT_EQ(response.errors.size(), 2u);
  EXPECT_EQ(response.errors[0].what, "unknown KV verb \"nope\"");
  EXPECT_EQ(response.errors[1].what, "key \"t1\" doesn't exist");
}

}  // namespace
}  // namespace praetor::store
