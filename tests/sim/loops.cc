#include "sim/loops.h"

#include <algorithm>
#include <cmath>

namespace praetor::sim {

DriftingClock::DriftingClock(World& world, double drift, Duration offset)
    : world_(world), started_(world.now()), rate_(1 + drift), offset_(offset) {}

Instant DriftingClock::now() const {
  auto passed = static_cast<double>((world_.now() - started_).count());
  return started_ + offset_ + Duration(static_cast<int64_t>(passed * rate_));
}

Time DriftingClock::wall() const {
  constexpr int64_t k2026 = 1'767'225'600'000'000'000;
  return Time::from_unix_nanoseconds(k2026 + now().time_since_epoch().count());
}

Instant DriftingClock::when(Instant local) const {
  auto passed = static_cast<double>((local - started_ - offset_).count());
  return started_ + Duration(static_cast<int64_t>(std::ceil(passed / rate_)) + 1);
}

class Loops::SimLoop final : public raft::Loop {
 public:
  SimLoop(Loops& owner, Latency latency) : owner_(owner), latency_(latency) { owner_.loops_.push_back(this); }
  ~SimLoop() override { std::erase(owner_.loops_, this); }

  void start(Turn turn) override {
    turn_ = std::move(turn);
    wake_at(owner_.world_.now());
  }
  void notify() override {
    if (notified_) return;
    notified_ = true;
    wake_soon();
  }
  void stop() override {
    if (stopped_) return;
    stopped_ = true;
    if (!owner_.killed_ && turn_) (void)turn_();
  }
  void resume() {
    if (turn_) wake_soon();
  }

 private:
  void wake_soon() {
    World& world = owner_.world_;
    Duration delay = world.between(latency_.least, latency_.most);
    if (latency_.stall_chance > 0 && world.chance(latency_.stall_chance))
      delay += world.between(Duration(0), latency_.stall_most);
    wake_at(world.now() + delay);
  }
  // Only the earliest wake-up counts.
  void wake_at(Instant when) {
    if (when >= due_) return;
    due_ = when;
    owner_.world_.at(when, [this, guard = std::weak_ptr<int>(alive_), order = ++order_] {
      if (!guard.expired() && order == order_) take_turn();
    });
  }
  void take_turn() {
    due_ = Instant::max();
    if (stopped_ || owner_.killed_ || owner_.paused_) return;
    notified_ = false;
    Instant deadline = turn_();
    if (owner_.after_turn_) owner_.after_turn_();
    if (deadline == Instant::max()) return;
    if (deadline == Instant::min()) return wake_soon();
    Instant when = owner_.clock_.when(deadline);
    wake_at(std::max(when, owner_.world_.now() + latency_.least));
  }

  Loops& owner_;
  const Latency latency_;
  Turn turn_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  Instant due_ = Instant::max();
  uint64_t order_ = 0;
  bool notified_ = false, stopped_ = false;
};

Loops::Loops(World& world, DriftingClock& clock, Latencies latencies)
    : world_(world), clock_(clock), latencies_(latencies) {}

Loops::~Loops() = default;

std::unique_ptr<raft::Loop> Loops::make_loop(std::string name, Clock&) {
  const Latency& latency = name == "raft-log"        ? latencies_.log
                           : name == "raft-snapshot" ? latencies_.snapshot
                                                     : latencies_.consensus;
  return std::make_unique<SimLoop>(*this, latency);
}

void Loops::resume() {
  paused_ = false;
  for (SimLoop* loop : loops_) loop->resume();
}

}  // namespace praetor::sim
