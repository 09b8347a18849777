#include "gossip/timing.h"

#include <algorithm>
#include <cmath>

namespace praetor::gossip {

namespace {
constexpr double kPushPullThreshold = 32;  // nodes, from which on the interval grows
}

SwimTimings SwimTimings::wan() {
  SwimTimings timings;
  timings.tcp_timeout = std::chrono::seconds(30);
  timings.suspicion_mult = 6;
  timings.push_pull_interval = std::chrono::seconds(60);
  timings.probe_timeout = std::chrono::seconds(3);
  timings.probe_interval = std::chrono::seconds(5);
  timings.gossip_interval = std::chrono::milliseconds(500);
  timings.gossip_to_the_dead = std::chrono::seconds(60);
  return timings;
}

SwimTimings SwimTimings::dev(SwimTimings base) {
  base.suspicion_mult = 3;
  base.probe_timeout = base.probe_interval = base.gossip_interval = std::chrono::milliseconds(100);
  return base;
}

uint32_t retransmit_limit(uint32_t mult, size_t nodes) {
  return mult * static_cast<uint32_t>(std::ceil(std::log10(static_cast<double>(nodes + 1))));
}

Duration suspicion_timeout(uint32_t mult, size_t nodes, Duration probe_interval) {
  double scale = std::max(1.0, std::log10(std::max(1.0, static_cast<double>(nodes))));
  return probe_interval * mult * static_cast<int64_t>(scale * 1000) / 1000;
}

Duration suspicion_after(uint32_t confirmations, uint32_t wanted, Duration min, Duration max) {
  if (wanted == 0) return min;
  double fraction = std::log(confirmations + 1.0) / std::log(wanted + 1.0);
  auto seconds = [](Duration d) { return std::chrono::duration<double>(d).count(); };
  double raw = seconds(max) - fraction * (seconds(max) - seconds(min));
  Duration timeout = std::chrono::milliseconds(static_cast<int64_t>(std::floor(1000 * raw)));
  return std::max(timeout, min);
}

Duration push_pull_scale(Duration interval, size_t nodes) {
  auto n = static_cast<double>(nodes);
  if (n <= kPushPullThreshold) return interval;
  return interval * (static_cast<int64_t>(std::ceil(std::log2(n) - std::log2(kPushPullThreshold))) + 1);
}

}  // namespace praetor::gossip
