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
  // Short time-outs: more elections in the same time.
  if (uint64_t dice = random.below(8); dice == 0) {
    climate.timings = raft::Timings().scaled(3);
  } else if (dice <= 3) {
    climate.timings.heartbeat_timeout = climate.timings.election_timeout = 250ms;
    climate.timings.leader_lease_timeout = 125ms;
  }
  climate.ambush = one_in(3);
  if (one_in(2)) climate.max_append_entries = 1 + random.below(4);
  static constexpr double kDrift[] = {0, 0.0005, 0.01};
  climate.drift = kDrift[random.below(std::size(kDrift))];
  climate.latencies.consensus = {5us, 60us, one_in(3) ? 0.002 : 0, 150ms};
  static constexpr Duration kDisk[] = {2ms, 2ms, 12ms, 60ms};
  climate.latencies.log = {80us, kDisk[random.below(std::size(kDisk))], one_in(3) ? 0.01 : 0, 400ms};
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
  static constexpr Duration kThink[] = {200ms, 200ms, 40ms, 10ms};
  climate.think_most = kThink[random.below(std::size(kThink))];
  static constexpr uint64_t kReads[] = {20, 40, 80};
  climate.reads_percent = kReads[random.below(std::size(kReads))];
  if (climate.think_most == Duration(10ms)) climate.storm /= 2;
  if (one_in(6))
    climate.become_churn();
  else if (one_in(5))
    climate.become_usurpers(random);
  return climate;
}

// Logs that diverge need many leaders who each get a little done: short terms, slow disks, entries one by
// one.
void Climate::become_churn() {
  churn = ambush = kills = power_cuts = true;
  disk_faults = cluster_power_cuts = pauses = membership = transfers = partitions = snapshots = false;
  weather = Weather{};
  weather.tells_unreachable = 0;
  timings.heartbeat_timeout = timings.election_timeout = 100ms;
  timings.leader_lease_timeout = 50ms;
  latencies.log = {80us, 25ms, 0, Duration(0)};
  max_append_entries = 1;
  clients = 2;
  think_most = 40ms;
  reads_percent = 20;
  servers = servers > 5 ? 5 : servers;
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
  name(ambush, "ambush");
  name(churn, "churn");
  name(usurpers, "usurpers");
  static constexpr const char* kPreVote[] = {"all", "none", "mixed"};
  return fmt::format(
      "servers={} timeout={}ms append={} think={}ms clients={} keys={} loss={} duplicate={} slow={} drift={} "
      "pre-vote={} faults:{}",
      servers, timings.heartbeat_timeout.count() / 1'000'000, max_append_entries,
      think_most.count() / 1'000'000, clients, keys, weather.loss, weather.duplicate, weather.slow, drift,
      kPreVote[static_cast<size_t>(pre_vote)], faults);
}

void Run::strike() {
  Random& random = world_.random();
  std::vector<std::string> all = ids();
  std::string any = world_.pick(all);
  SimServer* led = leader();
  if (led != nullptr && random.below(3) == 0) any = led->id();
  SimServer& server = *servers_.at(any);
  if (server.disk_failed() && random.below(3) == 0)
    return random.below(2) == 0 ? server.kill() : server.cut_power();
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
      if (climate_.pauses) pause_for_a_while(any);
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
        change_membership(*led);
      }
      break;
    case 13:
      if (climate_.cluster_power_cuts && random.below(4) == 0)
        for (const std::string& id : all)
          random.below(8) == 0 ? servers_.at(id)->kill() : servers_.at(id)->cut_power();
      break;
    default:
      break;
  }
}

// A stopped process: the longer ones lose what they led.
void Run::pause_for_a_while(const std::string& id) {
  servers_.at(id)->pause();
  Duration most = climate_.timings.heartbeat_timeout * 4;
  world_.after(world_.between(1ms, most), [this, id] { servers_.at(id)->resume(); });
}

