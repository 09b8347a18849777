#include "rpc/server_list.h"

#include <gtest/gtest.h>

#include <set>

namespace praetor::rpc {
namespace {

using namespace std::chrono_literals;

ServerEntry server(const std::string& name, const std::string& datacenter = "dc1") {
  return {.name = name, .id = "id-" + name, .address = name + ":8300", .datacenter = datacenter};
}

TEST(ServerList, AsksOneUntilItFails) {
  Random random(1);
  ServerList list;
  EXPECT_EQ(list.current(), nullptr);
  list.add(server("a"), random);
  list.add(server("b"), random);
  list.add(server("c"), random);
  EXPECT_EQ(list.current()->name, "a");
  std::string second = list.all()[1].name;
  list.failed(second + ":8300");  // it is not the one that is asked
  EXPECT_EQ(list.current()->name, "a");
  list.failed("a:8300");
  EXPECT_EQ(list.current()->name, second);
  EXPECT_EQ(list.all().back().name, "a");
  list.remove(second);
  EXPECT_NE(list.current()->name, second);
  EXPECT_EQ(list.all().size(), 2u);
}

TEST(ServerList, AServerThatMovedIsReplaced) {
  Random random(1);
  ServerList list;
  list.add(server("a"), random);
  ServerEntry moved = server("a");
  moved.address = "elsewhere:8300";
  list.add(moved, random);
  EXPECT_EQ(list.all(), std::vector{moved});
  list.failed("elsewhere:8300");  // alone it stays
  EXPECT_EQ(*list.current(), moved);
}

TEST(ServerList, ShufflingGivesEachItsTurn) {
  Random random(7);
  ServerList list;
  for (const char* name : {"a", "b", "c"}) list.add(server(name), random);
  std::set<std::string> first;
  for (int i = 0; i < 100; ++i) {
    list.shuffle(random);
    first.insert(list.current()->name);
  }
  EXPECT_EQ(first.size(), 3u);
}

TEST(ServerList, LargeClustersRebalanceLessOften) {
  Random random(1);
  for (int i = 0; i < 100; ++i) {
    Duration small = rebalance_interval(3, 10, random);
    EXPECT_GE(small, 120s);
    EXPECT_LT(small, 180s);
  }
  EXPECT_EQ(rebalance_interval(5, 320000, random), 1000s);
  EXPECT_GE(rebalance_interval(0, 10, random), 120s);
}

TEST(ServerList, OneThatIsOfflineIsNotAsked) {
  Random random(1);
  ServerList list;
  auto offline = [](const std::string& name) {
    ServerEntry entry = server(name);
    entry.offline = true;
    return entry;
  };
  for (const char* name : {"a", "b", "c"}) list.add(server(name), random);
  list.add(offline("a"), random);
  EXPECT_EQ(list.all().size(), 3u);
  std::string asked = list.current()->name, other = asked == "b" ? "c" : "b";
  EXPECT_NE(asked, "a");
  list.failed(asked + ":8300");
  EXPECT_EQ(list.current()->name, other);
  for (int i = 0; i < 100; ++i) {
    list.shuffle(random);
    EXPECT_NE(list.current()->name, "a");
  }
  list.add(offline("b"), random);
  list.add(offline("c"), random);
  EXPECT_EQ(list.current(), nullptr);
  EXPECT_FALSE(list.empty());
  list.failed("a:8300");  // nobody was asked
  list.add(server("a"), random);
  EXPECT_EQ(list.current()->name, "a");
}

TEST(Router, ADatacenterWhoseServersFailedIsNotForgotten) {
  Random random(1);
  Router router;
  ServerEntry there = server("b.dc2", "dc2");
  router.add(there, random);
  there.offline = true;
  router.add(there, random);
  auto picked = router.pick("dc2");
  ASSERT_FALSE(picked);
  EXPECT_EQ(picked.error().message, "Remote DC has no server currently reachable");
  EXPECT_EQ(router.datacenters(), std::vector<std::string>{"dc2"});
  there.offline = false;
  router.add(there, random);
  EXPECT_EQ(router.pick("dc2")->name, "b.dc2");
  router.remove(there);
  EXPECT_EQ(router.pick("dc2").error().message, "No path to datacenter");
}

TEST(Router, PicksOfTheDatacenter) {
  Random random(1);
  Router router;
  router.add(server("a.dc1", "dc1"), random);
  router.add(server("b.dc2", "dc2"), random);
  EXPECT_EQ(router.pick("dc2")->name, "b.dc2");
  auto unknown = router.pick("dc3");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "No path to datacenter");
  EXPECT_EQ(router.datacenters(), (std::vector<std::string>{"dc1", "dc2"}));
  router.remove(server("b.dc2", "dc2"));
  EXPECT_FALSE(router.pick("dc2"));
  EXPECT_EQ(router.datacenters(), std::vector<std::string>{"dc1"});
  EXPECT_EQ(router.find("dc2"), nullptr);
}

TEST(Retry, OnlyWhatCannotHaveBeenDone) {
  Error no_leader{"rpc error making call: No cluster leader", ErrorKind::kNoLeader};
  Error refused{"rpc error getting client: failed to get conn: dial tcp …", ErrorKind::kIo};
  Error broken{"rpc error making call: EOF", ErrorKind::kIo};
  Error forwarded{"rpc error making call: rpc error making call: EOF", ErrorKind::kInternal};
  Error denied{"rpc error making call: Permission denied", ErrorKind::kInternal};
  for (const Error& error : {no_leader, refused}) {
    EXPECT_TRUE(may_retry(error, true));
    EXPECT_TRUE(may_retry(error, false));
  }
  for (const Error& error : {broken, forwarded}) {
    EXPECT_TRUE(may_retry(error, true));
    EXPECT_FALSE(may_retry(error, false));
  }
  EXPECT_FALSE(may_retry(denied, true));
  Random random(1);
  for (int i = 0; i < 100; ++i) EXPECT_LT(retry_pause(7s, random), 438ms);
}

}  // namespace
}  // namespace praetor::rpc
