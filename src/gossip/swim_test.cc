#include "gossip/swim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gossip/sim_network.h"

namespace praetor::gossip {
namespace {

using namespace std::chrono_literals;
using Index = SimNetwork::Index;

// A few members, all joined through the first.
class Cluster {
 public:
  explicit Cluster(size_t size, SimNetworkOptions network = {}, SwimTimings timings = {})
      : net(network), timings_(timings) {
    for (Index i = 0; i < size; ++i) add();
    for (Index i = 1; i < size; ++i) join(i, 0);
    EXPECT_TRUE(net.run_until([&] { return everyone_sees(size); }, 60s));
  }

  SwimOptions options(Index i) {
    SwimOptions options;
    options.name = "n" + std::to_string(i);
    options.address = SimNetwork::address_of(i);
    options.timings = timings_;
    options.seed = 1000 + i;
    return options;
  }
  Index add() {
    auto index = static_cast<Index>(members.size());
    auto member = std::make_unique<SimSwim>(options(index));
    watch(member.get());
    members.push_back(member.get());
    net.add(std::move(member));
    net.start(index);
    return index;
  }
  void watch(SimSwim* member) {
    member->on_change = [this, member](std::string_view what, const Node& node) {
      log.push_back(member->swim.options().name + " " + std::string(what) + " " + node.name());
    };
  }
  // A new process under the same name at the same address.
  void restart(Index i) {
    auto member = std::make_unique<SimSwim>(options(i));
    watch(member.get());
    members[i] = member.get();
    net.replace(i, std::move(member));
    net.start(i);
  }
  void join(Index i, Index to) {
    net.act(i, [&](SimMember&, Effects& effects) {
      members[i]->swim.join(net.now(), SimNetwork::address_of(to), effects);
    });
  }
  bool everyone_sees(size_t alive) {
    for (Index i = 0; i < members.size(); ++i)
      if (net.up(i) && members[i]->swim.alive_count() != alive) return false;
    return true;
  }
  NodeState state(Index at, Index of) {
    return members[at]->swim.nodes().find("n" + std::to_string(of))->state;
  }
  size_t count(const std::string& line) { return static_cast<size_t>(std::ranges::count(log, line)); }
  size_t count_what(const std::string& what) {
    return static_cast<size_t>(
        std::ranges::count_if(log, [&](const std::string& l) { return l.find(" " + what + " ") != l.npos; }));
  }
  void packet(Index i, const std::string& message) {
    net.act(i, [&](SimMember& member, Effects& effects) {
      EXPECT_TRUE(member.packet(net.now(), SimNetwork::address_of(999), message, effects));
    });
  }

  SimNetwork net;
  std::vector<SimSwim*> members;
  std::vector<std::string> log;