void Run::bring_back_soon(const std::string& id) {
  world_.after(world_.between(1ms, climate_.timings.heartbeat_timeout), [this, id] {
    if (storming_) start_server(id);
  });
}

// The moments after an election are the ones in which protocols go wrong.
void Run::ambush(const std::string& id) {
  Random& random = world_.random();
  if (!storming_ || (!climate_.churn && random.below(2) == 0)) return;
  Duration most = random.below(2) == 0 ? Duration(4ms) : Duration(60ms);
  world_.after(Duration(random.below(static_cast<uint64_t>(most.count()))), [this, id] {
    SimServer& server = *servers_.at(id);
    if (!storming_ || !server.running()) return;
    Random& dice = world_.random();
    std::string other = world_.pick(ids());
    switch (dice.below(6)) {
      case 0:
        server.kill();
        return bring_back_soon(id);
      case 1:
        server.cut_power();
        return bring_back_soon(id);
      case 2:
        return pause_for_a_while(id);
      case 3:  // only one of the others stays with it
        ++world_.counters.partitions;
        for (const std::string& peer : ids())
          if (peer != other) {
            network_.cut(id, peer);
            network_.cut(peer, id);
          }
        break;
      case 4:  // one follower does not hear it
        ++world_.counters.partitions;
        network_.cut(id, other);
        break;
      default:
        ++world_.counters.partitions;
        for (const std::string& peer : ids()) {
          network_.cut(id, peer);
          network_.cut(peer, id);
        }
    }
    if (dice.below(2) == 0)
      for (const std::string& peer : ids())
        if (peer != id) network_.break_connection(peer, id);
    world_.after(world_.between(1ms, climate_.timings.heartbeat_timeout * 3), [this] { network_.heal(); });
  });
}

void Run::strike_disk(SimServer& server) {
  Random& random = world_.random();
  uint64_t call = 1 + random.below(random.below(2) == 0 ? 6 : 60);
  if (climate_.power_cuts && random.below(2) == 0) return server.cut_power_at(call);
  static constexpr raft::Fault kFaults[] = {raft::Fault::kError, raft::Fault::kShortWrite,
                                            raft::Fault::kAfter};
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
  switch (random.below(6)) {
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
    case 4:  // one way between two
      network_.cut(id, world_.pick(all));
      break;
    default:  // nothing but broken connections
      break;
  }
  if (world_.tracing()) world_.trace("the network is cut around {}", id);
  // Where connections are reset, and not just silent, the others know it at once.
  if (random.below(2) == 0)
    for (const std::string& other : all)
      if (other != id && random.below(4) != 0) {
        network_.break_connection(other, id);
        network_.break_connection(id, other);
      }
}

void Run::change_membership(SimServer& led) {
  Random& random = world_.random();
  std::string target = world_.pick(ids());
  auto change = static_cast<raft::ConfigurationChange>(random.below(5));
  if (!spares_.empty() && random.below(2) == 0) {
    target = new_server();
    change =
        random.below(2) == 0 ? raft::ConfigurationChange::kAddNonvoter : raft::ConfigurationChange::kAddVoter;
  }
  ask_for_change(led, change, target);
}

// REQUIRES: there are spares.
std::string Run::new_server() {
  std::string id = spares_.back();
  spares_.pop_back();
  make_server(id, false);
  announce(id);
  start_server(id);
  return id;
}

void Run::ask_for_change(SimServer& led, raft::ConfigurationChange change, const std::string& target) {
  ++world_.counters.changes;
  if (world_.tracing())
    world_.trace("{} is asked for change {} of {}", led.id(), static_cast<int>(change), target);
  led.node().change_configuration(change, {raft::Suffrage::kVoter, target, target + ":8300"}, 0,
                                  [](Result<uint64_t>) {});
}

void Run::take_snapshot(SimServer& server) {
  server.node().take_snapshot([](const Result<raft::SnapshotStream>&) {});
}

}  // namespace praetor::sim
