// What only the leader does, on one reactor: this node's own registration (reconcile), session expiry,
// lock-delays, tombstone collection (semantics.md 2, 3, 6). Lock-delays are the leader's memory: a new leader
// starts without them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/reactor.h"
#include "base/result.h"

namespace praetor::store {
struct Effects;
}

namespace praetor::server {

class Server;

inline constexpr Duration kReconcileInterval = std::chrono::seconds(60);

class LeaderDuties {
 public:
  LeaderDuties(Server& server, Reactor& reactor);
  ~LeaderDuties();

  // On the reactor.
  void on_leadership(bool leader);
  // On the consensus thread, as entries are applied.
  void on_effects(uint64_t index, store::Effects effects);
  // Any thread but the reactor's: nothing runs after it returns.
  void stop();

  // Sets the leader's gauges. On the reactor.
  void observe() const;

  // Any thread: until when an acquire of this key fails.
  bool lock_delayed(const std::string& key) const;
  // Any thread: since when this server has led; the zero time while it does not.
  Time leading_since() const;
  // Any thread: restarts a session's timer; false when this server does not keep it.
  void renew_session(const std::string& id, Duration ttl);

 private:
  void establish();
  void revoke();
  void reconcile();
  bool reconciled() const;
  void schedule_reconcile();
  void arm_session(const std::string& id, Duration ttl);
  void expire_session(const std::string& id, int attempt);
  void drop_session(const std::string& id);
  void collect_tombstones();

  Server& server_;
  Reactor& reactor_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // false once stopped; checked by late callbacks
  bool leading_ = false;
  std::atomic<int64_t> leading_since_{0};  // nanoseconds since 1970; 0: not leading
  Reactor::TimerId reconcile_timer_ = 0;
  Reactor::TimerId tombstone_timer_ = 0;
  std::unordered_map<std::string, Reactor::TimerId> session_timers_;
  std::multimap<Instant, uint64_t> tombstones_;  // expiry -> index to reap

  mutable std::mutex lock_delay_mutex_;
  mutable std::unordered_map<std::string, Instant> lock_delays_;  // guarded by lock_delay_mutex_
};

}  // namespace praetor::server
