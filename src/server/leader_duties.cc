#include "server/leader_duties.h"

#include <algorithm>
#include <future>

#include "base/log.h"
#include "base/metrics.h"
#include "model/catalog.h"
#include "model/kv.h"
#include "server/autopilot.h"
#include "server/member_duties.h"
#include "server/server.h"
#include "store/session.h"
#include "store/store.h"

namespace praetor::server {
namespace {

const Logger& logger() {
  static const Logger log("agent.server");
  return log;
}

constexpr int kMaxExpireAttempts = 6;
constexpr size_t kLockDelaysWorthALook = 1024;
constexpr Duration kExpireRetryBase = std::chrono::seconds(10);

}  // namespace

LeaderDuties::LeaderDuties(Server& server, Reactor& reactor)
    : server_(server), reactor_(reactor), autopilot_(server, reactor) {}

LeaderDuties::~LeaderDuties() = default;

void LeaderDuties::stop() {
  std::promise<void> done;
  auto end = [&] {
    revoke();
    autopilot_.stop();
    server_.members().stop();
    *alive_ = false;
    done.set_value();
  };
  if (reactor_.on_reactor()) return end();
  reactor_.post(end);
  done.get_future().wait();
}

// What earlier leaders have committed must be applied here before anything is concluded from the state: the
// first confirmation of the new leadership comes after it.
void LeaderDuties::on_leadership(bool leader) {
  if (!*alive_) return;
  uint64_t election = ++elections_;
  if (!leader) {
    bool led = leading_;
    revoke();
    if (led && server_.options().on_leadership) server_.options().on_leadership(false);
    return;
  }
  server_.raft().verify_leader([this, alive = alive_, election](const Status& confirmed) {
    bool busy = !confirmed && confirmed.error().kind == ErrorKind::kRateLimited;
    if (!confirmed && !busy) return;  // the loss is told by itself
    reactor_.post([this, alive, election, busy] {
      if (!*alive || election != elections_) return;
      if (busy) return on_leadership(true);
      establish();
      if (server_.options().on_leadership) server_.options().on_leadership(true);
    });
  });
}

void LeaderDuties::establish() {
  leading_ = true;
  // Every session gets its full time again: nobody knows when it was renewed last.
  {
    store::View view = server_.store().view();
    std::vector<const model::Session*> sessions;
    store::session_list(*view, nullptr, sessions);
    for (const model::Session* session : sessions) {
      auto ttl = parse_duration(session->ttl);
      if (ttl && ttl->count() > 0) arm_session(session->id, *ttl);
    }
    // When they were made, only the leader before knew.
    if (!view->tree(store::TableIndex::kTombstones).empty())
      tombstones_.emplace(system_clock().now() + server_.options().tombstone_ttl,
                          server_.raft().applied_index());
  }
  autopilot_initialize(server_, reactor_, server_.options().autopilot);
  server_.members().lead();
  autopilot_.lead();
  collect_tombstones();
}

void LeaderDuties::revoke() {
  leading_ = false;
  autopilot_.stop_leading();
  server_.members().stop_leading();
  for (auto& [id, timer] : session_timers_) reactor_.cancel(timer);
  session_timers_.clear();
  reactor_.cancel(tombstone_timer_);
  tombstones_.clear();
}

void LeaderDuties::observe() const {
  static const Gauge sessions("session_ttl.active");
  sessions.set(static_cast<float>(session_timers_.size()));
  autopilot_.observe();
}

void LeaderDuties::on_effects(uint64_t, store::Effects effects) {
  if (!effects.lock_delays.empty()) {
    // Before the commit is acknowledged: the next acquire must see it.
    std::lock_guard lock(lock_delay_mutex_);
    forget_old_lock_delays();
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
      if (!tombstones_.empty() &&
          expiry - tombstones_.rbegin()->first < server_.options().tombstone_granularity)
        tombstones_.rbegin()->second = std::max(tombstones_.rbegin()->second, index);
      else
        tombstones_.emplace(expiry, index);
    }
    collect_tombstones();
  });
}

// A server that does not lead is never asked for them.
void LeaderDuties::forget_old_lock_delays() {
  if (lock_delays_.size() < lock_delays_worth_a_look_) return;
  Instant now = system_clock().now();
  std::erase_if(lock_delays_, [&](const auto& entry) { return entry.second <= now; });
  lock_delays_worth_a_look_ = std::max<size_t>(2 * lock_delays_.size(), kLockDelaysWorthALook);
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
    server_.apply(reactor_, model::MessageType::kTombstone, request,
                  [alive = alive_, start](Result<ApplyResult> applied) {
                    static const Sample time("leader.reapTombstones");
                    time.since(start);
                    if (*alive && !applied)
                      logger().error("failed to reap tombstones", {{"error", applied.error()}});
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
                  session_timers_[id] =
                      reactor_.after(kExpireRetryBase * (1 << attempt),
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
