#include "sim/run.h"

#include <algorithm>

namespace praetor::sim {

using namespace std::chrono_literals;

Run::Run(uint64_t seed, bool tracing) : Run(seed, tracing, Climate{}) {
  climate_ = Climate::of_seed(world_.random());
  network_.weather() = climate_.weather;
}

Run::Run(uint64_t seed, bool tracing, Climate climate)
    : world_(seed, tracing), climate_(std::move(climate)), network_(world_, climate_.weather) {
  network_.set_observer([this](const std::string& from, const raft::Envelope& envelope) {
    if (const auto* append = std::get_if<raft::AppendRequest>(&envelope.message))
      truth_.on_wire(from, *append);
    else if (const auto* vote = std::get_if<raft::VoteRequest>(&envelope.message))
      if (!vote->pre_vote) on_campaign(from, vote->term);
  });
}

Run::~Run() {
  servers_.clear();  // nothing of them runs while the rest goes
}

std::vector<std::string> Run::ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, server] : servers_) ids.push_back(id);
  return ids;
}

std::vector<SimServer*> Run::all_servers() {
  std::vector<SimServer*> all;
  for (auto& [id, server] : servers_) all.push_back(server.get());
  return all;
}

SimServer* Run::leader() {
  SimServer* best = nullptr;
  for (SimServer* server : all_servers())
    if (server->leads() && (best == nullptr || server->node().term() > best->node().term())) best = server;
  return best;
}

bool Run::run_until(const std::function<bool()>& condition, Duration patience) {
  Instant limit = world_.now() + patience;
  while (!condition()) {
    if (world_.now() >= limit) return false;
    if (!world_.run_for(20ms)) return false;
  }
  return true;
}

// --- the cluster ---

void Run::make_server(const std::string& id, bool bootstrap) {
  ServerOptions options;
  options.id = id;
  options.timings = climate_.timings;
  options.drift = (world_.random().real() * 2 - 1) * climate_.drift;
  options.latencies = climate_.latencies;
  options.snapshot_threshold = 20 + world_.random().below(60);
  options.trailing_logs = world_.random().below(30);
  options.segment_bytes = size_t{2048} << world_.random().below(4);
  options.max_append_entries = climate_.max_append_entries;
  options.on_elected = [this](const std::string& elected) {
    check_leases(elected);
    if (climate_.usurpers) on_crowned(elected);
    if (climate_.ambush) ambush(elected);
  };
  if (bootstrap)
    for (size_t i = 0; i < climate_.servers; ++i) {
      std::string member(1, static_cast<char>('a' + i));
      options.bootstrap_servers.servers.push_back({raft::Suffrage::kVoter, member, member + ":8300"});
    }
  servers_[id] = std::make_unique<SimServer>(world_, truth_, network_, std::move(options));
  announces_[id] = climate_.pre_vote == Climate::PreVote::kAll ||
                   (climate_.pre_vote == Climate::PreVote::kMixed && world_.random().below(2) == 0);
}

// While one leads, nobody of an earlier term may read alone. Clocks that run apart by a hundredth are beyond
// what a lease without a margin bears.
void Run::check_leases(const std::string& elected) {
  if (climate_.drift > 0.001) return;
  uint64_t term = servers_.at(elected)->node().term();
  for (SimServer* server : all_servers())
    if (server->running() && server->node().term() < term && server->node().has_lease())
      world_.violate(fmt::format("lease: {} holds it while {} leads a later term", server->id(), elected));
}

void Run::announce(const std::string& id) {
  for (auto& [other, server] : servers_) {
    server->announce(id, announces_[id]);
    servers_[id]->announce(other, announces_[other]);
  }
}

void Run::start_server(const std::string& id) {
  SimServer& server = *servers_[id];
  if (server.running()) return;
  server.start();
  if (!server.running()) return;
  Watchers& watchers = server.watchers();
  watchers.watch(Watchers::Kind::kKey, keys_.front());
  watchers.watch(Watchers::Kind::kKey, world_.pick(keys_));
  watchers.watch(Watchers::Kind::kPrefix, "k");
  watchers.watch(Watchers::Kind::kPrefix, keys_.back());
  watchers.watch(Watchers::Kind::kSessions, "");
}

