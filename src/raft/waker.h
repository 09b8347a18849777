// Wakes one sleeping thread: many notify, one waits. A notification while the thread is awake costs one
// atomic exchange and no system call, and is never lost.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace praetor::raft {

class Waker {
 public:
  void notify();
  // Returns after a notify() since the last return, at once if there was one, or after `timeout`
  // (Duration::max(): never). May return early.
  void wait(Duration timeout);

 private:
  enum State : uint32_t { kIdle, kNotified, kSleeping };
  std::atomic<uint32_t> state_{kIdle};
};

}  // namespace praetor::raft
