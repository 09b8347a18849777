#include "raft/waker.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace praetor::raft {

void Waker::notify() {
  if (state_.exchange(kNotified, std::memory_order_acq_rel) == kSleeping)
    ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void Waker::wait(Duration timeout) {
  uint32_t expected = kIdle;
  if (state_.compare_exchange_strong(expected, kSleeping, std::memory_order_acq_rel)) {
    timespec relative{};
    bool bounded = timeout != Duration::max();
    if (bounded && timeout > Duration::zero()) {
      relative.tv_sec = timeout.count() / 1'000'000'000;
      relative.tv_nsec = timeout.count() % 1'000'000'000;
    }
    ::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, kSleeping, bounded ? &relative : nullptr, nullptr, 0);
  }
  // An exchange: a plain store could still wait in this processor's buffer while the caller looks for work,
  // and then erase a notification that came in between.
  state_.exchange(kIdle, std::memory_order_acq_rel);
}

}  // namespace praetor::raft
