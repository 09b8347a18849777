#include "server/reconcile.h"

#include <gtest/gtest.h>

#include "server/member_test_support.h"
#include "server/server_tags.h"
#include "store/catalog.h"
#include "store/session.h"

namespace praetor::server {
namespace {

using gossip::MemberStatus;
using testing::client_member;
using testing::server_member;
using testing::with_status;

constexpr const char* kId1 = "11111111-1111-4111-8111-111111111111";
constexpr const char* kId2 = "22222222-2222-4222-8222-222222222222";

class Reconcile : public ::testing::Test {
 protected:
  // Carries out what is to be written, as the state machine does; how many requests that were.
  size_t settle(const gossip::Member& member) { return settle(member, presence_of(member)); }
  size_t settle(const gossip::Member& member, Presence presence) {
    Reconciliation result = reconcile_member(*store_.view(), context_, member, presence);
    note_ = result.note;
    for (const CatalogWrite& write : result.writes) {
      store_.begin(++index_);
      Status done = std::holds_alternative<model::RegisterRequest>(write)
                        ? store::catalog_register(store_, std::get<model::RegisterRequest>(write))
                        : store::catalog_deregister(store_, std::get<model::DeregisterRequest>(write));
      EXPECT_TRUE(done) << done.error().message;
      store_.commit();
      store_.publish();
    }
    return result.writes.size();
  }
  std::string status(const std::string& node) {
    store::View view = store_.view();
    const model::HealthCheck* check = store::check_find(*view, node, model::kSerfHealthCheckID);
    return check == nullptr ? "" : check->status + ": " + check->output;
  }
  const model::Node* node(const std::string& name) { return store::node_find(*store_.view(), "", name); }

