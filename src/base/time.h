// Durations and instants as Go's time package prints and parses them (the texts reach users and tools).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace praetor {

using Duration = std::chrono::nanoseconds;

// "1h2m3.5s" -> Duration. Errors carry Go's text: `time: invalid duration "zz"`,
// `time: missing unit in duration "1"`, `time: unknown unit "x" in duration "1x"`.
Result<Duration> parse_duration(std::string_view text);
// 90s -> "1m30s", 1500us -> "1.5ms", 0 -> "0s".
std::string format_duration(Duration duration);

// An instant on the wall clock, UTC. A value-initialised one is Go's zero time (0001-01-01T00:00:00Z).
struct Time {
  int64_t seconds = kGoZeroSeconds;  // since 1970-01-01T00:00:00Z
  uint32_t nanoseconds = 0;          // 0 .. 999,999,999

  static constexpr int64_t kGoZeroSeconds = -62135596800;
  static Time from_unix_nanoseconds(int64_t ns);
  int64_t unix_nanoseconds() const { return seconds * 1'000'000'000 + nanoseconds; }
  bool is_zero() const { return seconds == kGoZeroSeconds && nanoseconds == 0; }
  auto operator<=>(const Time&) const = default;
};

// "2006-01-02T15:04:05.999999999Z": fractions without trailing zeros, as RFC3339Nano.
std::string format_rfc3339(Time time);
Result<Time> parse_rfc3339(std::string_view text);

}  // namespace praetor
