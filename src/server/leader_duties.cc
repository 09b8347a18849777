#include "server/leader_duties.h"

#include <algorithm>
#include <future>

#include "base/log.h"
#include "base/metrics.h"
#include "model/catalog.h"
#include "model/kv.h"
#include "server/autopilot.h"
#include "server/server.h"
#include "store/catalog.h"
#include "store/session.h"
#include "store/store.h"

namespace praetor::server {
namespace {

const Logger& logger() {
  static const Logger log("agent.server");
  return log;
}

constexpr int kMaxExpireAttempts = 6;
constexpr Duration kExpireRetryBase = std::chrono::seconds(10);

}  // namespace

LeaderDuties::LeaderDuties(Server& server, Reactor& reactor) : server_(server), reactor_(reactor) {}

LeaderDuties::~LeaderDuties() = default;

void LeaderDuties::stop() {
  std::promise<void> done;
  auto end = [&] {
    revoke();
    *alive_ = false;
    done.set_value();
  };
  if (reactor_.on_reactor()) return end();
  reactor_.post(end);
  done.get_future().wait();
}

void LeaderDuties::on_leadership(bool leader) {
  if (!*alive_) return;
  if (leader)
    establish();
  else
    revoke();
  if (server_.options().on_leadership) server_.options().on_leadership(leader);
}

void LeaderDuties::establish() {
  leading_ = true;
  // Every session gets its full time again: nobody knows when it was renewed last.
  store::View view = server_.store().view();
  std::vector<const model::Session*> sessions;
  store::session_list(*view, nullptr, sessions);
  for (const model::Session* session : sessions) {
    auto ttl = parse_duration(session->ttl);
    if (ttl && ttl->count() > 0) arm_session(session->id, *ttl);
  }
  leading_since_ = system_clock().wall().unix_nanoseconds();
  autopilot_initialize(server_, reactor_, server_.options().autopilot);
  reconcile();
  schedule_reconcile();
  collect_tombstones();
}

Time LeaderDuties::leading_since() const {
  int64_t since = leading_since_;
  return since == 0 ? Time{} : Time::from_unix_nanoseconds(since);
}

void LeaderDuties::revoke() {
  leading_ = false;
  leading_since_ = 0;
  for (auto& [id, timer] : session_timers_) reactor_.cancel(timer);
  session_timers_.clear();
  reactor_.cancel(reconcile_timer_);
  reactor_.cancel(tombstone_timer_);
  tombstones_.clear();
  std::lock_guard lock(lock_delay_mutex_);
  lock_delays_.clear();
}

void LeaderDuties::observe() const {
  static const Gauge sessions("session_ttl.active"), healthy("autopilot.healthy"),
      tolerance("autopilot.failure_tolerance");
  sessions.set(static_cast<float>(session_timers_.size()));
  // Alone, the leader is all there is.
  if (!leading_ || server_.raft().configuration().configuration.servers.size() != 1) return;
  healthy.set(1);
  tolerance.set(0);
}

void LeaderDuties::schedule_reconcile() {
  reactor_.cancel(reconcile_timer_);
  reconcile_timer_ = reactor_.after(kReconcileInterval, [this] {
    reconcile();
    schedule_reconcile();
  });
}

// Does the catalog show this node as it should?
bool LeaderDuties::reconciled() const {
  const ServerOptions& options = server_.options();
  store::View view = server_.store().view();
  const model::Node* node = store::node_find(*view, options.node_id, "");
  if (!node || node->node != options.node_name || node->address != options.advertise_address) return false;
  const store::ServiceRecord* service = store::service_find(*view, options.node_name, model::kConsulServiceID);
  if (!service || service->service.port != options.server_port) return false;
  const std::string* version = service->service.meta.get("version");
  if (!version || *version != options.build) return false;
  const model::HealthCheck* check = store::check_find(*view, options.node_name, model::kSerfHealthCheckID);
  return check && check->status == model::kHealthPassing;
}

// This node as the catalog must show it (semantics.md 3).
void LeaderDuties::reconcile() {
  static const Sample time("leader.reconcile"), member_time("leader.reconcileMember");
  ScopedTimer timer(time), member_timer(member_time);  // this server is the only member yet
  const ServerOptions& options = server_.options();
  if (reconciled()) return;
  model::RegisterRequest request;
  request.datacenter = options.datacenter;
  request.id = options.node_id;
  request.node = options.node_name;
  request.address = options.advertise_address;
  request.tagged_addresses = options.tagged_addresses;
  request.node_meta = options.node_meta;
  model::NodeService service;
  service.id = model::kConsulServiceID;
  service.service = model::kConsulServiceID;
  service.port = options.server_port;
  service.weights = model::Weights{1, 1};
  service.enable_tag_override = false;
  service.meta["non_voter"] = "false";
  service.meta["raft_version"] = std::to_string(options.raft_protocol);
  service.meta["serf_protocol_current"] = "2";
  service.meta["serf_protocol_min"] = "1";
  service.meta["serf_protocol_max"] = "5";
  service.meta["version"] = options.build;
  request.service = std::move(service);
  model::HealthCheck check;
  check.node = options.node_name;
  check.check_id = model::kSerfHealthCheckID;
  check.name = "Serf Health Status";
  check.status = model::kHealthPassing;
  check.output = "Agent alive and reachable";
  request.check = std::move(check);
  server_.apply(reactor_, model::MessageType::kRegister, request, [alive = alive_](Result<ApplyResult> applied) {
    if (*alive && !applied) logger().error("failed to reconcile member", {{"error", applied.error()}});
  });
}

void LeaderDuties::on_effects(uint64_t, store::Effects effects) {
  if (!effects.lock_delays.empty()) {
    // Before the commit is acknowledged: the next acquire must see it.
    std::lock_guard lock(lock_delay_mutex_);
    for (const auto& [key, delay] : effects.lock_delays)
      if (delay.count() > 0) lock_delays_[key] = system_clock().now() + std::min(delay, store::kMaxLockDelay);
    effects.lock_delays.clear();
  }
  if (effects.empty()) return;
  reactor_.post([this, alive = alive_, effects = std::move(effects)] {
    if (!*alive || !leading_) return;
    for (const auto& [id, text] : effects.sessions_created)
      if (auto ttl = parse_duration(text); ttl && ttl->count() > 0) arm_session(id, *ttl);
    for (const std::string& id : effects.sessions_destroyed) drop_session(id);
    Instant expiry = system_clock().now() + server_.options().tombstone_ttl;
    for (uint64_t index : effects.tombstones) {
      // One reap serves everything of its granule.
      if (!tombstones_.empty() && expiry - tombstones_.rbegin()->first < server_.options().tombstone_granularity)
        tombstones_.rbegin()->second = std::max(tombstones_.rbegin()->second, index);
      else
        tombstones_.emplace(expiry, index);
    }
    collect_tombstones();
  });
}

void LeaderDuties::collect_tombstones() {
  reactor_.cancel(tombstone_timer_);
  uint64_t reap = 0;
  Instant now = system_clock().now();
  while (!tombstones_.empty() && tombstones_.begin()->first <= now) {
    reap = std::max(reap, tombstones_.begin()->second);
    tombstones_.erase(tombstones_.begin());
  }
  if (reap > 0) {
    model::TombstoneRequest request;
    request.datacenter = server_.options().datacenter;
    request.op = "reap";
    request.reap_index = reap;
    Instant start = system_clock().now();
    server_.apply(reactor_, model::MessageType::kTombstone, request, [alive = alive_, start](Result<ApplyResult> applied) {
      static const Sample time("leader.reapTombstones");
      time.since(start);
      if (*alive && !applied) logger().error("failed to reap tombstones", {{"error", applied.error()}});
    });
  }
  if (!tombstones_.empty())
    tombstone_timer_ = reactor_.after(tombstones_.begin()->first - now, [this] { collect_tombstones(); });
}

// A session lives at least its TTL and at most twice that: clients and clocks may be slow.
void LeaderDuties::arm_session(const std::string& id, Duration ttl) {
  drop_session(id);
  session_timers_[id] = reactor_.after(2 * ttl, [this, id] { expire_session(id, 0); });
}

void LeaderDuties::drop_session(const std::string& id) {
  auto found = session_timers_.find(id);
  if (found == session_timers_.end()) return;
  reactor_.cancel(found->second);
  session_timers_.erase(found);
}

void LeaderDuties::expire_session(const std::string& id, int attempt) {
  session_timers_.erase(id);
  model::SessionRequest request;
  request.datacenter = server_.options().datacenter;
  request.op = "destroy";
  request.session.id = id;
  Instant start = system_clock().now();
  server_.apply(reactor_, model::MessageType::kSession, request,
                [this, alive = alive_, id, attempt, start](Result<ApplyResult> applied) {
                  static const Sample time("session_ttl.invalidate");
                  time.since(start);
                  if (!*alive || !leading_) return;
                  if (applied) return logger().debug("session TTL expired", {{"session", id}});
                  if (attempt + 1 >= kMaxExpireAttempts)
                    return logger().error("maximum destroy attempts reached for session", {{"session", id}});
                  session_timers_[id] = reactor_.after(kExpireRetryBase * (1 << attempt),
                                                       [this, id, attempt] { expire_session(id, attempt + 1); });
                });
}

void LeaderDuties::renew_session(const std::string& id, Duration ttl) {
  reactor_.post([this, alive = alive_, id, ttl] {
    if (*alive && leading_) arm_session(id, ttl);
  });
}

bool LeaderDuties::lock_delayed(const std::string& key) const {
  std::lock_guard lock(lock_delay_mutex_);
  auto found = lock_delays_.find(key);
  if (found == lock_delays_.end()) return false;
  if (system_clock().now() < found->second) return true;
  lock_delays_.erase(found);
  return false;
}

}  // namespace praetor::server