  ReconcileContext context_{"dc1", "s1", {}, {}};
  store::Store store_;
  uint64_t index_ = 0;
  std::string note_;
};

TEST_F(Reconcile, ShowsAServerWithItsService) {
  EXPECT_EQ(settle(server_member("s2", "10.0.0.2", kId2)), 1u);
  EXPECT_EQ(note_, "member joined, marking health alive");
  EXPECT_EQ(status("s2"), "passing: Agent alive and reachable");
  store::View view = store_.view();
  const store::ServiceRecord* service = store::service_find(*view, "s2", "consul");
  ASSERT_NE(service, nullptr);
  EXPECT_EQ(service->service.port, 8300);
  EXPECT_EQ(*service->service.meta.get("raft_version"), "3");
  EXPECT_EQ(*service->service.meta.get("serf_protocol_current"), "2");
  EXPECT_EQ(*service->service.meta.get("version"), "1.8.7");
  EXPECT_EQ(settle(server_member("s2", "10.0.0.2", kId2)), 0u) << "nothing has changed";
  gossip::Member newer = server_member("s2", "10.0.0.2", kId2);
  newer.tags["build"] = "1.9.0:";
  EXPECT_EQ(settle(newer), 1u);
}

TEST_F(Reconcile, FollowsAClientThroughItsLife) {
  gossip::Member client = client_member("c1", "10.0.0.9", kId1);
  EXPECT_EQ(settle(with_status(client, MemberStatus::kFailed)), 0u) << "not in the catalog";
  settle(client);
  EXPECT_EQ(store::service_find(*store_.view(), "c1", "consul"), nullptr);
  EXPECT_EQ(settle(with_status(client, MemberStatus::kFailed)), 1u);
  EXPECT_EQ(status("c1"), "critical: Agent not live or unreachable");
  EXPECT_EQ(settle(with_status(client, MemberStatus::kFailed)), 0u);
  EXPECT_EQ(settle(client), 1u);
  EXPECT_EQ(status("c1"), "passing: Agent alive and reachable");
  EXPECT_EQ(settle(with_status(client, MemberStatus::kLeaving)), 0u);
  EXPECT_EQ(settle(with_status(client, MemberStatus::kLeft)), 1u);
  EXPECT_EQ(node("c1"), nullptr);
  EXPECT_EQ(settle(with_status(client, MemberStatus::kLeft)), 0u);
}

TEST_F(Reconcile, KeepsWhatAnAgentToldOfItself) {
  gossip::Member client = client_member("c1", "10.0.0.9", kId1);
  model::RegisterRequest request;
  request.id = kId1;
  request.node = "c1";
  request.address = "10.0.0.9";
  request.node_meta["rack"] = "7";
  store_.begin(++index_);
  ASSERT_TRUE(store::catalog_register(store_, request));
  store_.commit();
  store_.publish();
  EXPECT_EQ(settle(client), 1u);
  ASSERT_NE(node("c1"), nullptr);
  EXPECT_EQ(*node("c1")->meta.get("rack"), "7");
  client.address.ip = *gossip::IpAddress::parse("10.0.0.10");
  EXPECT_EQ(settle(client), 1u);
  EXPECT_EQ(node("c1")->address, "10.0.0.10");
  EXPECT_EQ(*node("c1")->meta.get("rack"), "7");
}

// An agent that came back with an empty data directory before anybody noticed that it was gone.
TEST_F(Reconcile, GivesANameToItsNewOwner) {
  settle(client_member("c1", "10.0.0.9", kId1));
  model::Session session;
  session.id = "adf4238a-882b-9ddc-4a9d-5b6758e4159e";
  session.node = "c1";
  session.checks = {model::kSerfHealthCheckID};
  session.node_checks = {model::kSerfHealthCheckID};
  store_.begin(++index_);
  ASSERT_TRUE(store::session_create(store_, session));
  store_.commit();
  store_.publish();
  EXPECT_EQ(settle(client_member("c1", "10.0.0.9", kId2)), 2u);
  EXPECT_EQ(node("c1")->id, kId2);
  EXPECT_EQ(status("c1"), "passing: Agent alive and reachable");
  EXPECT_EQ(*store::session_get(*store_.view(), session.id), nullptr) << "held by the agent before";
  EXPECT_EQ(settle(client_member("c1", "10.0.0.9", kId2)), 0u);
}

TEST_F(Reconcile, RenamesANode) {
  settle(client_member("old", "10.0.0.9", kId1));
  EXPECT_EQ(settle(client_member("new", "10.0.0.9", kId1)), 1u);
  EXPECT_EQ(node("old"), nullptr);
  ASSERT_NE(node("new"), nullptr);
  EXPECT_EQ(settle(with_status(client_member("old", "10.0.0.9", kId1), MemberStatus::kFailed)), 0u);
  EXPECT_EQ(settle(client_member("old", "10.0.0.9", kId1), Presence::kReaped), 0u);
  EXPECT_EQ(status("new"), "passing: Agent alive and reachable");
}

TEST_F(Reconcile, NeverTakesItselfOut) {
  gossip::Member self = server_member("s1", "10.0.0.1", kId1);
  settle(self);
  EXPECT_EQ(settle(with_status(self, MemberStatus::kLeft)), 0u);
  EXPECT_EQ(note_, "deregistering self should be done by follower");
}

TEST_F(Reconcile, FindsNodesThatArenoMembersAnyMore) {
  settle(client_member("c1", "10.0.0.9", kId1));
  settle(server_member("s2", "10.0.0.2", kId2));
  model::RegisterRequest external;
  external.node = "printer";
  external.address = "10.0.0.77";
  store_.begin(++index_);
  ASSERT_TRUE(store::catalog_register(store_, external));
  store_.commit();
  store_.publish();
  auto unknown = unknown_members(*store_.view(), "dc1", {client_member("C1", "10.0.0.9", kId1)});
  ASSERT_EQ(unknown.size(), 1u);
  EXPECT_EQ(unknown[0].name, "s2");
  EXPECT_TRUE(belongs_to_catalog(unknown[0], "dc1"));
  auto server = server_tags(unknown[0]);
  ASSERT_TRUE(server);
  EXPECT_EQ(server->address, "10.0.0.2:8300");
  EXPECT_EQ(server->raft_id(), kId2);
  EXPECT_EQ(settle(unknown[0], Presence::kReaped), 1u);
  EXPECT_EQ(node("s2"), nullptr);
}

}  // namespace
}  // namespace praetor::server
