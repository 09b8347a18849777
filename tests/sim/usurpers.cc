// The climate in which leaders follow each other fast, none of them knows it at once, and each gets a little
// done: it may send a few entries to one and none to another before it is cut off, it is asked for changes of
// the membership as soon as it leads, and clients go on to write and to read at the one who has been
// replaced.
#include "sim/run.h"

namespace praetor::sim {

using namespace std::chrono_literals;

void Climate::become_usurpers(Random& random) {
  auto one_in = [&](uint64_t n) { return random.below(n) == 0; };
  usurpers = true;
  ambush = churn = disk_faults = cluster_power_cuts = partitions = snapshots = false;
  kills = one_in(3);
  power_cuts = one_in(3);
  pauses = one_in(2);
  transfers = one_in(2);
  membership = one_in(2);
  // Two changes at once divide an even cluster only.
  static constexpr size_t kSizes[] = {3, 3, 5, 4, 4, 4};
  servers = kSizes[membership ? random.below(6) : random.below(3)];
  weather = Weather{};
  if (one_in(4)) weather.loss = 0.05;
  if (one_in(4)) weather.slow = 0.05;
  weather.slow_most = 60ms;
  static constexpr Duration kTimeouts[] = {100ms, 250ms, 250ms, 500ms};
  timings.heartbeat_timeout = timings.election_timeout = kTimeouts[random.below(std::size(kTimeouts))];
  timings.leader_lease_timeout = timings.heartbeat_timeout / 2;
  static constexpr Duration kDisk[] = {1ms, 1ms, 4ms, 12ms};
  latencies.consensus = {5us, 60us, 0, Duration(0)};
  latencies.log = {80us, kDisk[random.below(std::size(kDisk))], 0, Duration(0)};
  max_append_entries = one_in(4) ? 1 + random.below(4) : 1;
  storm = 2s + 8 * timings.heartbeat_timeout;
  calm_most = timings.heartbeat_timeout * 2;
  clients = 5;
  think_most = timings.heartbeat_timeout / 16;
  patience = timings.heartbeat_timeout / 6 + 3 * latencies.log.most;
  reads_percent = one_in(3) ? 30 : 65;
}

// What reaches whom from this leader before it is cut off, for each of the others apart.
void Run::ration(const std::string& leader) {
  Random& random = world_.random();
  enum { kNothing, kAlike, kLittle, kSome, kAll, kMoods };
  uint64_t mood = random.below(kMoods), alike = 1 + random.below(6);
  for (const std::string& peer : ids()) {
    if (peer == leader || mood == kAll || (mood == kSome && random.below(2) == 0)) continue;
    auto after = random.below(4) == 0 ? Network::After::kSmallOnly : Network::After::kCut;
    uint64_t messages = mood == kAlike ? alike : mood == kLittle ? random.below(6) : 0;
    network_.ration(leader, peer, messages, after);
  }
}

// One no longer hears the leader, and the rest hear it, but get nothing that the one has not got.
void Run::leave_behind(const std::string& leader) {
  std::string left = world_.pick(ids());
  if (left == leader) return;
  if (world_.tracing()) world_.trace("{} leaves {} behind", leader, left);
  network_.cut(leader, left);
  network_.cut(left, leader);
  for (const std::string& peer : ids())
    if (peer != leader && peer != left) network_.ration(leader, peer, 0, Network::After::kSmallOnly);
}

void Run::cut_off(const std::string& id) {
  ++world_.counters.partitions;
  if (world_.tracing()) world_.trace("{} is cut off", id);
  for (const std::string& peer : ids()) {
    network_.cut(id, peer);
    network_.cut(peer, id);
  }
}

// Somebody wants to lead: those who lead now may be the last to hear of it. Their clients still reach them.
void Run::on_campaign(const std::string& candidate, uint64_t term) {
  if (!climate_.usurpers || !storming_ || term <= campaigned_) return;
  campaigned_ = term;
  for (SimServer* server : all_servers())
    if (server->leads() && server->id() != candidate && world_.random().below(4) != 0) cut_off(server->id());
}

void Run::on_crowned(const std::string& id) {
  if (!storming_) return;
  Random& random = world_.random();
  std::string before = std::exchange(crowned_, id);
  for (const std::string& other : ids()) {
    if (other == id) continue;
    if (other != before || random.below(4) == 0)
      network_.heal(other);
    else  // it finds the others again, but does not hear of its successor from itself
      world_.after(world_.between(1ms, climate_.timings.heartbeat_timeout),
                   [this, other, id] { network_.heal(other, id); });
  }
  uint64_t fate = random.below(6);
  if (fate > 0) ration(id);
  if (fate < 4)
    world_.after(world_.between(1ms, climate_.timings.heartbeat_timeout * 3),
                 [this, id, fate, reign = ++reigns_] {
                   if (!storming_ || reign != reigns_) return;
                   fate == 0 ? leave_behind(id) : cut_off(id);
                 });
  if (climate_.membership && random.below(4) != 0)
    world_.after(Duration(0), [this, id] {
      SimServer& server = *servers_.at(id);
      if (storming_ && server.leads()) toggle_voter(server);
    });
}

// A change that is one: somebody comes or somebody goes, and the cluster stays a cluster.
void Run::toggle_voter(SimServer& led) {
  Random& random = world_.random();
  raft::Configuration known = led.node().configuration().configuration;
  std::vector<std::string> voters, others;
  for (const std::string& id : ids()) (known.is_voter(id) ? voters : others).push_back(id);
  if (others.empty() && !spares_.empty()) others.push_back(new_server());
  bool add = !others.empty() && (voters.size() < 3 || random.below(2) == 0);
  if (!add && voters.size() < 3) return;
  static constexpr raft::ConfigurationChange kAway[] = {raft::ConfigurationChange::kRemoveServer,
                                                        raft::ConfigurationChange::kDemoteVoter};
  ask_for_change(led, add ? raft::ConfigurationChange::kAddVoter : kAway[random.below(2)],
                 world_.pick(add ? others : voters));
}

void Run::scheme() {
  Random& random = world_.random();
  SimServer* led = leader();
  for (const std::string& id : ids()) {
    if (random.below(2) == 0) start_server(id);
    if (random.below(2) == 0) servers_.at(id)->resume();
  }
  if (led == nullptr) return network_.heal();
  switch (random.below(6)) {
    case 0:
      network_.heal();
      break;
    case 1:
    case 2:
      if (climate_.transfers) {
        ++world_.counters.transfers;
        led->node().transfer_leadership("", [](Status) {});
      }
      break;
    case 3:
      if (climate_.membership) toggle_voter(*led);
      break;
    case 4:
      if (climate_.pauses && random.below(2) == 0)
        pause_for_a_while(led->id());
      else if (climate_.kills && random.below(2) == 0)
        led->kill();
      else if (climate_.power_cuts && random.below(2) == 0)
        led->cut_power();
      break;
    default:
      ration(led->id());
  }
}

}  // namespace praetor::sim
