// Whole clusters of servers (cluster_test_support.h): beginning, joining, failing over, leaving, coming back.
#include <gtest/gtest.h>

#include <fstream>

#include "model/catalog.h"
#include "model/kv.h"
#include "raft/test_machine.h"
#include "server/autopilot.h"
#include "server/cluster_test_support.h"
#include "server/gateway.h"
#include "server/member_test_support.h"
#include "store/catalog.h"
#include "store/kv.h"
#include "store/session.h"

namespace praetor::server {
namespace {

using namespace std::chrono_literals;
using testing::TestCluster;

constexpr const char* kSession = "adf4238a-882b-9ddc-4a9d-5b6758e4159e";

void expect_three(ServerOptions& options) { options.bootstrap_expect = 3; }
void bootstrap(ServerOptions& options) { options.bootstrap = true; }

void start_three(TestCluster& cluster) {
  for (const char* name : {"s1", "s2", "s3"}) cluster.start(name, expect_three);
  ASSERT_NE(cluster.leader(), "");
}

size_t voters(TestCluster& cluster, const std::string& name) {
  return cluster.server(name).raft().configuration().configuration.voter_count();
}

model::KVSRequest put(const std::string& key, const std::string& value) {
  model::KVSRequest request;
  request.op = model::kv_op::kSet;
  request.dir_ent.key = key;
  request.dir_ent.value = codec::Bytes(value);
  return request;
}

std::string serf_health(const store::Tables& tables, const std::string& node) {
  const model::HealthCheck* check = store::check_find(tables, node, model::kSerfHealthCheckID);
  return check == nullptr ? "" : check->status;
}

model::SessionRequest session_on(const std::string& node, const std::string& ttl) {
  model::SessionRequest request;
  request.op = "create";
  request.session.id = kSession;
  request.session.node = node;
  request.session.ttl = ttl;
  request.session.behavior = model::kSessionRelease;
  request.session.lock_delay = 15s;
  request.session.checks = {model::kSerfHealthCheckID};
  request.session.node_checks = {model::kSerfHealthCheckID};
  return request;
}

bool has_session(const store::Tables& tables) {
  auto found = store::session_get(tables, kSession);
  return found && *found != nullptr;
}

TEST(Cluster, BeginsWhenAllExpectedServersAreThere) {
  TestCluster cluster;
  cluster.start("s1", expect_three);
  cluster.start("s2", expect_three);
  EXPECT_TRUE(cluster.server("s1").raft_peers().empty());
  EXPECT_FALSE(cluster.server("s1").known_leader());
  cluster.start("s3", expect_three);
  ASSERT_NE(cluster.leader(), "");
  // Each begins by itself, or hears of it from one that has.
  for (const char* name : {"s1", "s2", "s3"})
    EXPECT_TRUE(eventually([&] { return voters(cluster, name) == 3; })) << name;
  EXPECT_TRUE(cluster.all_show([](const store::Tables& tables) {
    for (const char* name : {"s1", "s2", "s3"})
      if (serf_health(tables, name) != "passing" ||
          store::service_find(tables, name, model::kConsulServiceID) == nullptr)
        return false;
    return true;
  }));
  EXPECT_EQ(cluster.server("s2").leader_address(), cluster.server("s3").leader_address());
}

TEST(Cluster, AnExpectingServerIsTakenInByTheClusterThatIsThere) {
  TestCluster cluster;
  start_three(cluster);
  ASSERT_TRUE(cluster.apply(model::MessageType::kKVS, put("a", "1")));
  cluster.start("s4", expect_three);
  EXPECT_TRUE(eventually([&] { return voters(cluster, "s4") == 4; }));
  EXPECT_TRUE(
      cluster.all_show([](const store::Tables& tables) { return store::kv_get(tables, "a") != nullptr; }));
}

TEST(Cluster, ANewServerGetsItsVoteOnceItIsStable) {
  TestCluster cluster;
  cluster.start("s1", bootstrap);
  ASSERT_TRUE(cluster.apply(model::MessageType::kKVS, put("a", "1")));
  cluster.start("s2");
  EXPECT_TRUE(eventually([&] { return voters(cluster, "s1") == 2; }));
  EXPECT_TRUE(
      cluster.all_show([](const store::Tables& tables) { return serf_health(tables, "s2") == "passing"; }));
  cluster.start("s3");
  EXPECT_TRUE(eventually([&] { return voters(cluster, "s2") == 3; }));
  EXPECT_TRUE(eventually([&] {
    auto health = autopilot_health(cluster.server("s1"));
    return health && health->healthy && health->failure_tolerance == 1 && health->servers.size() == 3;
  }));
}

TEST(Cluster, WritesGoOnWhenTheLeaderIsKilled) {
  TestCluster cluster;
  start_three(cluster);
  ASSERT_TRUE(cluster.apply(model::MessageType::kKVS, put("before", "1")));
  std::string first = cluster.leader();
  EXPECT_TRUE(cluster.all_show(
      [](const store::Tables& tables) { return store::kv_get(tables, "before") != nullptr; }));
  cluster.kill(first);
  ASSERT_TRUE(cluster.apply(model::MessageType::kKVS, put("after", "2")));
  EXPECT_NE(cluster.leader(), first);
  EXPECT_TRUE(cluster.all_show([](const store::Tables& tables) {
    return store::kv_get(tables, "before") != nullptr && store::kv_get(tables, "after") != nullptr;
  }));
  // Gossip finds out: the node is ill, and autopilot lets it go.
  cluster.fail(first);
  std::string second = cluster.leader();
  EXPECT_TRUE(eventually([&] { return voters(cluster, second) == 2; }));
  EXPECT_TRUE(
      cluster.all_show([&](const store::Tables& tables) { return serf_health(tables, first).empty(); }));
}

TEST(Cluster, ASessionOutlivesItsLeaderAndStillEnds) {
  TestCluster cluster;
  start_three(cluster);
  ASSERT_TRUE(
      cluster.all_show([](const store::Tables& tables) { return serf_health(tables, "s1") == "passing"; }));
  auto created = cluster.apply(model::MessageType::kSession, session_on("s1", "1s"));
  ASSERT_TRUE(created) << created.error().message;
  std::string first = cluster.leader();
  // The node that holds it up must go on.
  if (first == "s1") {
    ASSERT_TRUE(cluster.run(
        first, [&](auto done) { cluster.server(first).begin_leave(cluster.reactor(first), done); }));
    first = cluster.leader();
    ASSERT_NE(first, "s1");
  }
  EXPECT_TRUE(cluster.all_show([](const store::Tables& tables) { return has_session(tables); }));
  cluster.kill(first);
  ASSERT_NE(cluster.leader(), "");
  EXPECT_TRUE(cluster.all_show([](const store::Tables& tables) { return !has_session(tables); }));
}

TEST(Cluster, AFailedNodeLosesItsSessionsAndItsLocksAreDelayedOnEveryServer) {
  TestCluster cluster;
  start_three(cluster);
  cluster.join(testing::client_member("c1", "127.1.1.9", "00000000-0000-4000-8000-0000000000c1"));
  ASSERT_TRUE(
      cluster.all_show([](const store::Tables& tables) { return serf_health(tables, "c1") == "passing"; }));
  ASSERT_TRUE(cluster.apply(model::MessageType::kSession, session_on("c1", "")));
  model::KVSRequest lock = put("lock", "c1");
  lock.op = model::kv_op::kLock;
  lock.dir_ent.session = kSession;
  ASSERT_TRUE(cluster.apply(model::MessageType::kKVS, lock));
  cluster.fail("c1");
  EXPECT_TRUE(cluster.all_show([](const store::Tables& tables) {
    return serf_health(tables, "c1") == "critical" && !has_session(tables);
  }));
  std::string first = cluster.leader();
  EXPECT_TRUE(cluster.server(first).leader_duties().lock_delayed("lock"));
  cluster.kill(first);
  std::string second = cluster.leader();
  ASSERT_NE(second, first);
  EXPECT_TRUE(cluster.server(second).leader_duties().lock_delayed("lock"));
  cluster.reap("c1");
  EXPECT_TRUE(
      cluster.all_show([](const store::Tables& tables) { return serf_health(tables, "c1").empty(); }));
}

TEST(Cluster, TheNextLeaderCollectsTheTombstonesOfTheOneBefore) {
  TestCluster cluster;
  auto soon = [](ServerOptions& options) {
    options.bootstrap_expect = 3;
    options.tombstone_ttl = 1s;
    options.tombstone_granularity = 1ms;
  };
  for (const char* name : {"s1", "s2", "s3"}) cluster.start(name, soon);
  ASSERT_TRUE(cluster.apply(model::MessageType::kKVS, put("a", "1")));
  model::KVSRequest gone = put("a", "");
  gone.op = model::kv_op::kDelete;
  ASSERT_TRUE(cluster.apply(model::MessageType::kKVS, gone));
  cluster.kill(cluster.leader());
  EXPECT_TRUE(cluster.all_show(
      [](const store::Tables& tables) { return tables.tree(store::TableIndex::kTombstones).empty(); }));
}

TEST(Cluster, AServerLeavesInGoodOrder) {
  TestCluster cluster;
  start_three(cluster);
  auto leave = [&](const std::string& name) {
    ASSERT_TRUE(
        cluster.run(name, [&](auto done) { cluster.server(name).begin_leave(cluster.reactor(name), done); }));
    EXPECT_FALSE(voters(cluster, name) > 1 && cluster.server(name).raft().is_leader());
    cluster.left(name);
    ASSERT_TRUE(cluster.run(
        name, [&](auto done) { cluster.server(name).finish_leave(cluster.reactor(name), done); }));
    cluster.kill(name);
  };
  std::string follower = cluster.follower();
  leave(follower);
  EXPECT_EQ(voters(cluster, cluster.leader()), 2u);
  std::string leader = cluster.leader();
  leave(leader);
  ASSERT_TRUE(cluster.apply(model::MessageType::kKVS, put("alone", "1")));
  std::string last = cluster.leader();
  EXPECT_NE(last, leader);
  EXPECT_EQ(voters(cluster, last), 1u);
  EXPECT_TRUE(cluster.all_show([&](const store::Tables& tables) {
    return serf_health(tables, follower).empty() && serf_health(tables, leader).empty();
  }));
  ASSERT_TRUE(
      cluster.run(last, [&](auto done) { cluster.server(last).begin_leave(cluster.reactor(last), done); }));
  EXPECT_EQ(voters(cluster, last), 1u) << "a quorum of one stays what it is";
}

class Restarts : public ::testing::Test {
 protected:
  TestCluster::Adjust on_disk(const std::string& name) {
    return [this, name](ServerOptions& options) {
      options.in_memory = false;
      options.data_dir = directory_.path() + "/" + name;
      options.bootstrap_expect = 3;
    };
  }
  raft::TemporaryDirectory directory_;
};

TEST_F(Restarts, AllComeBackUnattended) {
  TestCluster cluster;
  for (const char* name : {"s1", "s2", "s3"}) cluster.start(name, on_disk(name));
  ASSERT_TRUE(cluster.apply(model::MessageType::kKVS, put("kept", "1")));
  for (const char* name : {"s1", "s2", "s3"}) cluster.kill(name);
  for (const char* name : {"s1", "s2", "s3"}) cluster.start(name, on_disk(name));
  ASSERT_NE(cluster.leader(), "");
  EXPECT_TRUE(cluster.all_show([](const store::Tables& tables) {
    return store::kv_get(tables, "kept") != nullptr;
  })) << cluster.describe();
}

TEST_F(Restarts, AnOperatorsPeersBringBackWhatIsLeft) {
  TestCluster cluster;
  for (const char* name : {"s1", "s2", "s3"}) cluster.start(name, on_disk(name));
  ASSERT_TRUE(cluster.apply(model::MessageType::kKVS, put("kept", "1")));
  ASSERT_TRUE(
      cluster.all_show([](const store::Tables& tables) { return store::kv_get(tables, "kept") != nullptr; }));
  for (const char* name : {"s1", "s2", "s3"}) cluster.kill(name);
  for (const char* name : {"s2", "s3"}) cluster.fail(name);
  std::string file = directory_.path() + "/s1/raft/peers.json";
  std::ofstream(file) << R"([{"id": ")" << TestCluster::id_of("s1") << R"(", "address": "127.1.1.1:8300"}])";
  cluster.start("s1", on_disk("s1"));
  EXPECT_EQ(cluster.leader(), "s1");
  EXPECT_EQ(voters(cluster, "s1"), 1u);
  EXPECT_NE(store::kv_get(*cluster.server("s1").store().view(), "kept"), nullptr);
  EXPECT_FALSE(std::ifstream(file).good());
  ASSERT_TRUE(cluster.apply(model::MessageType::kKVS, put("more", "1")));
}

// An agent that comes back under its name with nothing of what it had.
TEST(Cluster, AServerComesBackAsAnotherWithoutAnOperator) {
  TestCluster cluster;
  start_three(cluster);
  std::string lost = cluster.follower();
  cluster.kill(lost);
  std::string id = "99999999-9999-4999-8999-999999999999";
  cluster.start(lost, [&](ServerOptions& options) { options.node_id = id; });
  std::string leader = cluster.leader();
  EXPECT_TRUE(eventually([&] {
    auto configuration = cluster.server(leader).raft().configuration().configuration;
    return configuration.is_voter(id) && configuration.servers.size() == 3;
  }));
  EXPECT_TRUE(cluster.all_show([&](const store::Tables& tables) {
    const model::Node* node = store::node_find(tables, "", lost);
    return node != nullptr && node->id == id && serf_health(tables, lost) == "passing";
  }));
}

TEST(Cluster, AServerWithoutALeaderSaysSo) {
  TestCluster cluster;
  cluster.start("s1", [](ServerOptions& options) { options.rpc_hold_timeout = 100ms; });
  auto applied = cluster.apply_at("s1", model::MessageType::kKVS, put("a", "1"));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().message, kErrNoLeader);
  Gateway gateway({.datacenter = "dc1", .server = &cluster.server("s1"), .rpc_hold_timeout = 100ms});
  for (bool stale : {false, true}) {
    auto readable = std::make_shared<Status>();
    Ask ask;
    ask.place = Place::kReadable;
    ask.options.allow_stale = stale;
    auto here = [readable, &cluster] { ADD_FAILURE() << cluster.server("s1").leader_address() << " leads"; };
    ASSERT_TRUE(cluster.run("s1", [&](auto done) {
      gateway.route(cluster.reactor("s1"), ask, here, [readable, done](Result<std::string> reply) {
        *readable = reply ? Status() : Status(fail(std::move(reply.error())));
        done();
      });
    }));
    ASSERT_FALSE(*readable);
    EXPECT_EQ(readable->error().message, kErrNoLeader);
    EXPECT_EQ(readable->error().kind, ErrorKind::kNoLeader);
  }
  EXPECT_EQ(cluster.server("s1").raft_stats().last_contact, "never");
}

}  // namespace
}  // namespace praetor::server
