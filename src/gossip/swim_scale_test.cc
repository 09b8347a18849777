// Clusters of many members: how long a death and an event take to be known by all, at what cost, and that
// nobody is buried alive. docs/gossip.md holds the table; the large sizes run with
//   gossip_test --gtest_also_run_disabled_tests --gtest_filter='SwimScale.*'
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <unordered_map>

#include "gossip/sim_network.h"

namespace praetor::gossip {
namespace {

using namespace std::chrono_literals;
using Index = SimNetwork::Index;

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

class Scale {
 public:
  Scale(size_t size, double loss) : net({.seed = size, .loss = loss}) {
    std::vector<NodeInfoPtr> infos;
    for (Index i = 0; i < size; ++i)
      infos.push_back(std::make_shared<const NodeInfo>(
          NodeInfo{"node-" + std::to_string(i), SimNetwork::address_of(i), "meta", Versions{}}));
    for (Index i = 0; i < size; ++i) {
      SwimOptions options{.name = infos[i]->name, .address = infos[i]->address, .meta = "meta"};
      options.seed = i + 1;
      options.notes = false;
      options.intern = [&infos = shared_](NodeInfo info) {
        auto [at, fresh] = infos.try_emplace(info.name);
        if (fresh || !(*at->second == info)) at->second = std::make_shared<const NodeInfo>(std::move(info));
        return at->second;
      };
      shared_.emplace(infos[i]->name, infos[i]);
      auto member = std::make_unique<SimSwim>(std::move(options));
      member->on_heard = [this] { ++heard; };
      member->on_change = [this](std::string_view what, const Node& node) {
        if (what != "fail") return;
        ++failures;
        if (node.name() == victim && ++noticed == 1) first_noticed = net.now();
      };
      members.push_back(member.get());
      net.add(std::move(member));
    }
    for (Index i = 0; i < size; ++i) {
      net.start(i);
      for (Index other = 0; other < size; ++other)
        if (other != i) members[i]->swim.assume(net.now(), infos[other], 1);
    }
    net.run_for(10s);
  }

  // Until all know; packets and bytes a member and second are what it costs.
  struct Detection {
    Duration first, all;
  };
  Detection kill_one() {
    victim = "node-7";
    Instant died = net.now();
    net.kill(7);
    size_t others = members.size() - 1;
    EXPECT_TRUE(net.run_until([&] { return noticed == others; }, 300s)) << noticed;
    return {first_noticed - died, net.now() - died};
  }
  struct Spread {
    Duration half, all;
    double packets;  // a member
  };
  Spread fire() {
    Instant fired = net.now();
    uint64_t packets = net.packets_sent();
    size_t everyone = members.size() - (noticed != 0 ? 1 : 0);
    net.act(0, [&](SimMember&, Effects&) { members[0]->hear(std::string(100, 'e')); });
    EXPECT_TRUE(net.run_until([&] { return heard >= everyone / 2; }, 60s));
    Duration half = net.now() - fired;
    EXPECT_TRUE(net.run_until([&] { return heard >= everyone; }, 60s)) << heard;
    Duration all = net.now() - fired;
    net.run_for(10s - all);
    double idle = 10.0 * 2;  // of the pings of those ten seconds
    return {half, all,
            static_cast<double>(net.packets_sent() - packets) / static_cast<double>(everyone) - idle};
  }

  SimNetwork net;
  std::vector<SimSwim*> members;
  size_t heard = 0, failures = 0, noticed = 0;
  std::string victim;
  Instant first_noticed{};

 private:
  std::unordered_map<std::string, NodeInfoPtr> shared_;
};

struct Row {
  double idle_packets = 0, idle_bytes = 0;  // a member and second
  Scale::Spread spread{};
  Scale::Detection detection{};
  size_t false_positives = 0;
};

// A cluster of its own, gone afterwards: the large ones take gigabytes.
Row measure(size_t size, double loss, Duration quiet) {
  Scale scale(size, loss);
  Row row;
  uint64_t packets = scale.net.packets_sent(), bytes = scale.net.bytes_sent();
  scale.net.run_for(quiet);
  double per = static_cast<double>(size) * seconds(quiet);
  row.idle_packets = static_cast<double>(scale.net.packets_sent() - packets) / per;
  row.idle_bytes = static_cast<double>(scale.net.bytes_sent() - bytes) / per;
  row.false_positives = scale.failures;
  row.spread = scale.fire();
  row.detection = scale.kill_one();
  EXPECT_EQ(row.false_positives, 0u);
  EXPECT_EQ(scale.failures, size - 1);
  return row;
}

void report(size_t size) {
  Row still = measure(size, 0, 20s), lossy = measure(size, 0.02, 120s);
  // A ping comes after e/(e-1) intervals in the mean (SWIM, section 3.1), fails after one more, and then the
  // suspicion runs.
  double expected = std::exp(1.0) / (std::exp(1.0) - 1) + 1 + seconds(suspicion_timeout(4, size, 1s));
  fmt::print(
      "| {} | {:.2f} | {:.0f} | {:.2f} / {:.2f} | {:.1f} | {:.1f} | {:.1f} / {:.1f} | {:.2f} / {:.2f} | "
      "{:.1f} / {:.1f} | {} |\n",
      size, still.idle_packets, still.idle_bytes, seconds(still.spread.half), seconds(still.spread.all),
      still.spread.packets, expected, seconds(still.detection.first), seconds(still.detection.all),
      seconds(lossy.spread.half), seconds(lossy.spread.all), seconds(lossy.detection.first),
      seconds(lossy.detection.all), lossy.false_positives);
  fflush(stdout);  // a large one takes minutes
}

TEST(SwimScale, FourHundred) { report(400); }
TEST(SwimScale, DISABLED_Thousand) { report(1000); }
TEST(SwimScale, DISABLED_FourThousand) { report(4000); }
TEST(SwimScale, DISABLED_TenThousand) { report(10000); }

}  // namespace
}  // namespace praetor::gossip
