#include "server/raft_peers.h"

#include <gtest/gtest.h>

#include "server/bootstrap.h"
#include "server/member_test_support.h"

namespace praetor::server {
namespace {

using gossip::MemberStatus;
using raft::ConfigurationChange;
using raft::Suffrage;
using testing::client_member;
using testing::server_member;
using testing::with_status;
using testing::with_tag;

raft::Configuration three() {
  return {{{Suffrage::kVoter, "id1", "10.0.0.1:8300"},
           {Suffrage::kVoter, "id2", "10.0.0.2:8300"},
           {Suffrage::kVoter, "id3", "10.0.0.3:8300"}}};
}

std::vector<gossip::Member> three_members() {
  return {server_member("s1", "10.0.0.1", "id1"), server_member("s2", "10.0.0.2", "id2"),
          server_member("s3", "10.0.0.3", "id3")};
}

// "Change id address", joined by ", ".
std::string text(const PeerChanges& changes) {
  std::string text;
  for (const PeerChange& one : changes.changes) {
    static const char* const kNames[] = {"voter", "nonvoter", "staging", "demote", "remove"};
    text += (text.empty() ? "" : ", ") + std::string(kNames[static_cast<size_t>(one.change)]) + " " +
            one.server.id + " " + one.server.address;
  }
  return text;
}

std::string joined(const raft::Configuration& configuration, std::vector<gossip::Member> members,
                   const gossip::Member& server, const std::string& self = "id1") {
  std::erase_if(members, [&](const gossip::Member& member) { return member.name == server.name; });
  members.push_back(server);
  return text(join_peer(configuration, members, *server_tags(server), self));
}

TEST(RaftPeers, TakesAServerInWithoutAVoteAtFirst) {
  EXPECT_EQ(joined(three(), three_members(), server_member("s4", "10.0.0.4", "id4")),
            "nonvoter id4 10.0.0.4:8300");
  EXPECT_EQ(joined(three(), three_members(), server_member("s2", "10.0.0.2", "id2")), "") << "is there";
  EXPECT_EQ(joined(three(), three_members(), server_member("s4", "10.0.0.4", "")), "") << "tells no id";
}

TEST(RaftPeers, GivesAServerOfTheOlderProtocolItsVoteAtOnce) {
  EXPECT_EQ(
      joined(three(), three_members(), with_tag(server_member("s4", "10.0.0.4", "id4"), "raft_vsn", "2")),
      "voter 10.0.0.4:8300 10.0.0.4:8300");
  auto members = three_members();
  members[1].tags["raft_vsn"] = "2";
  EXPECT_EQ(joined(three(), members, server_member("s4", "10.0.0.4", "id4")), "voter id4 10.0.0.4:8300");
  members[1].status = MemberStatus::kFailed;
  EXPECT_EQ(joined(three(), members, server_member("s4", "10.0.0.4", "id4")), "nonvoter id4 10.0.0.4:8300");
}

TEST(RaftPeers, ReplacesAServerThatCameBackAsAnother) {
  EXPECT_EQ(joined(three(), three_members(), server_member("s2", "10.0.0.2", "new")),
            "remove id2 10.0.0.2:8300, nonvoter new 10.0.0.2:8300");
  EXPECT_EQ(joined(three(), three_members(), server_member("s2", "10.0.0.22", "id2")),
            "voter id2 10.0.0.22:8300")
      << "the same log at a new address keeps its vote";
  auto configuration = three();
  configuration.servers[1].suffrage = Suffrage::kNonvoter;
  EXPECT_EQ(joined(configuration, three_members(), server_member("s2", "10.0.0.22", "id2")),
            "nonvoter id2 10.0.0.22:8300");
}

TEST(RaftPeers, NeverTakesTheLeaderOut) {
  EXPECT_EQ(joined(three(), three_members(), server_member("s9", "10.0.0.1", "id9")),
            "nonvoter id9 10.0.0.1:8300");
  EXPECT_EQ(text(remove_peer(three(), three_members(), *server_tags(server_member("s1", "10.0.0.1", "id1")),
                             "id1")),
            "");
  EXPECT_EQ(
      joined(three(), three_members(), with_tag(server_member("s1", "10.0.0.1", "id1"), "raft_vsn", "2")),
      "");
  EXPECT_EQ(joined(three(), three_members(), server_member("s1", "10.0.0.11", "id1")),
            "voter id1 10.0.0.11:8300");
}

TEST(RaftPeers, RefusesASecondServerInBootstrapMode) {
  auto members = three_members();
  members[0].tags["bootstrap"] = "1";
  auto other = with_tag(server_member("s4", "10.0.0.4", "id4"), "bootstrap", "1");
  members.push_back(other);
  PeerChanges changes = join_peer(three(), members, *server_tags(other), "id1");
  EXPECT_TRUE(changes.changes.empty());
  EXPECT_EQ(
      changes.refusal,
      "Two nodes are in bootstrap mode. Only one node should be in bootstrap mode, not adding Raft peer.");
}

std::string removed(const raft::Configuration& configuration, const std::vector<gossip::Member>& members,
                    const gossip::Member& server) {
  return text(remove_peer(configuration, members, *server_tags(server), "id1"));
}

TEST(RaftPeers, TakesOutWhoLeft) {
  auto members = three_members();
  members[2].status = MemberStatus::kLeft;
  EXPECT_EQ(removed(three(), members, members[2]), "remove id3 10.0.0.3:8300");
  EXPECT_EQ(removed(three(), members, server_member("s7", "10.0.0.7", "id7")), "");
  EXPECT_EQ(removed(three(), members, server_member("s3", "10.0.0.3", "")), "remove id3 10.0.0.3:8300");
}

TEST(RaftPeers, KeepsAServerThatGoesOnUnderANewName) {
  auto members = three_members();
  members[2].name = "s3-renamed";
  EXPECT_EQ(
      removed(three(), members, with_status(server_member("s3", "10.0.0.3", "id3"), MemberStatus::kLeft)),
      "");
}

// Otherwise the entry that takes it out would stand, uncommitted, in the way of those that come back.
TEST(RaftPeers, KeepsAServerWithoutWhichTheRestCouldNotGoOn) {
  auto members = three_members();
  members[1].status = MemberStatus::kFailed;
  members[2].status = MemberStatus::kLeft;
  PeerChanges changes = remove_peer(three(), members, *server_tags(members[2]), "id1");
  EXPECT_TRUE(changes.changes.empty());
  EXPECT_NE(changes.refusal, "");
  auto configuration = three();
  configuration.servers[2].suffrage = Suffrage::kNonvoter;
  EXPECT_EQ(removed(configuration, members, members[2]), "remove id3 10.0.0.3:8300");
}

// --- bootstrap_expect ---

std::vector<gossip::Member> expecting(int count, const std::string& expect = "3") {
  std::vector<gossip::Member> members;
  for (int i = count; i > 0; --i) {
    std::string number = std::to_string(i);
    members.push_back(
        with_tag(server_member("s" + number, "10.0.0." + number, "id" + number), "expect", expect));
  }
  return members;
}

TEST(BootstrapExpect, WaitsForAllThatItExpects) {
  auto members = expecting(2);
  members.push_back(client_member("c1", "10.0.0.9", "id9"));
  members.push_back(with_tag(expecting(3)[0], "nonvoter", "1"));
  EXPECT_EQ(look_for_servers(members, "dc1", 3).verdict, BootstrapView::Verdict::kWait);
  members.push_back(server_member("s4", "10.0.0.4", "id4"));  // expects nothing: counts
  BootstrapView view = look_for_servers(members, "dc1", 3);
  EXPECT_EQ(view.verdict, BootstrapView::Verdict::kReady);
  raft::Configuration configuration = bootstrap_configuration(view.servers);
  ASSERT_EQ(configuration.servers.size(), 4u);
  EXPECT_EQ(configuration.servers[0], (raft::Server{Suffrage::kVoter, "id1", "10.0.0.1:8300"}));
  EXPECT_EQ(configuration.servers[2], (raft::Server{Suffrage::kNonvoter, "id3", "10.0.0.3:8300"}));
}

TEST(BootstrapExpect, RefusesWhatDoesNotFitTogether) {
  auto members = expecting(3);
  members[1].tags["expect"] = "5";
  BootstrapView view = look_for_servers(members, "dc1", 3);
  EXPECT_EQ(view.verdict, BootstrapView::Verdict::kWait);
  EXPECT_EQ(view.problem, "Member has a conflicting expect value. All nodes should expect the same number.");
  EXPECT_EQ(view.culprit, "s2");
  members = expecting(3);
  members[1].tags["bootstrap"] = "1";
  EXPECT_EQ(look_for_servers(members, "dc1", 3).problem, "Member has bootstrap mode. Expect disabled.");
  members = expecting(4);
  members[1].tags["dc"] = "dc2";
  view = look_for_servers(members, "dc1", 3);
  EXPECT_EQ(view.problem, "Member has a conflicting datacenter, ignoring");
  EXPECT_EQ(view.verdict, BootstrapView::Verdict::kReady);
  EXPECT_EQ(view.servers.size(), 3u);
}

TEST(BootstrapExpect, NamesServersByAddressWhenOneIsOfTheOlderProtocol) {
  auto members = expecting(3);
  members[0].tags["raft_vsn"] = "2";
  raft::Configuration configuration = bootstrap_configuration(look_for_servers(members, "dc1", 3).servers);
  EXPECT_EQ(configuration.servers[0].id, "10.0.0.1:8300");
}

}  // namespace
}  // namespace praetor::server
