#include "server/server.h"

#include "base/check.h"
#include "base/host_port.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "codec/msgpack.h"
#include "fsm/fsm.h"
#include "raft/env.h"
#include "server/autopilot_health.h"
#include "server/coordinates.h"
#include "server/endpoint_metrics.h"
#include "server/leader_duties.h"
#include "server/member_duties.h"
#include "server/peers_file.h"
#include "store/store.h"

namespace praetor::server {
namespace {

const Logger& logger() {
  static const Logger log("agent.server");
  return log;
}

const Logger& raft_logger() {
  static const Logger log("agent.server.raft");
  return log;
}

bool is_leader_error(const Error& error) { return error.kind == ErrorKind::kNoLeader; }

}  // namespace

struct Server::State {
  store::Store store;
  fsm::Fsm machine{store};
  std::vector<std::pair<Reactor*, std::unique_ptr<QueryRunner>>> runners;
};

Server::Server(ServerOptions options)
    : options_(std::move(options)),
      info_{options_.datacenter, options_.node_name, options_.node_id},
      raft_address_(join_host_port(options_.advertise_address, options_.server_port)),
      state_(std::make_unique<State>()) {}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  std::unique_ptr<Server> server(new Server(std::move(options)));
  TRY(server->open());
  return server;
}

Status Server::open() {
  for (Reactor* reactor : options_.reactors)
    state_->runners.emplace_back(reactor, std::make_unique<QueryRunner>(*reactor, state_->store, info_));
  duties_ = std::make_unique<LeaderDuties>(*this, *options_.reactors.front());
  members_ = std::make_unique<MemberDuties>(*this, *options_.reactors.front());
  coordinates_ = std::make_unique<CoordinateUpdates>(*this, *options_.reactors.front(),
                                                     options_.coordinate_update_period);
  state_->store.set_notice_sink([this](const std::shared_ptr<const store::CommitNotice>& notice) {
    for (auto& [reactor, runner] : state_->runners) runner->deliver(notice);
  });
  state_->store.set_effect_sink(
      [this](uint64_t index, store::Effects effects) { duties_->on_effects(index, std::move(effects)); });

  raft::Options raft_options;
  raft_options.data_dir = options_.data_dir + "/raft";
  raft_options.in_memory = options_.in_memory;
  raft_options.id = options_.node_id;
  raft_options.address = raft_address_;
  raft_options.bootstrap = options_.bootstrap;
  raft_options.timings = healthy_timings(options_.timings);
  raft_options.snapshot_interval = options_.snapshot_interval;
  raft_options.snapshot_threshold = options_.snapshot_threshold;
  raft_options.trailing_logs = options_.trailing_logs;
  raft_options.transport = options_.cluster.transport;
  if (!options_.in_memory) {
    TRY_ASSIGN(raft_options.recover_configuration,
               find_recovery(raft::posix_file_system(), raft_options.data_dir, options_.raft_protocol));
  }
  const bool recovering = raft_options.recover_configuration.has_value();
  const std::string raft_directory = raft_options.data_dir;
  raft_options.on_leadership = [this](bool leader, uint64_t) { on_raft_leadership(leader); };
  raft_options.on_log = [](const std::string& line) { raft_logger().info(line); };
  raft_options.on_disk_failure = [](const Error& error) {
    raft_logger().error(
        "the log cannot be written: this server acknowledges nothing more; mend the disk and "
        "restart the agent",
        {{"error", error}});
  };
  auto started = raft::Node::start(std::move(raft_options), state_->machine);
  if (!started)
    return fail((recovering ? "recovery failed: " : "") + started.error().message, started.error().kind);
  if (recovering) {
    if (Status removed = remove_peers_json(raft::posix_file_system(), raft_directory); !removed)
      return fail(
          "recovery failed to delete peers.json, please delete manually (see peers.info for details): " +
          removed.error().message);
    logger().info("deleted peers.json file after successful recovery");
  }
  std::lock_guard lock(opening_);
  raft_ = std::move(*started);
  opened_ = true;
  if (early_leadership_) tell_duties(*early_leadership_);
  options_.reactors.front()->post([this] { members_->start(); });
  return {};
}

Server::~Server() { stop(); }

void Server::stop() {
  if (std::exchange(stopped_, true)) return;
  if (coordinates_) coordinates_->stop();
  if (duties_) duties_->stop();
  if (raft_) raft_->shutdown();
}

const store::Store& Server::store() const { return state_->store; }

QueryRunner& Server::queries(Reactor& reactor) {
  for (auto& [candidate, runner] : state_->runners)
    if (candidate == &reactor) return *runner;
  CHECK(!"a reactor that the server was not started with");
  return *state_->runners.front().second;
}

