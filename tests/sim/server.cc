#include "sim/server.h"

#include "raft/segment_log.h"

namespace praetor::sim {

struct SimServer::Process {
  Process(SimServer& server, World& world)
      : clock(world, server.options_.drift, world.between(Duration(0), std::chrono::hours(1))),
        loops(world, clock, server.options_.latencies),
        machine(world, server.truth_, server.options_.id),
        watchers(world, server.truth_, server.options_.id, machine.store()),
        transport(
            server.network_, server.options_.id,
            [&server](World::Action action) { server.when_running(std::move(action)); },
            [&server] { return !server.disk_.powered_off(); }) {
    machine.set_on_published([this](uint64_t index) { watchers.verify(index); });
    loops.set_after_turn([this, &server, &world] {
      bool failed = server.disk_.powered_off() || (server.disk_fails_ && server.disk_.injected());
      if (!failed || told) return;
      told = true;
      world.after(Duration(0), [this, &server] {
        if (server.process_.get() == this) server.look_at_disk();
      });
    });
  }

  DriftingClock clock;
  Loops loops;
  CheckedMachine machine;
  Watchers watchers;
  SimTransport transport;
  std::vector<World::Action> waiting;  // while paused
  std::unique_ptr<raft::Node> node;    // ends first
  bool disk_failed = false;
  bool told = false;  // that its disk should be looked at
};

SimServer::SimServer(World& world, Truth& truth, Network& network, ServerOptions options)
    : world_(world), truth_(truth), network_(network), options_(std::move(options)) {}

SimServer::~SimServer() { die(); }

raft::Node& SimServer::node() { return *process_->node; }
store::Store& SimServer::store() { return process_->machine.store(); }
Watchers& SimServer::watchers() { return process_->watchers; }
bool SimServer::disk_failed() const { return running() && process_->disk_failed; }
bool SimServer::paused() const { return running() && process_->loops.paused(); }
bool SimServer::process_node_leads() const { return process_->node->is_leader(); }

raft::Options SimServer::node_options() {
  raft::Options options;
  options.data_dir = "/raft";
  options.id = options_.id;
  options.address = options_.id + ":8300";
  options.bootstrap = !options_.bootstrap_servers.servers.empty();
  options.bootstrap_servers = options_.bootstrap_servers;
  options.timings = options_.timings;
  options.snapshot_interval = options_.snapshot_interval;
  options.snapshot_threshold = options_.snapshot_threshold;
  options.trailing_logs = options_.trailing_logs;
  options.segment_bytes = options_.segment_bytes;
  options.max_append_entries = options_.max_append_entries;
  options.file_system = &disk_;
  options.clock = &process_->clock;
  options.scheduler = &process_->loops;
  options.transport = &process_->transport;
  options.on_leadership = [this](bool leader, uint64_t term) {
    if (world_.tracing()) world_.trace("{} {} term {}", id(), leader ? "leads" : "no longer leads", term);
    if (!leader || !process_->node) return;
    ++world_.counters.elections;
    truth_.led(id(), term, process_->node->last_index());
    if (options_.on_elected) options_.on_elected(id());
  };
  options.on_disk_failure = [process = process_.get()](const Error&) { process->disk_failed = true; };
  options.on_log = [this](const std::string& line) {
    if (world_.tracing()) world_.trace("{}: {}", id(), line);
  };
  return options;
}

void SimServer::start() {
  if (running()) return;
  if (world_.tracing()) world_.trace("{} starts", id());
  process_ = std::make_unique<Process>(*this, world_);
  Result<std::unique_ptr<raft::Node>> node = raft::Node::start(node_options(), process_->machine);
  if (!node) {
    process_.reset();
    if (disk_.injected() && (power_fails_ || disk_fails_)) return look_at_disk();
    return world_.violate(fmt::format("{} does not start: {}", id(), node.error().message));
  }
  process_->node = std::move(*node);
  for (const auto& [peer, pre_vote] : announced_) process_->node->announce_extensions(peer, pre_vote);
}

void SimServer::announce(const std::string& peer, bool pre_vote) {
  std::erase_if(announced_, [&](const auto& known) { return known.first == peer; });
  announced_.emplace_back(peer, pre_vote);
  if (running()) node().announce_extensions(peer, pre_vote);
}

// Nothing of the process happens any more; nothing that its end does reaches the disk or the network.
void SimServer::die() {
  if (!process_) return;
  disk_.power_off();
  process_->loops.kill();
  process_->node.reset();
  process_.reset();
}

void SimServer::kill() {
  if (!running()) return;
  ++world_.counters.crashes;
  if (world_.tracing()) world_.trace("{} is killed", id());
  die();
  disk_.reopen();
  power_fails_ = disk_fails_ = false;
}

void SimServer::cut_power() {
  ++world_.counters.power_cuts;
  if (world_.tracing()) world_.trace("{} loses its power", id());
  die();
  disk_.power_cut(world_.random().next());
  power_fails_ = disk_fails_ = false;
}

void SimServer::cut_power_at(uint64_t call) {
  if (power_fails_ || disk_fails_) return;
  power_fails_ = true;
  disk_.inject(call, raft::Fault::kPowerOff);
}

void SimServer::fail_disk_at(uint64_t call, raft::Fault fault) {
  if (!running() || power_fails_ || disk_fails_) return;
  disk_fails_ = true;
  disk_.inject(call, fault);
}

void SimServer::forget_faults() {
  if (disk_.powered_off()) return;  // it is about to be noticed
  disk_.inject(0, raft::Fault::kError);
  power_fails_ = disk_fails_ = false;
}

void SimServer::look_at_disk() {
  if (power_fails_ && disk_.powered_off()) return cut_power();
  if (!disk_fails_ || !disk_.injected()) return;
  ++world_.counters.disk_faults;
  if (world_.tracing()) world_.trace("{}: its disk has failed once", id());
  disk_fails_ = false;
  if (process_) process_->told = false;
}

void SimServer::pause() {
  if (!running() || paused()) return;
  ++world_.counters.pauses;
  if (world_.tracing()) world_.trace("{} is stopped", id());
  process_->loops.pause();
}

void SimServer::resume() {
  if (!paused()) return;
  if (world_.tracing()) world_.trace("{} continues", id());
  process_->loops.resume();
  for (World::Action& action : std::exchange(process_->waiting, {})) {
    // The first of them may come before the process has looked at its clock.
    world_.after(Duration(0), [this, process = process_.get(), action = std::move(action)]() mutable {
      if (process_.get() == process) action();
    });
  }
}

void SimServer::when_running(World::Action action) {
  if (!running()) return;
  if (paused())
    process_->waiting.push_back(std::move(action));
  else
    action();
}

void SimServer::shut_down() {
  if (!running()) return;
  if (world_.tracing()) world_.trace("{} shuts down", id());
  process_->node->shutdown();
  process_->loops.kill();
  process_->node.reset();
  process_.reset();
}

void SimServer::check_disk() {
  raft::SegmentLog::OpenOptions options;
  options.directory = "/raft/log";
  options.segment_bytes = options_.segment_bytes;
  options.snapshot_index = UINT64_MAX - 1;
  options.make_salt = [] { return 1u; };
  raft::SegmentLog::Contents contents;
  auto log = raft::SegmentLog::open(disk_, std::move(options), contents);
  if (!log) return world_.violate(fmt::format("the log of {} cannot be read: {}", id(), log.error().message));
  uint64_t last = (*log)->last_index();
  for (uint64_t index = (*log)->first_index(); index <= last;) {
    auto entries = (*log)->read(index, last, 1 << 20);
    if (!entries)
      return world_.violate(fmt::format("the log of {} cannot be read: {}", id(), entries.error().message));
    for (const raft::EntryRef& entry : *entries) truth_.on_disk(id(), *entry);
    index += entries->size();
  }
}

}  // namespace praetor::sim
