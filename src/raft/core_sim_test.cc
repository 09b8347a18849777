// Random faults against whole clusters: safety always, and progress once the faults end.
#include <gtest/gtest.h>

#include "base/test_patience.h"
#include "raft/sim_cluster.h"

namespace praetor::raft {
namespace {

using namespace std::chrono_literals;

struct Weather {
  const char* name;
  size_t servers;
  bool pre_vote, crashes, partitions, snapshots, membership;
  double loss;
};

void storm(const Weather& weather, uint64_t seed) {
  SimOptions options;
  options.seed = seed;
  options.servers = weather.servers;
  options.pre_vote = weather.pre_vote;
  options.loss = weather.loss;
  options.duplicate = weather.loss / 2;
  SimCluster cluster(options);
  if (weather.loss > 0 && seed % 3 == 0) options.delay_most = 80ms;
  Random random(seed * 7919);
  uint64_t command = 0;
  std::vector<std::string> spare = {"x", "y"};
  for (int round = 0; round < 40 && cluster.violation().empty(); ++round) {
    auto ids = cluster.ids();
    std::string any = ids[random.below(ids.size())], leader = cluster.leader();
    for (uint64_t n = random.below(8); n > 0; --n)
      cluster.propose(random.below(8) == 0 || leader.empty() ? any : leader, std::to_string(++command));
    if (!leader.empty() && random.below(2) == 0) cluster.read(leader);
    if (cluster.alive(any) && !cluster.paused(any) && random.below(4) == 0) cluster.read(any);
    switch (random.below(12)) {
      case 0:
        if (weather.crashes && cluster.alive(any)) cluster.crash(any);
        break;
      case 1:
      case 2:
        if (!cluster.alive(any)) cluster.restart(any);
        break;
      case 3:
        if (weather.partitions) cluster.isolate(any);
        break;
      case 4:
        if (weather.partitions) cluster.cut(any, ids[random.below(ids.size())]);
        break;
      case 5:
        cluster.heal();
        break;
      case 6:
        if (weather.snapshots) cluster.take_snapshot(any);
        break;
      case 7:
        if (!leader.empty() && random.below(2) == 0)
          cluster.transfer(leader, random.below(2) == 0 ? "" : any);
        break;
      case 8:
        if (weather.membership && !leader.empty()) {
          if (!spare.empty() && random.below(2) == 0) {
            cluster.add_server(spare.back());
            spare.pop_back();
          } else {
            auto change = static_cast<ConfigurationChange>(random.below(5));
            cluster.change(leader, change, any);
          }
        }
        break;
      case 9:
      case 10:
        if (weather.crashes && cluster.alive(any) && !cluster.paused(any))
          cluster.pause(random.below(2) == 0 || leader.empty() ? any : leader);
        break;
      case 11:
        for (const std::string& id : ids) {
          if (!cluster.paused(id)) continue;
          // The first thing that a stopped leader does afterwards is to answer a reader.
          cluster.resume(id);
          cluster.read(id);
        }
        break;
      default:
        break;
    }
    cluster.run_for(Duration(random.below(400'000'000)));
  }
  ASSERT_EQ(cluster.violation(), "") << weather.name;
  // Fair weather: the cluster gets a leader and commits again.
  cluster.heal();
  cluster.set_loss(0);
  for (const std::string& id : cluster.ids())
    if (!cluster.alive(id))
      cluster.restart(id);
    else if (cluster.paused(id))
      cluster.resume(id);
  size_t before = cluster.acknowledged(), patience = 2000;
  cluster.take_trace();
  bool progress = cluster.run_until(
      [&] {
        std::string leader = cluster.leader();
        if (!leader.empty() && --patience > 0) cluster.propose(leader, std::to_string(++command));
        return cluster.acknowledged() > before + 5;
      },
      120s);
  ASSERT_EQ(cluster.violation(), "") << weather.name;
  ASSERT_TRUE(progress) << weather.name << " seed " << seed << ": no progress in fair weather\n"
                        << cluster.describe() << cluster.take_trace().substr(0, 30000);
  // Everybody who belongs to it catches up with the leader.
  std::string leader = cluster.leader();
  const Core& core = cluster.core(leader);
  cluster.take_trace();
  bool together = cluster.run_until(
      [&] {
        for (const Server& server : core.configuration().servers)
          if (cluster.core(server.id).commit_index() < core.commit_index()) return false;
        return true;
      },
      60s);
  ASSERT_TRUE(together) << weather.name << " seed " << seed << ": a follower stays behind\n"
                        << cluster.describe() << cluster.take_trace().substr(0, 30000);
  ASSERT_EQ(cluster.violation(), "") << weather.name;
}

class CoreSimTest : public testing::TestWithParam<Weather> {};

TEST_P(CoreSimTest, StaysSafeAndRecovers) {
  for (uint64_t seed = 1; seed <= 150 / kSlowness; ++seed) {
    storm(GetParam(), seed);
    if (HasFatalFailure()) return;
  }
}

constexpr Weather kWeathers[] = {
    // name, servers, pre_vote, crashes, partitions, snapshots, membership, loss
    {"Calm", 3, true, false, false, false, false, 0},
    {"Lossy", 3, true, false, false, true, false, 0.1},
    {"Crashes", 3, true, true, false, true, false, 0.02},
    {"Partitions", 5, true, false, true, true, false, 0.02},
    {"Everything", 5, true, true, true, true, true, 0.05},
    {"EverythingWithoutPreVote", 3, false, true, true, true, true, 0.05},
    {"OneServer", 1, true, true, false, true, false, 0},
};
INSTANTIATE_TEST_SUITE_P(Weathers, CoreSimTest, testing::ValuesIn(kWeathers),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace praetor::raft
