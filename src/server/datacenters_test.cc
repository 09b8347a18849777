#include "server/datacenters.h"

#include <gtest/gtest.h>

#include <future>

#include "gossip/coordinate.h"
#include "server/cluster_test_support.h"
#include "server/gateway.h"

namespace praetor::server {
namespace {

model::Coord away(double seconds) {
  model::Coord coordinate = gossip::origin_coordinate();
  coordinate.vec[0] = seconds;
  return coordinate;
}

WanView home() { return {.own = away(0), .servers = {}}; }

using Names = std::vector<std::string>;
Names sorted(const WanView& wan) {
  auto names = datacenters_by_distance("home", wan);
  return {names.begin(), names.end()};
}

TEST(Datacenters, StandByTheMedianOfTheirServers) {
  WanView wan = home();
  wan.servers = {
      {"far1", "far", away(2.0)},   {"near1", "near", away(1.0)},
      {"near2", "near", away(0.5)}, {"near3", "near", away(9.0)},  // one that is far away does not count
      {"own", "home", away(5.0)},  // measured or not: the own datacenter is here
  };
  EXPECT_EQ(sorted(wan), (Names{"home", "near", "far"}));
  // Of two the farther one.
  wan.servers.push_back({"far2", "far", away(0.1)});
  wan.servers.push_back({"mid1", "mid", away(1.5)});
  EXPECT_EQ(sorted(wan), (Names{"home", "near", "mid", "far"}));
}

TEST(Datacenters, ThatNobodyHasMeasuredAreLast) {
  WanView wan = home();
  model::Coord other_dimensions;
  other_dimensions.vec = {0.1, 0.1};
  wan.servers = {{"d1", "dark", std::nullopt},        {"b1", "black", std::nullopt},
                 {"s1", "strange", other_dimensions}, {"z1", "zone", away(3.0)},
                 {"h1", "half", away(0.1)},           {"h2", "half", std::nullopt}};
  EXPECT_EQ(sorted(wan), (Names{"home", "zone", "black", "dark", "half", "strange"}));
}

TEST(Datacenters, TheOwnOneIsThereWithoutAPool) { EXPECT_EQ(sorted({}), Names{"home"}); }

TEST(Datacenters, AServerAnswersOfItsPool) {
  testing::TestCluster cluster;
  cluster.start("s1", [](ServerOptions& options) {
    options.bootstrap = true;
    options.cluster.wan = [](Reactor& reactor, std::function<void(WanView)> done) {
      WanView wan = home();
      wan.servers = {{"a1", "a-far", away(2.0)},
                     {"s1", "dc1", away(0.0)},
                     {"z1", "z-near", away(1.0)},
                     {"z2", "z-near", std::nullopt}};
      reactor.post([done = std::move(done), wan] { done(wan); });
    };
  });
  Server& server = cluster.server("s1");
  Reactor& reactor = *server.options().reactors.front();
  Gateway gateway({.datacenter = "dc1", .node_name = "s1", .server = &server});
  std::promise<Names> names;
  std::promise<std::string> coordinates;
  reactor.post([&] {
    gateway.list_datacenters(reactor, [&](Result<codec::List<std::string>> list) {
      names.set_value(list ? Names(list->begin(), list->end()) : Names{list.error().message});
    });
    gateway.call<Nothing, codec::List<model::DatacenterMap>>(
        reactor, kCoordinateListDatacenters, {}, [&](Result<codec::List<model::DatacenterMap>> maps) {
          std::string text;
          if (!maps) text = maps.error().message;
          for (const model::DatacenterMap& map : maps ? *maps : codec::List<model::DatacenterMap>()) {
            text += map.datacenter + "/" + map.area + ":";
            for (const model::Coordinate& each : map.coordinates)
              text += " " + each.node + "=" + std::to_string(each.coord->vec[0]).substr(0, 3);
            text += "; ";
          }
          coordinates.set_value(text);
        });
  });
  auto listed = names.get_future();
  ASSERT_EQ(listed.wait_for(kPatience), std::future_status::ready);
  // z-near has a server that nobody has measured: as far as can be known, infinitely far.
  EXPECT_EQ(listed.get(), (Names{"dc1", "a-far", "z-near"}));
  auto mapped = coordinates.get_future();
  ASSERT_EQ(mapped.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(mapped.get(), "a-far/wan: a1=2.0; dc1/wan: s1=0.0; z-near/wan: z1=1.0; ");
}

}  // namespace
}  // namespace praetor::server
