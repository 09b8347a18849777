#include "server/autopilot_duties.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "server/autopilot.h"
#include "server/member_duties.h"
#include "server/raft_peers.h"
#include "server/server.h"
#include "store/store.h"

namespace praetor::server {
namespace {

const Logger& logger() {
  static const Logger log("agent.server.autopilot");
  return log;
}

std::string shown(const raft::Server& server) {
  return "Server (ID: " + go_quote(server.id) + " Address: " + go_quote(server.address) + ")";
}

}  // namespace

// Ends with the last answer, or after half an interval.
struct AutopilotDuties::Round {
  HealthInput input;
  size_t unanswered = 0;
  Reactor::TimerId deadline = 0;
  bool assessed = false;
};

AutopilotDuties::AutopilotDuties(Server& server, Reactor& reactor) : server_(server), reactor_(reactor) {}

void AutopilotDuties::lead() {
  leading_ = true;
  stability_.clear();
  check_health();
  act_timer_ = reactor_.after(server_.options().autopilot_interval, [this] { act(); });
}

void AutopilotDuties::stop_leading() {
  leading_ = false;
  reactor_.cancel(health_timer_);
  reactor_.cancel(act_timer_);
  health_timer_ = act_timer_ = 0;
  if (round_) reactor_.cancel(round_->deadline);
  round_.reset();
  std::lock_guard lock(mutex_);
  health_ = {};
}

void AutopilotDuties::stop() {
  stop_leading();
  *alive_ = false;
}

model::OperatorHealth AutopilotDuties::health() const {
  std::lock_guard lock(mutex_);
  return health_;
}

// False when there is a server that is too old for autopilot.
bool AutopilotDuties::input(HealthInput& input) const {
  auto config = autopilot_config(*server_.store().view());
  input.config = config ? std::move(*config) : server_.options().autopilot;
  input.configuration = server_.raft().configuration().configuration;
  input.leader_id = server_.options().node_id;
  input.members = server_.members().members();
  input.last_term = server_.raft_stats().last_term;
  input.last_index = server_.raft().last_index();
  input.settled = server_.members().settled();
  input.now = system_clock().wall();
  return least_raft_protocol(input.members, server_.options().datacenter) >= 3;
}

void AutopilotDuties::check_health() {
  health_timer_ = reactor_.after(server_.options().server_health_interval, [this] { check_health(); });
  auto round = std::make_shared<Round>();
  if (!input(round->input)) return;
  if (round_) reactor_.cancel(round_->deadline);
  round_ = round;
  round->input.stats[server_.options().node_id] = server_.raft_stats();
  const Cluster& cluster = server_.options().cluster;
  std::vector<ServerTags> asked;
  for (const gossip::Member& member : round->input.members) {
    auto server = server_tags(member);
    if (!server || member.status == gossip::MemberStatus::kLeft || server->id == server_.options().node_id)
      continue;
    if (round->input.configuration.find(server->raft_id()) != nullptr) asked.push_back(std::move(*server));
  }
  if (asked.empty() || !cluster.ask_raft_stats) return assess(*round);
  round->unanswered = asked.size();
  round->deadline =
      reactor_.after(server_.options().server_health_interval / 2, [this, round] { assess(*round); });
  for (const ServerTags& server : asked)
    cluster.ask_raft_stats(
        reactor_, server,
        [this, alive = alive_, round, id = server.raft_id(), name = server.name](auto stats) {
          if (!*alive || round_ != round || round->assessed) return;
          if (stats)
            round->input.stats[id] = std::move(*stats);
          else
            logger().warn("error getting server health", {{"server", name}, {"error", stats.error()}});
          if (--round->unanswered == 0) assess(*round);
        });
}

void AutopilotDuties::assess(Round& round) {
  reactor_.cancel(round.deadline);
  round.assessed = true;
  model::OperatorHealth health = assess_health(round.input, stability_);
  std::lock_guard lock(mutex_);
  health_ = std::move(health);
}

void AutopilotDuties::observe() const {
  static const Gauge healthy("autopilot.healthy"), tolerance("autopilot.failure_tolerance");
  std::lock_guard lock(mutex_);
  if (!leading_ || health_.servers.empty()) return;
  healthy.set(health_.healthy ? 1 : 0);
  tolerance.set(static_cast<float>(health_.failure_tolerance));
}

void AutopilotDuties::act() {
  act_timer_ = reactor_.after(server_.options().autopilot_interval, [this] { act(); });
  HealthInput now;
  if (!input(now)) return;
  bool promoted = false;
  for (raft::Server& server : servers_to_promote(now, stability_)) {
    logger().info("Promoting server to voter", {{"server", shown(server)}});
    promoted = true;
    server_.raft().change_configuration(
        raft::ConfigurationChange::kAddVoter, server, 0, [this, alive = alive_](Result<uint64_t> done) {
          reactor_.post([this, alive, done = std::move(done)] {
            if (!*alive) return;
            if (!done) logger().error("Error promoting server", {{"error", done.error()}});
            clean_up();
          });
        });
  }
  if (!promoted) clean_up();
}

void AutopilotDuties::clean_up_soon() {
  reactor_.post([this, alive = alive_] {
    if (*alive) clean_up();
  });
}

void AutopilotDuties::clean_up() {
  HealthInput now;
  if (!leading_ || !input(now)) return;
  Cleanup cleanup = servers_to_remove(now);
  if (!cleanup.refusal.empty()) logger().debug("Failed to remove dead servers", {{"error", cleanup.refusal}});
  const Cluster& cluster = server_.options().cluster;
  for (const gossip::Member& member : cleanup.failed) {
    if (!cluster.remove_failed) break;
    logger().info("Attempting removal of failed server node", {{"name", member.name}});
    cluster.remove_failed(member);
  }
  for (const raft::Server& server : cleanup.stale) {
    if (server.id == server_.options().node_id) continue;
    logger().info("Attempting removal of stale server", {{"server", shown(server)}});
    server_.raft().change_configuration(
        raft::ConfigurationChange::kRemoveServer, server, 0, [](const Result<uint64_t>& done) {
          if (!done) logger().error("Error removing stale server", {{"error", done.error()}});
        });
  }
}

}  // namespace praetor::server
