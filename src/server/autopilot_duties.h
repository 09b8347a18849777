// The leader's autopilot: asks the servers how they are, promotes and cleans up, each in its interval
// (semantics.md 15).
#pragma once

#include <memory>
#include <mutex>

#include "base/reactor.h"
#include "model/operator.h"
#include "server/autopilot_health.h"

namespace praetor::server {

class Server;

class AutopilotDuties {
 public:
  AutopilotDuties(Server& server, Reactor& reactor);

  // On the reactor.
  void lead();
  void stop_leading();
  void stop();
  // After a server has come or was promoted: there may be one too many now.
  void clean_up_soon();
  void observe() const;

  // As last assessed. Any thread.
  model::OperatorHealth health() const;

 private:
  struct Round;
  void check_health();
  void assess(Round& round);
  void act();
  void clean_up();
  bool input(HealthInput& input) const;

  Server& server_;
  Reactor& reactor_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool leading_ = false;
  Reactor::TimerId health_timer_ = 0, act_timer_ = 0;
  std::shared_ptr<Round> round_;  // the questions under way
  StabilityMap stability_;
  mutable std::mutex mutex_;
  model::OperatorHealth health_;  // guarded by mutex_
};

}  // namespace praetor::server
