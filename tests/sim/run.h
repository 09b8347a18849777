// One run: a cluster, its clients, and a nemesis, all from a seed. First a storm of faults, then fair
// weather, in which the cluster must come back to work and everybody must agree.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/client.h"

namespace praetor::sim {

// What the seed decides about the whole run; tests set it by hand.
struct Climate {
  size_t servers = 3;
  Weather weather;
  raft::Timings timings;
  double drift = 0;  // clocks run between 1 - drift and 1 + drift
  Loops::Latencies latencies;
  bool kills = false, power_cuts = false, disk_faults = false, cluster_power_cuts = false;
  bool partitions = false, pauses = false, membership = false, transfers = false, snapshots = false;
  bool ambush = false;    // strikes those who have just been elected
  bool churn = false;     // one election after the other, and little else
  bool usurpers = false;  // leaders who are cut off step by step, and replaced before they know
  size_t max_append_entries = raft::kMaxAppendEntries;
  enum class PreVote : uint8_t { kAll, kNone, kMixed } pre_vote = PreVote::kAll;
  Duration storm = std::chrono::seconds(15);
  Duration calm_most = std::chrono::milliseconds(700);  // between two deeds of the nemesis
  size_t clients = 3, keys = 4;
  Duration think_most = std::chrono::milliseconds(150), patience = std::chrono::seconds(3);
  uint64_t reads_percent = 40;
  double answer_lost = 0.02;

  static Climate of_seed(Random& random);
  void become_churn();
  void become_usurpers(Random& random);
  std::string text() const;
};

class Run {
 public:
  Run(uint64_t seed, bool tracing);
  Run(uint64_t seed, bool tracing, Climate climate);
  ~Run();

  // Whether everything held; else world().violation() says what did not.
  bool go();

  World& world() { return world_; }
  const Climate& climate() const { return climate_; }

  // --- for directed tests ---
  void start_cluster();
  SimServer& server(const std::string& id) { return *servers_.at(id); }
  std::vector<std::string> ids() const;
  // The running server that leads the newest term, or null.
  SimServer* leader();
  bool run_until(const std::function<bool()>& condition, Duration patience);
  Network& network() { return network_; }
  History& history() { return history_; }
  // A client that does only what it is told.
  Client& client() { return *clients_.front(); }

 private:
  void make_server(const std::string& id, bool bootstrap);
  void start_server(const std::string& id);
  void announce(const std::string& id);
  void check_leases(const std::string& elected);
  std::vector<SimServer*> all_servers();
  bool register_nodes();
  void storm();
  void strike();
  void strike_disk(SimServer& server);
  void ambush(const std::string& id);
  void pause_for_a_while(const std::string& id);
  void bring_back_soon(const std::string& id);
  void strike_network(const std::string& id);
  void change_membership(SimServer& led);
  void ask_for_change(SimServer& led, raft::ConfigurationChange change, const std::string& target);
  std::string new_server();
  void take_snapshot(SimServer& server);
  // usurpers.cc
  void on_campaign(const std::string& candidate, uint64_t term);
  void on_crowned(const std::string& id);
  void ration(const std::string& leader);
  void cut_off(const std::string& id);
  void leave_behind(const std::string& leader);
  void scheme();
  void toggle_voter(SimServer& led);
  void end_faults();
  bool come_back();
  bool agree();
  void check_end();

  World world_;
  Climate climate_;
  Truth truth_{world_};
  Network network_;
  History history_{world_, truth_};
  std::map<std::string, std::unique_ptr<SimServer>> servers_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::string> keys_, nodes_{"n1", "n2"};
  std::vector<std::string> spares_{"x", "y"};
  std::map<std::string, bool> announces_;
  bool storming_ = false;
  uint64_t campaigned_ = 0;  // the newest term that somebody wants to lead
  std::string crowned_;      // the newest leader
  uint64_t reigns_ = 0;
};

}  // namespace praetor::sim
