#include "server/server_tags.h"

#include <gtest/gtest.h>

#include "server/member_test_support.h"

namespace praetor::server {
namespace {

using testing::client_member;
using testing::server_member;
using testing::with_tag;

TEST(ServerTags, ReadsWhatAServerSays) {
  gossip::Member member = server_member("s1", "10.0.0.1", "id1");
  member.tags["expect"] = "3";
  member.tags["build"] = "1.8.7+dev:1a2b";
  auto server = server_tags(member);
  ASSERT_TRUE(server);
  EXPECT_EQ(server->address, "10.0.0.1:8300");
  EXPECT_EQ(server->build, "1.8.7");
  EXPECT_EQ(server->expect, 3);
  EXPECT_EQ(server->wan_join_port, 8302);
  EXPECT_EQ(server->raft_id(), "id1");
  EXPECT_FALSE(server->bootstrap);
  EXPECT_FALSE(server->extensions);
  EXPECT_TRUE(server_tags(with_tag(member, "bootstrap", "1"))->bootstrap);
  EXPECT_TRUE(server_tags(with_tag(member, "praetor", "0.1"))->extensions);
  EXPECT_EQ(server_tags(with_tag(member, "raft_vsn", "2"))->raft_id(), "10.0.0.1:8300");
  member.address.ip = *gossip::IpAddress::parse("fd00::1");
  EXPECT_EQ(server_tags(member)->address, "[fd00::1]:8300");
}

TEST(ServerTags, TakesNobodyElseForAServer) {
  gossip::Member server = server_member("s1", "10.0.0.1", "id1");
  EXPECT_FALSE(server_tags(client_member("c1", "10.0.0.1", "id1")));
  for (auto [tag, value] : {std::pair("port", "x"),
                            {"port", "70000"},
                            {"port", "-1"},
                            {"expect", "x"},
                            {"vsn", ""},
                            {"raft_vsn", "three"},
                            {"wan_join_port", "x"},
                            {"build", "1.8"},
                            {"build", ""}})
    EXPECT_FALSE(server_tags(with_tag(server, tag, value))) << tag << "=" << value;
}

TEST(ServerTags, KnowsWhoBelongsToTheCatalog) {
  EXPECT_TRUE(belongs_to_catalog(client_member("c1", "10.0.0.1", "id1"), "dc1"));
  EXPECT_FALSE(belongs_to_catalog(client_member("c1", "10.0.0.1", "id1"), "dc2"));
  gossip::Member server = server_member("s1", "10.0.0.1", "id1");
  EXPECT_TRUE(belongs_to_catalog(server, "dc1"));
  EXPECT_FALSE(belongs_to_catalog(with_tag(server, "segment", "alpha"), "dc1"));
  EXPECT_FALSE(belongs_to_catalog(with_tag(server, "role", "serf"), "dc1"));
}

}  // namespace
}  // namespace praetor::server
