// What only the leader does, on one reactor: session expiry, tombstone collection (semantics.md 2, 6), and
// through others the members' records (member_duties.h) and autopilot. Lock-delays are every server's own
// memory, as it applies the entries that cause them; only the leader's counts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/reactor.h"
#include "base/result.h"
#include "server/autopilot_duties.h"

namespace praetor::store {
struct Effects;
}

namespace praetor::server {

class Server;

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
  // Any thread, but for what it says itself.
  AutopilotDuties& autopilot() { return autopilot_; }
  // Any thread: restarts a session's timer; false when this server does not keep it.
  void renew_session(const std::string& id, Duration ttl);

 private:
  void establish();
  void revoke();
  void arm_session(const std::string& id, Duration ttl);
  void expire_session(const std::string& id, int attempt);
  void drop_session(const std::string& id);
  void collect_tombstones();
  void forget_old_lock_delays();

  Server& server_;
  Reactor& reactor_;
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);  // false once stopped; checked by late callbacks
  bool leading_ = false;
  uint64_t elections_ = 0;  // so that a confirmation of an earlier leadership counts for nothing
  AutopilotDuties autopilot_;
  Reactor::TimerId tombstone_timer_ = 0;
  std::unordered_map<std::string, Reactor::TimerId> session_timers_;
  std::multimap<Instant, uint64_t> tombstones_;  // expiry -> index to reap

  mutable std::mutex lock_delay_mutex_;
  mutable std::unordered_map<std::string, Instant> lock_delays_;  // guarded by lock_delay_mutex_
  size_t lock_delays_worth_a_look_ = 0;                           // guarded by lock_delay_mutex_
};

}  // namespace praetor::server
