// Time comes from outside the pure cores, so that a simulation runs on virtual time.
#pragma once

#include <chrono>

#include "base/time.h"

namespace praetor {

using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;  // monotonic

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual Time wall() const = 0;
};

// The machine's clocks. Callable from every thread.
Clock& system_clock();

}  // namespace praetor
