#include "server/autopilot_health.h"

#include <gtest/gtest.h>

#include "server/member_test_support.h"

namespace praetor::server {
namespace {

using namespace std::chrono_literals;
using gossip::MemberStatus;
using raft::Suffrage;
using testing::server_member;

class AutopilotHealth : public ::testing::Test {
 protected:
  AutopilotHealth() {
    input_.config = {.cleanup_dead_servers = true,
                     .last_contact_threshold = 200ms,
                     .max_trailing_logs = 250,
                     .server_stabilization_time = 10s};
    input_.leader_id = "id1";
    input_.last_term = 3;
    input_.last_index = 1000;
    input_.now = Time{.seconds = 1'600'000'000};
    add(5);
  }
  void add(int servers) {
    input_.configuration = {};
    input_.members.clear();
    input_.stats.clear();
    for (int i = 1; i <= servers; ++i) {
      std::string number = std::to_string(i);
      input_.configuration.servers.push_back({Suffrage::kVoter, "id" + number, "10.0.0." + number + ":8300"});
      input_.members.push_back(server_member("s" + number, "10.0.0." + number, "id" + number));
      input_.stats["id" + number] = {i == 1 ? "0" : "20ms", 3, 1000};
    }
  }
  model::OperatorHealth assess() { return assess_health(input_, stability_); }
  std::string removed() {
    Cleanup cleanup = servers_to_remove(input_);
    std::string text;
    for (const gossip::Member& member : cleanup.failed) text += member.name + " ";
    for (const raft::Server& server : cleanup.stale) text += "stale " + server.id + " ";
    return text + cleanup.refusal;
  }

  HealthInput input_;
  StabilityMap stability_;
};

// Found beside a real Consul: with default timings a follower heard from an idle leader each 500 ms only.
TEST_F(AutopilotHealth, AnIdleFollowerHearsItsLeaderOftenEnough) {
  EXPECT_EQ(healthy_timings(raft::Timings().scaled(5)).heartbeat_interval, 100ms);
  EXPECT_EQ(healthy_timings({.heartbeat_timeout = 40ms}).heartbeat_interval, 4ms);
  EXPECT_EQ(healthy_timings({.heartbeat_interval = 300ms}).heartbeat_interval, 300ms)
      << "as it was asked for";
}

TEST_F(AutopilotHealth, SaysHowManyMayFail) {
  model::OperatorHealth health = assess();
  EXPECT_TRUE(health.healthy);
  EXPECT_EQ(health.failure_tolerance, 2);
  ASSERT_EQ(health.servers.size(), 5u);
  EXPECT_TRUE(health.servers[0].leader);
  EXPECT_EQ(health.servers[0].last_contact, "0s");
  EXPECT_EQ(health.servers[1].last_contact, "20ms");
  EXPECT_EQ(health.servers[1].stable_since, "2020-09-13T12:26:40Z");
  EXPECT_EQ(health.servers[1].version, "1.8.7");
  input_.members[3].status = MemberStatus::kFailed;
  input_.stats.erase("id4");
  input_.stats.erase("id5");
  health = assess();
  EXPECT_FALSE(health.healthy);
  EXPECT_EQ(health.failure_tolerance, 0);
  EXPECT_EQ(health.servers[3].serf_status, "failed");
  EXPECT_EQ(health.servers[3].last_contact, "-1ns");
}

TEST_F(AutopilotHealth, FindsWhatMakesAServerIll) {
  auto healthy = [&](const model::RaftStats& stats) {
    input_.stats["id2"] = stats;
    return assess().servers[1].healthy;
  };
  EXPECT_TRUE(healthy({"200ms", 3, 750}));
  EXPECT_FALSE(healthy({"201ms", 3, 1000}));
  EXPECT_FALSE(healthy({"never", 3, 1000}));
  EXPECT_FALSE(healthy({"1ms", 2, 1000}));
  EXPECT_FALSE(healthy({"1ms", 3, 749}));
  input_.members[1].status = MemberStatus::kLeft;
  EXPECT_FALSE(healthy({"1ms", 3, 1000}));
  EXPECT_EQ(assess().servers[1].serf_status, "none");
}

TEST_F(AutopilotHealth, PromotesWhoHasBeenHealthyLongEnough) {
  input_.configuration.servers[4].suffrage = Suffrage::kNonvoter;
  assess();
  EXPECT_TRUE(servers_to_promote(input_, stability_).empty());
  input_.now.seconds += 9;
  assess();
  EXPECT_TRUE(servers_to_promote(input_, stability_).empty());
  input_.now.seconds += 1;
  assess();
  auto promoted = servers_to_promote(input_, stability_);
  ASSERT_EQ(promoted.size(), 1u);
  EXPECT_EQ(promoted[0].id, "id5");
  input_.members[4].tags["nonvoter"] = "1";
  EXPECT_TRUE(servers_to_promote(input_, stability_).empty());
  input_.members[4].tags.erase("nonvoter");
  input_.stats.erase("id5");
  assess();
  input_.stats["id5"] = {"1ms", 3, 1000};
  assess();
  EXPECT_TRUE(servers_to_promote(input_, stability_).empty()) << "its time begins again";
}

TEST_F(AutopilotHealth, CleansUpAMinorityOnly) {
  EXPECT_EQ(removed(), "");
  input_.members[4].status = MemberStatus::kFailed;
  EXPECT_EQ(removed(), "s5 ");
  input_.members.erase(input_.members.begin() + 3);
  EXPECT_EQ(removed(), "s5 stale id4 ");
  input_.settled = false;
  EXPECT_EQ(removed(), "s5 ") << "its member may not be known yet";
  input_.members[1].status = MemberStatus::kFailed;
  EXPECT_EQ(removed(), "denied, because removing the majority of servers 3/5 is not safe");
  input_.config.cleanup_dead_servers = false;
  EXPECT_EQ(removed(), "");
}

TEST_F(AutopilotHealth, LeavesAsManyAsTheOperatorWants) {
  input_.config.min_quorum = 5;
  input_.members[4].status = MemberStatus::kFailed;
  EXPECT_EQ(removed(),
            "denied, because removing 1/5 servers would leave less then minimal allowed quorum of 5 servers");
  input_.configuration.servers[4].suffrage = Suffrage::kNonvoter;
  EXPECT_EQ(removed(), "s5 ") << "nobody counts on it";
}

}  // namespace
}  // namespace praetor::server
