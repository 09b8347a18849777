// The faults of a run: what the seed allows, and when it strikes.
#include <algorithm>

#include "sim/run.h"

namespace praetor::sim {

using namespace std::chrono_literals;

Climate Climate::of_seed(Random& random) {
  Climate climate;
  auto one_in = [&](uint64_t n) { return random.below(n) == 0; };
  static constexpr size_t kSizes[] = {3, 3, 3, 5, 5, 7};
  climate.servers = kSizes[random.below(std::size(kSizes))];
  static constexpr double kLoss[] = {0, 0, 0.01, 0.05, 0.2};
  climate.weather.loss = kLoss[random.below(std::size(kLoss))];
  climate.weather.duplicate = kLoss[random.below(std::size(kLoss))] / 2;
  static constexpr double kSlow[] = {0, 0.01, 0.1};
  climate.weather.slow = kSlow[random.below(std::size(kSlow))];
  if (one_in(4)) climate.weather.delay_most = 60ms;
  if (one_in(4)) climate.weather.tells_unreachable = 1;
  if (one_in(8)) climate.timings = raft::Timings().scaled(3);
  static constexpr double kDrift[] = {0, 0.0005, 0.01};
  climate.drift = kDrift[random.below(std::size(kDrift))];
  climate.latencies.consensus = {5us, 60us, one_in(3) ? 0.002 : 0, 150ms};
  climate.latencies.log = {80us, one_in(3) ? Duration(12ms) : Duration(2ms), one_in(3) ? 0.01 : 0, 400ms};
  climate.latencies.snapshot = {500us, 40ms, 0.05, 500ms};
  bool everything = one_in(3);
  auto often = [&] { return everything || one_in(2); };
  climate.kills = often();
  climate.power_cuts = often();
  climate.disk_faults = often();
  climate.cluster_power_cuts = often();
  climate.partitions = often();
  climate.pauses = often();
  climate.membership = often();
  climate.transfers = often();
  climate.snapshots = often();
  climate.pre_vote = one_in(5) ? PreVote::kNone : one_in(5) ? PreVote::kMixed : PreVote::kAll;
  climate.storm = 8s + Duration(random.below(Duration(10s).count()));
  climate.calm_most = one_in(3) ? 1500ms : 600ms;
  climate.clients = 2 + random.below(3);
  climate.keys = 2 + random.below(4);
  climate.think_most = one_in(3) ? 40ms : 200ms;
  return climate;
}

std::string Climate::text() const {
  std::string faults;
  auto name = [&](bool on, const char* what) {
    if (on) faults += std::string(" ") + what;
  };
  name(kills, "kills");
  name(power_cuts, "power-cuts");
  name(disk_faults, "disk-faults");
  name(cluster_power_cuts, "cluster-power-cuts");
  name(partitions, "partitions");
  name(pauses, "pauses");
  name(membership, "membership");
  name(transfers, "transfers");
  name(snapshots, "snapshots");
  static constexpr const char* kPreVote[] = {"all", "none", "mixed"};
  return fmt::format("servers={} clients={} keys={} loss={} duplicate={} slow={} drift={} pre-vote={} faults:{}", servers,
                     clients, keys, weather.loss, weather.duplicate, weather.slow, drift,
                     kPreVote[static_cast<size_t>(pre_vote)], faults);
}

void Run::strike() {
  Random& random = world_.random();
  std::vector<std::string> all = ids();
  std::string any = world_.pick(all);
  SimServer* led = leader();
  if (led != nullptr && random.below(3) == 0) any = led->id();
  SimServer& server = *servers_.at(any);
  if (server.disk_failed() && random.below(3) == 0) return random.below(2) == 0 ? server.kill() : server.cut_power();
  switch (random.below(14)) {
    case 0:
      if (climate_.kills && server.running()) server.kill();
      break;
    case 1:
      if (climate_.power_cuts && server.running()) server.cut_power();
      break;
    case 2:
      strike_disk(server);
      break;
    case 3:
    case 4:
    case 5:
      for (const std::string& id : all)
        if (random.below(2) == 0) start_server(id);
      break;
    case 6:
    case 7:
      if (climate_.partitions) strike_network(any);
      break;
    case 8:
      network_.heal();
      break;
    case 9:
      if (climate_.pauses) server.pause();
      break;
    case 10:
      for (const std::string& id : all) servers_.at(id)->resume();
      break;
    case 11:
      if (climate_.snapshots && server.running() && !server.paused()) take_snapshot(server);
      break;
    case 12:
      if (climate_.transfers && led != nullptr && random.below(2) == 0) {
        ++world_.counters.transfers;
        led->node().transfer_leadership(random.below(2) == 0 ? "" : world_.pick(all), [](Status) {});
      } else if (climate_.membership && led != nullptr) {
        change_membership();
      }
      break;
    case 13:
      if (climate_.cluster_power_cuts && random.below(4) == 0)
        for (const std::string& id : all) random.below(8) == 0 ? servers_.at(id)->kill() : servers_.at(id)->cut_power();
      break;
    default:
      break;
  }
}

void Run::strike_disk(SimServer& server) {
  Random& random = world_.random();
  uint64_t call = 1 + random.below(random.below(2) == 0 ? 6 : 60);
  if (climate_.power_cuts && random.below(2) == 0) return server.cut_power_at(call);
  static constexpr raft::Fault kFaults[] = {raft::Fault::kError, raft::Fault::kShortWrite, raft::Fault::kAfter};
  if (climate_.disk_faults) server.fail_disk_at(call, kFaults[random.below(3)]);
}

void Run::strike_network(const std::string& id) {
  Random& random = world_.random();
  ++world_.counters.partitions;
  std::vector<std::string> all = ids();
  auto cut_both = [&](const std::string& a, const std::string& b) {
    network_.cut(a, b);
    network_.cut(b, a);
  };
  switch (random.below(5)) {
    case 0:  // alone
      for (const std::string& other : all) cut_both(id, other);
      break;
    case 1:  // it hears nobody
      for (const std::string& other : all) network_.cut(other, id);
      break;
    case 2:  // nobody hears it
      for (const std::string& other : all) network_.cut(id, other);
      break;
    case 3: {  // two camps
      std::map<std::string, bool> side;
      for (const std::string& other : all) side[other] = random.below(2) == 0;
      for (const std::string& a : all)
        for (const std::string& b : all)
          if (side[a] != side[b]) network_.cut(a, b);
      break;
    }
    default:  // one way between two
      network_.cut(id, world_.pick(all));
  }
  if (world_.tracing()) world_.trace("the network is cut around {}", id);
}

void Run::change_membership() {
  Random& random = world_.random();
  SimServer* led = leader();
  std::string target = world_.pick(ids());
  auto change = static_cast<raft::ConfigurationChange>(random.below(5));
  if (!spares_.empty() && random.below(2) == 0) {
    target = spares_.back();
    spares_.pop_back();
    make_server(target, false);
    announce(target);
    start_server(target);
    change = random.below(2) == 0 ? raft::ConfigurationChange::kAddNonvoter : raft::ConfigurationChange::kAddVoter;
  }
  ++world_.counters.changes;
  if (world_.tracing()) world_.trace("{} is asked for change {} of {}", led->id(), static_cast<int>(change), target);
  led->node().change_configuration(change, {raft::Suffrage::kVoter, target, target + ":8300"}, 0, [](Result<uint64_t>) {});
}

void Run::take_snapshot(SimServer& server) {
  server.node().take_snapshot([](const Result<raft::SnapshotStream>&) {});
}

}  // namespace praetor::sim
