// The strands of one simulated process, on virtual time: its clock, which drifts, and its loops, whose turns
// the world takes.
#pragma once

#include <vector>

#include "raft/loop.h"
#include "sim/world.h"

namespace praetor::sim {

// Runs fast or slow by `drift` (0.001: a millisecond a second), from an arbitrary start.
class DriftingClock final : public Clock {
 public:
  DriftingClock(World& world, double drift, Duration offset);
  Instant now() const override;
  Time wall() const override;
  // When in the world's time this clock will have reached `local`.
  Instant when(Instant local) const;

 private:
  World& world_;
  const Instant started_;
  const double rate_;
  const Duration offset_;
};

// How long a loop takes to wake up.
struct Latency {
  Duration least{}, most{};
  double stall_chance = 0;  // the scheduler, the disk or the hypervisor has other things to do
  Duration stall_most{};
};

// The loops of one process. It is paused, resumed and killed as a whole.
class Loops final : public raft::Scheduler {
 public:
  struct Latencies {
    Latency consensus, log, snapshot;
  };
  Loops(World& world, DriftingClock& clock, Latencies latencies);
  ~Loops() override;

  std::unique_ptr<raft::Loop> make_loop(std::string name, Clock& clock) override;
  void pause() { paused_ = true; }
  void resume();
  bool paused() const { return paused_; }
  // No turn is taken any more, not even a last one.
  void kill() { killed_ = true; }
  // After each turn of any of them; must not end the process.
  void set_after_turn(std::function<void()> told) { after_turn_ = std::move(told); }

 private:
  class SimLoop;
  World& world_;
  DriftingClock& clock_;
  const Latencies latencies_;
  bool paused_ = false, killed_ = false;
  std::function<void()> after_turn_;
  std::vector<SimLoop*> loops_;
};

}  // namespace praetor::sim