void Server::on_raft_leadership(bool leader) {
  if (leader)
    logger().info("cluster leadership acquired");
  else
    logger().info("cluster leadership lost");
  std::lock_guard lock(opening_);
  if (opened_) {
    tell_duties(leader);
  } else {
    early_leadership_ = leader;
  }
}

void Server::tell_duties(bool leader) {
  options_.reactors.front()->post([this, leader] { duties_->on_leadership(leader); });
}

std::string Server::leader_address() const { return raft_->leader().address; }

bool Server::known_leader() const { return raft_->is_leader() || !raft_->leader().address.empty(); }

int64_t Server::last_contact_ms() const {
  if (raft_->is_leader()) return 0;
  auto contact = raft_->last_contact();
  return contact ? std::chrono::duration_cast<std::chrono::milliseconds>(*contact).count() : 0;
}

void Server::set_contact(model::QueryMeta& meta) const {
  meta.known_leader = known_leader();
  meta.last_contact = std::chrono::milliseconds(last_contact_ms());
}

std::vector<std::string> Server::raft_peers() const {
  std::vector<std::string> peers;
  for (const raft::Server& server : raft_->configuration().configuration.servers)
    peers.push_back(server.address);
  return peers;
}

model::RaftStats Server::raft_stats() const {
  std::map<std::string, std::string> stats = raft_->stats();
  auto number = [](const std::string& text) {
    auto parsed = parse_uint(text);
    return parsed ? *parsed : 0;
  };
  return {stats["last_contact"], number(stats["last_log_term"]), number(stats["last_log_index"])};
}

void Server::observe() {
  static const Gauge applied("raft.applied_index"), last("raft.last_index");
  applied.set(static_cast<float>(raft_->applied_index()));
  last.set(static_cast<float>(raft_->last_index()));
  duties_->observe();
}

void Server::await_leader(Reactor& reactor, Instant deadline, std::function<void(Status)> ready) {
  if (raft_->has_lease()) return ready({});
  if (system_clock().now() >= deadline) return ready(fail(kErrNoLeader, ErrorKind::kNoLeader));
  // Jittered, so that the waiting requests of a cluster do not ask in step.
  auto pause = Duration(static_cast<int64_t>(
      thread_random().below(static_cast<uint64_t>(options_.rpc_hold_timeout.count() / 64)) + 1'000'000));
  reactor.after(pause, [this, &reactor, deadline, ready = std::move(ready)]() mutable {
    await_leader(reactor, deadline, std::move(ready));
  });
}

void Server::when_leading(Reactor& reactor, std::function<void(Status)> ready) {
  await_leader(reactor, system_clock().now() + options_.rpc_hold_timeout, std::move(ready));
}

Status Server::look(const std::function<Status(ReadContext&)>& read) const {
  store::View view = state_->store.view();
  ReadContext context{.tables = *view, .info = info_};
  return read(context);
}

void Server::apply(Reactor& reactor, model::MessageType type, const codec::Type& request_type,
                   const void* request, Applied applied) {
  std::string entry;
  entry.push_back(static_cast<char>(type));
  codec::write_msgpack(entry, request_type, request);
  apply_encoded(reactor, std::move(entry), std::move(applied));
}

void Server::apply_encoded(Reactor& reactor, std::string entry, Applied applied) {
  propose(reactor, std::move(entry), system_clock().now() + options_.rpc_hold_timeout, std::move(applied));
}

void Server::propose(Reactor& reactor, std::string entry, Instant deadline, Applied applied) {
  if (!raft_->is_leader()) {
    return await_leader(reactor, deadline,
                        [this, &reactor, entry = std::move(entry), deadline,
                         applied = std::move(applied)](Status status) mutable {
                          if (!status) return applied(std::unexpected(std::move(status.error())));
                          propose(reactor, std::move(entry), deadline, std::move(applied));
                        });
  }
  raft_->propose(std::move(entry),
                 [&reactor, applied = std::move(applied)](Result<raft::ProposalResult> result) mutable {
                   reactor.post([applied = std::move(applied), result = std::move(result)]() mutable {
                     if (!result) {
                       Error error = std::move(result.error());
                       if (is_leader_error(error)) error.message = kErrNoLeader;
                       return applied(std::unexpected(std::move(error)));
                     }
                     if (auto* error = std::any_cast<Error>(&result->value))
                       return applied(std::unexpected(std::move(*error)));
                     applied(std::move(*result));
                   });
                 });
}

}  // namespace praetor::server
