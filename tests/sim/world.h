// The simulated world: virtual time, its events, the one source of chance, the trace, and the verdict.
// One thread. Equal seeds make equal runs, to the byte of the trace.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"

namespace praetor::sim {

class World {
 public:
  using Action = std::move_only_function<void()>;

  // Also seeds thread_random(), which the code under test draws from: one world a thread at a time.
  World(uint64_t seed, bool tracing);

  uint64_t seed() const { return seed_; }
  Instant now() const { return now_; }
  Random& random() { return random_; }
  bool chance(double probability) { return random_.real() < probability; }
  // Uniform in [least, most].
  Duration between(Duration least, Duration most);
  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[random_.below(from.size())];
  }

  void at(Instant when, Action action);
  void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }
  // Runs what is due until then, or until something is wrong. Returns whether all is well.
  bool run_until(Instant limit);
  bool run_for(Duration duration) { return run_until(now_ + duration); }

  // Formats only when somebody reads it: `if (world.tracing()) world.trace("…", …)`.
  bool tracing() const { return tracing_; }
  template <typename... Args>
  void trace(fmt::format_string<Args...> format, Args&&... args) {
    add_to_trace(fmt::format(format, std::forward<Args>(args)...));
  }
  const std::string& trace_text() const { return trace_; }

  // The first thing that must not be; the run ends there.
  void violate(const std::string& what);
  const std::string& violation() const { return violation_; }
  bool well() const { return violation_.empty(); }

  struct Counters {
    uint64_t events = 0, messages = 0, operations = 0, acknowledged = 0, reads = 0, elections = 0,
             crashes = 0, power_cuts = 0, disk_faults = 0, partitions = 0, pauses = 0, installs = 0,
             resumes = 0, snapshots = 0, changes = 0, wakeups = 0, transfers = 0;
    void add(const Counters& other);
    std::string text() const;
  };
  Counters counters;

 private:
  struct Event {
    Instant when;
    uint64_t order;
    Action action;
  };
  static bool later(const Event& a, const Event& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }
  void add_to_trace(const std::string& line);

  const uint64_t seed_;
  const bool tracing_;
  Random random_;
  Instant now_{std::chrono::hours(1)};
  uint64_t order_ = 0;
  std::vector<Event> events_;  // a heap: the next one first
  std::string trace_;
  std::string violation_;
};

}  // namespace praetor::sim