 private:
  SwimTimings timings_;
};

TEST(Timing, FormulaeOfThePapers) {
  EXPECT_EQ(retransmit_limit(4, 1), 4u);
  EXPECT_EQ(retransmit_limit(4, 9), 4u);
  EXPECT_EQ(retransmit_limit(4, 10), 8u);
  EXPECT_EQ(retransmit_limit(4, 10000), 20u);
  EXPECT_EQ(suspicion_timeout(4, 1, 1s), 4s);
  EXPECT_EQ(suspicion_timeout(4, 1000, 1s), 12s);
  EXPECT_EQ(suspicion_timeout(3, 50, 1s), 5094ms);  // 1.69897, cut after the third decimal
  EXPECT_EQ(suspicion_after(0, 3, 2s, 30s), 30s);
  EXPECT_EQ(suspicion_after(1, 3, 2s, 30s), 16s);
  EXPECT_EQ(suspicion_after(3, 3, 2s, 30s), 2s);
  EXPECT_EQ(suspicion_after(0, 0, 2s, 30s), 2s);
  EXPECT_EQ(push_pull_scale(30s, 32), 30s);
  EXPECT_EQ(push_pull_scale(30s, 33), 60s);
  EXPECT_EQ(push_pull_scale(30s, 65), 90s);
}

TEST(BroadcastQueue, FreshAndLongFirstUntilTheLimit) {
  BroadcastQueue queue;
  queue.add("a", "aaaa", 1);
  queue.add("b", "bbbbbbbb");
  queue.add("", "cc");
  std::vector<std::string> out;
  queue.take(1, 100, 10, 2, out);
  EXPECT_THAT(out, testing::ElementsAre("bbbbbbbb", "aaaa", "cc"));
  queue.add("d", "dd");
  out.clear();
  queue.take(1, 12, 10, 2, out);  // the fresh one, then the longest that still fits
  EXPECT_THAT(out, testing::ElementsAre("dd", "bbbbbbbb"));
  EXPECT_EQ(queue.size(), 3u);
  out.clear();
  queue.take(1, 100, 1, 2, out);
  EXPECT_THAT(out, testing::ElementsAre("aaaa"));
  EXPECT_THAT(queue.take_finished(), testing::ElementsAre(1));
}

TEST(BroadcastQueue, LaterNewsOfANameReplaceEarlier) {
  BroadcastQueue queue;
  queue.add("a", "old", 7);
  queue.add("a", "new", 8);
  EXPECT_THAT(queue.take_finished(), testing::ElementsAre(7));
  std::vector<std::string> out;
  queue.take(0, 100, 10, 3, out);
  queue.add("a", "newest");  // also one that has been sent already
  queue.take(0, 100, 10, 3, out);
  EXPECT_THAT(out, testing::ElementsAre("new", "newest"));
  queue.prune(0);
  EXPECT_TRUE(queue.empty());
}

TEST(NodeTable, FindsThroughGrowthAndRemoval) {
  NodeTable table;
  Random random(1);
  auto name = [](int i) { return "node-" + std::to_string(i); };
  for (int i = 0; i < 500; ++i)
    table.add({std::make_shared<const NodeInfo>(NodeInfo{name(i), {}, "", {}}), {}, static_cast<uint32_t>(i)},
              random);
  table.sweep(random, [](const Node& node) { return node.incarnation % 3 == 0; });
  for (int i = 0; i < 500; ++i) {
    const Node* node = table.find(name(i));
    ASSERT_EQ(node == nullptr, i % 3 == 0) << i;
    if (node != nullptr) {
      EXPECT_EQ(node->incarnation, static_cast<uint32_t>(i));
    }
  }
  table.add({std::make_shared<const NodeInfo>(NodeInfo{name(0), {}, "", {}}), {}, 0}, random);
  EXPECT_NE(table.find(name(0)), nullptr);
  EXPECT_EQ(table.size(), 500u - 167 + 1);
}

TEST(Swim, JoinsAndConverges) {
  Cluster cluster(10);
  EXPECT_EQ(cluster.count_what("fail"), 0u);
  EXPECT_EQ(cluster.net.bad_packets(), 0u);
  cluster.net.run_for(30s);
  EXPECT_TRUE(cluster.everyone_sees(10));
  for (SimSwim* member : cluster.members) EXPECT_GT(member->last_rtt, 0ns);
}

TEST(Swim, AloneItSleepsAndThenMissesNothing) {
  Cluster cluster(1);
  cluster.net.run_for(100s);
  const Swim& first = cluster.members[0]->swim;
  EXPECT_GE(first.next_deadline(), cluster.net.now());
  size_t ticks = 0;
  for (Instant end = cluster.net.now() + 300s; cluster.net.now() < end; ++ticks)
    cluster.net.run_for(first.next_deadline() - cluster.net.now() + 1ms);
  EXPECT_LE(ticks, 11u);  // push/pulls only, which find nobody
  uint64_t packets = cluster.net.packets_sent();
  EXPECT_EQ(packets, 0u);
  // The beat begins with the second member, and nobody takes the rest for a standstill.
  cluster.join(cluster.add(), 0);
  EXPECT_TRUE(cluster.net.run_until([&] { return cluster.everyone_sees(2); }, 10s));
  EXPECT_LE(first.next_deadline() - cluster.net.now(), first.options().timings.probe_interval);
  cluster.net.run_for(5s);
  EXPECT_EQ(first.health_score(), 0u);
  EXPECT_GT(cluster.net.packets_sent(), packets + 8);
}

TEST(Swim, JoinOfNobodyFails) {
  Cluster cluster(1);
  cluster.join(0, 77);
  cluster.net.run_for(11s);
  EXPECT_FALSE(cluster.members[0]->joined);
}

TEST(Swim, ADeathIsDetectedByAllAndForgotten) {
  Cluster cluster(8);
  cluster.net.kill(3);
  ASSERT_TRUE(cluster.net.run_until([&] { return cluster.everyone_sees(7); }, 30s));
  EXPECT_EQ(cluster.count_what("fail"), 7u);
  cluster.net.run_for(90s);
  EXPECT_EQ(cluster.members[0]->swim.nodes().find("n3"), nullptr);
}

TEST(Swim, ALeaveIsNoFailure) {
  Cluster cluster(5);
  uint64_t ticket = 0;
  cluster.net.act(2, [&](SimMember&, Effects& effects) {
    ticket = cluster.members[2]->swim.leave(cluster.net.now(), effects);
  });
  EXPECT_NE(ticket, 0u);
  ASSERT_TRUE(cluster.net.run_until([&] { return !cluster.members[2]->done.empty(); }, 5s));
  cluster.net.run_for(1s);
  cluster.net.kill(2);
  cluster.net.run_for(30s);
  EXPECT_EQ(cluster.count_what("fail"), 0u);
  EXPECT_EQ(cluster.count_what("leave"), 5u);
  EXPECT_EQ(cluster.state(0, 2), NodeState::kLeft);
  // It may come back, even elsewhere.
  cluster.restart(2);
  cluster.join(2, 0);
  EXPECT_TRUE(cluster.net.run_until([&] { return cluster.everyone_sees(5); }, 10s));
}

TEST(Swim, ARestartedNodeIsAliveAgainAtOnce) {
  Cluster cluster(5);
  cluster.net.kill(1);
  ASSERT_TRUE(cluster.net.run_until([&] { return cluster.everyone_sees(4); }, 30s));
  cluster.restart(1);
  cluster.join(1, 0);
  EXPECT_TRUE(cluster.net.run_until([&] { return cluster.everyone_sees(5); }, 5s));
  cluster.net.run_for(20s);
  EXPECT_TRUE(cluster.everyone_sees(5));
}

TEST(Swim, RefutesSuspicionAndDeath) {
  Cluster cluster(4);
  const Swim& swim = cluster.members[1]->swim;
  uint32_t before = swim.self().incarnation;
  cluster.packet(1, encode(MessageType::kSuspect, Suspect{before + 5, "n1", "n9"}));
  EXPECT_EQ(swim.self().incarnation, before + 6);
  EXPECT_EQ(swim.health_score(), 1u);
  cluster.packet(1, encode(MessageType::kDead, Dead{before + 6, "n1", "n9"}));
  EXPECT_EQ(swim.self().incarnation, before + 7);
  cluster.net.run_for(10s);
  EXPECT_EQ(cluster.count_what("fail"), 0u);
  EXPECT_EQ(cluster.members[0]->swim.nodes().find("n1")->incarnation, before + 7);
  EXPECT_EQ(swim.health_score(), 0u);  // successful probes heal
}

TEST(Swim, OldNewsChangeNothing) {
  Cluster cluster(4);
  uint32_t now = cluster.members[1]->swim.self().incarnation;
  ASSERT_GT(now, 0u);
  cluster.packet(0, encode(MessageType::kSuspect, Suspect{now - 1, "n1", "n9"}));
  cluster.packet(0, encode(MessageType::kDead, Dead{now - 1, "n1", "n9"}));
  cluster.packet(0, encode(MessageType::kSuspect, Suspect{now, "stranger", "n9"}));
  EXPECT_EQ(cluster.state(0, 1), NodeState::kAlive);
  EXPECT_EQ(cluster.members[0]->swim.nodes().size(), 4u);
}

TEST(Swim, ConfirmationsShortenASuspicion) {
  SwimTimings timings;
  Cluster cluster(8, {}, timings);
  cluster.net.kill(7);
  uint32_t incarnation = cluster.members[7]->swim.self().incarnation;
  cluster.packet(0, encode(MessageType::kSuspect, Suspect{incarnation, "n7", "n1"}));
  EXPECT_EQ(cluster.state(0, 7), NodeState::kSuspect);
  for (const char* from : {"n1", "n2", "n2", "n3"})
    cluster.packet(0, encode(MessageType::kSuspect, Suspect{incarnation, "n7", from}));
  cluster.net.run_for(4s + 1ms);  // the least time, not the six times longer one
  EXPECT_EQ(cluster.state(0, 7), NodeState::kDead);
}

TEST(Swim, ASuspectThatAnswersIsClearedByItsOwnWord) {
  Cluster cluster(6);
  uint32_t incarnation = cluster.members[4]->swim.self().incarnation;
  cluster.packet(0, encode(MessageType::kSuspect, Suspect{incarnation, "n4", "n1"}));
  EXPECT_EQ(cluster.state(0, 4), NodeState::kSuspect);
  cluster.net.run_for(8s);
  EXPECT_EQ(cluster.state(0, 4), NodeState::kAlive);
  EXPECT_EQ(cluster.count_what("fail"), 0u);
}

TEST(Swim, TcpSavesWhomPacketsDoNotReach) {
  Cluster cluster(5);
  cluster.net.cut_packets(2, true);
  cluster.net.run_for(3s);
  // The others reach it by TCP; what it is told of itself it learns there, too.
  cluster.net.run_for(60s);
  EXPECT_EQ(cluster.state(0, 2), NodeState::kAlive);
  EXPECT_EQ(cluster.count("n0 fail n2"), 0u);
}

TEST(Swim, AStoppedProcessBlamesNobody) {
  Cluster cluster(8);
  // It suspects somebody when it is stopped, and wakes long after that suspicion's end.
  cluster.packet(
      0, encode(MessageType::kSuspect, Suspect{cluster.members[3]->swim.self().incarnation, "n3", "n9"}));
  cluster.net.pause(0);
  cluster.net.run_for(60s);
  EXPECT_EQ(cluster.members[1]->swim.alive_count(), 7u);
  cluster.log.clear();
  cluster.net.resume(0);
  cluster.net.run_for(1ms);
  cluster.join(0, 1);
  EXPECT_TRUE(cluster.net.run_until([&] { return cluster.everyone_sees(8); }, 20s));
  EXPECT_EQ(cluster.count_what("fail"), 0u);
}

TEST(Swim, AnotherAddressUnderALivingNameIsAConflict) {
  Cluster cluster(4);
  Alive other{99, "n1", Bytes(std::string("\x0a\x01\x01\x01")), 8301, {}, Bytes(Versions{}.bytes())};
  cluster.packet(0, encode(MessageType::kAlive, other));
  EXPECT_EQ(cluster.members[0]->conflicts, 1u);
  EXPECT_EQ(cluster.members[0]->swim.nodes().find("n1")->info->address, SimNetwork::address_of(1));
  // Dead for a while, the name is free.
  cluster.net.kill(1);
  ASSERT_TRUE(cluster.net.run_until([&] { return cluster.everyone_sees(3); }, 30s));
  Instant died = cluster.net.now();
  cluster.packet(0, encode(MessageType::kAlive, other));
  EXPECT_EQ(cluster.members[0]->conflicts, 2u);
  cluster.net.run_until([&] { return cluster.net.now() > died + 31s; }, 40s);
  cluster.packet(0, encode(MessageType::kAlive, other));
  EXPECT_EQ(cluster.members[0]->swim.nodes().find("n1")->info->address.text(), "10.1.1.1:8301");
}

TEST(Swim, MetaDataReachesAll) {
  Cluster cluster(6);
  cluster.net.act(5, [&](SimMember&, Effects& effects) {
    EXPECT_NE(cluster.members[5]->swim.update_meta(cluster.net.now(), "new", effects), 0u);
  });
  cluster.net.run_for(2s);
  EXPECT_EQ(cluster.members[0]->swim.nodes().find("n5")->info->meta, "new");
  EXPECT_EQ(cluster.count_what("update"), 6u);
}

TEST(Swim, PartitionsHeal) {
  Cluster cluster(10);
  for (Index i = 0; i < 4; ++i) cluster.net.set_group(i, 1);
  ASSERT_TRUE(cluster.net.run_until(
      [&] {
        return cluster.members[0]->swim.alive_count() == 4 && cluster.members[9]->swim.alive_count() == 6;
      },
      60s));
  for (Index i = 0; i < 4; ++i) cluster.net.set_group(i, 0);
  // Swim alone needs a push/pull across (Serf's reconnects do it in a cluster).
  cluster.join(0, 9);
  EXPECT_TRUE(cluster.net.run_until([&] { return cluster.everyone_sees(10); }, 30s));
}

TEST(Swim, StrangersAndNonsenseAreRefused) {
  Cluster cluster(2);
  Effects effects;
  Swim& swim = cluster.members[0]->swim;
  Address from = SimNetwork::address_of(1);
  for (std::string message :
       {std::string(), std::string("\x0f"), std::string("\x00\xc1", 2), std::string("\x04\x80", 2),
        encode(MessageType::kPing, Ping{1, "somebody else", {}, 0, ""})}) {
    (void)swim.packet(cluster.net.now(), from, message, effects);
    (void)swim.stream(cluster.net.now(), from, message, effects);
  }
  Alive no_versions{1, "x", Bytes(std::string("\x0a\x01\x01\x01")), 8301, {}, {}};
  (void)swim.packet(cluster.net.now(), from, encode(MessageType::kAlive, no_versions), effects);
  EXPECT_EQ(swim.nodes().size(), 2u);
  EXPECT_TRUE(effects.packets.empty());
}

TEST(Swim, ProtocolRangesMustMeet) {
  Cluster cluster(2);
  PushPull remote;
  remote.join = true;
  Versions old{1, 1, 1, 2, 5, 4};
  std::string ip("\x0a\x01\x01\x01");
  remote.nodes.push_back({"old", ip, {}, old.view(), 8301, 1, 0});
  Effects effects;
  auto reply = cluster.members[0]->swim.stream(cluster.net.now(), SimNetwork::address_of(1),
                                               encode_push_pull(remote), effects);
  ASSERT_TRUE(reply);
  EXPECT_EQ(cluster.members[0]->swim.nodes().size(), 2u);
  ASSERT_FALSE(effects.notes.empty());
  EXPECT_THAT(effects.notes[0].text, testing::HasSubstr("protocol version (2) is incompatible: [1, 1]"));
}

TEST(Swim, OnlyAllowedNetworksTakePart) {
  SwimOptions options;
  options.name = "me";
  options.address = *Address::parse("10.0.0.1:8301");
  options.allowed = {Cidr{*IpAddress::parse("10.0.0.0"), 24}};
  SimSwim member(options);
  Effects effects;
  Instant now{1h};
  member.swim.start(now, effects);
  auto alive = [&](const char* name, const char* from, const char* address) {
    Alive news{1,    name, Bytes(std::string(IpAddress::parse(address)->bytes())),
               8301, {},   Bytes(Versions{}.bytes())};
    (void)member.swim.packet(now, {*IpAddress::parse(from), 8301}, encode(MessageType::kAlive, news),
                             effects);
  };
  alive("a", "10.0.1.1", "10.0.0.2");
  alive("b", "10.0.0.2", "10.0.1.2");
  EXPECT_EQ(member.swim.nodes().size(), 1u);
  alive("c", "10.0.0.2", "10.0.0.2");
  EXPECT_EQ(member.swim.nodes().size(), 2u);
}

}  // namespace
}  // namespace praetor::gossip
