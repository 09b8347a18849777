#include "sim/world.h"

#include <algorithm>

namespace praetor::sim {

World::World(uint64_t seed, bool tracing) : seed_(seed), tracing_(tracing), random_(seed) {
  thread_random() = Random(seed ^ 0x5eed5eed);
}

Duration World::between(Duration least, Duration most) {
  return least + Duration(random_.below(static_cast<uint64_t>((most - least).count()) + 1));
}

void World::at(Instant when, Action action) {
  events_.push_back({std::max(when, now_), ++order_, std::move(action)});
  std::push_heap(events_.begin(), events_.end(), later);
}

bool World::run_until(Instant limit) {
  while (well() && !events_.empty() && events_.front().when <= limit) {
    std::pop_heap(events_.begin(), events_.end(), later);
    Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.when;
    ++counters.events;
    event.action();
  }
  if (well()) now_ = std::max(now_, limit);
  return well();
}

void World::add_to_trace(const std::string& line) {
  if (!tracing_) return;
  double seconds = std::chrono::duration<double>(now_.time_since_epoch() - std::chrono::hours(1)).count();
  fmt::format_to(std::back_inserter(trace_), "[{:10.6f}] {}\n", seconds, line);
}

void World::violate(const std::string& what) {
  if (!well()) return;
  violation_ = what;
  add_to_trace("VIOLATION: " + what);
}

void World::Counters::add(const Counters& other) {
  // All members are counts.
  auto* mine = reinterpret_cast<uint64_t*>(this);
  const auto* more = reinterpret_cast<const uint64_t*>(&other);
  for (size_t i = 0; i < sizeof(*this) / sizeof(uint64_t); ++i) mine[i] += more[i];
}

std::string World::Counters::text() const {
  return fmt::format(
      "events {} messages {} operations {} acknowledged {} reads {} elections {} crashes {} power-cuts {} "
      "disk-faults {} "
      "partitions {} pauses {} snapshots {} installs {} resumes {} membership-changes {} transfers {} "
      "wake-ups {}",
      events, messages, operations, acknowledged, reads, elections, crashes, power_cuts, disk_faults,
      partitions, pauses, snapshots, installs, resumes, changes, transfers, wakeups);
}

}  // namespace praetor::sim