void Run::start_cluster() {
  if (world_.tracing()) world_.trace("seed {}: {}", world_.seed(), climate_.text());
  for (size_t i = 0; i < climate_.keys; ++i) keys_.push_back(fmt::format("k/{}", i));
  for (size_t i = 0; i < climate_.servers; ++i) make_server(std::string(1, static_cast<char>('a' + i)), true);
  for (const std::string& id : ids()) announce(id);
  for (const std::string& id : ids()) start_server(id);
  ClientOptions options;
  options.keys = keys_;
  options.nodes = nodes_;
  options.think_most = climate_.think_most;
  options.patience = climate_.patience;
  options.reads_percent = climate_.reads_percent;
  options.answer_lost = climate_.answer_lost;
  for (size_t i = 0; i <= climate_.clients; ++i)
    clients_.push_back(std::make_unique<Client>(
        world_, history_, [this] { return all_servers(); }, options, static_cast<int>(i)));
}

bool Run::register_nodes() {
  for (const std::string& node : nodes_) {
    bool done = false;
    for (int attempt = 0; attempt < 100 && !done && world_.well(); ++attempt) {
      Command command;
      command.verb = Verb::kNode;
      command.key = node;
      client().write(command);
      run_until([&] { return client().idle(); }, 10s);
      done = history_.operations().back().answered;
      if (!done) world_.run_for(200ms);
    }
    if (!done && world_.well()) world_.violate("liveness: a new cluster takes no writes");
  }
  return world_.well();
}

// --- the whole ---

bool Run::go() {
  start_cluster();
  if (!register_nodes()) return false;
  for (size_t i = 1; i < clients_.size(); ++i) clients_[i]->start();
  storm();
  end_faults();
  if (!world_.well() || !come_back() || !agree()) return false;
  check_end();
  return world_.well();
}

void Run::storm() {
  storming_ = true;
  Instant end = world_.now() + climate_.storm;
  while (world_.well() && world_.now() < end) {
    if (!world_.run_for(world_.between(10ms, climate_.calm_most))) return;
    climate_.usurpers ? scheme() : strike();
  }
}

void Run::end_faults() {
  storming_ = false;
  if (!world_.well()) return;
  if (world_.tracing()) world_.trace("fair weather");
  network_.heal();
  network_.weather() = Weather{};
  for (auto& client : clients_) client->set_patience(Climate{}.patience);
  for (SimServer* server : all_servers()) {
    server->resume();
    if (server->disk_failed()) server->kill();
    server->forget_faults();
    start_server(server->id());
  }
}

bool Run::come_back() {
  uint64_t before = world_.counters.acknowledged;
  auto works = [&] {
    for (SimServer* server : all_servers())
      if (!server->running()) start_server(server->id());
    return leader() != nullptr && world_.counters.acknowledged >= before + 5;
  };
  if (run_until(works, 120s)) return true;
  if (world_.well()) world_.violate("liveness: in fair weather no write is acknowledged");
  return false;
}

// Clients fall silent; every member of the cluster gets everything.
bool Run::agree() {
  for (auto& client : clients_) client->stop();
  auto idle = [&] {
    return std::ranges::all_of(clients_, [](const auto& client) { return client->idle(); });
  };
  if (!run_until(idle, 30s)) return false;
  auto together = [&] {
    SimServer* first = leader();
    if (first == nullptr) return false;
    raft::Node& node = first->node();
    if (node.applied_index() != node.last_index()) return false;
    for (const raft::Server& member : node.configuration().configuration.servers) {
      SimServer& server = *servers_.at(member.id);
      if (!server.running() || server.node().applied_index() != node.applied_index()) return false;
    }
    return true;
  };
  if (run_until(together, 60s)) return true;
  if (!world_.well()) return false;
  std::string where;
  for (SimServer* server : all_servers())
    if (server->running())
      where += fmt::format(" {}:{}/{}/{}", server->id(), server->node().applied_index(),
                           server->node().commit_index(), server->node().last_index());
  world_.violate("liveness: in fair weather a follower stays behind (applied/committed/last):" + where);
  return false;
}

void Run::check_end() {
  // Every key once more, by a consistent read.
  for (const std::string& key : keys_) {
    client().read(ReadMode::kConsistent, key);
    run_until([&] { return client().idle(); }, 10s);
  }
  if (!world_.well()) return;
  history_.check();
  SimServer* first = leader();
  if (first == nullptr) return;
  raft::Configuration members = first->node().configuration().configuration;
  for (SimServer* server : all_servers()) server->shut_down();
  for (const raft::Server& member : members.servers) servers_.at(member.id)->check_disk();
}

}  // namespace praetor::sim
