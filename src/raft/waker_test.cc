#include "raft/waker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/test_patience.h"

namespace praetor::raft {
namespace {

TEST(Waker, ANotificationBeforeTheWaitEndsItAtOnce) {
  Waker waker;
  waker.notify();
  waker.notify();
  waker.wait(Duration::max());
}

// What was announced is seen, whatever the sleeper does at that moment: looks for work, goes to sleep, or has
// just slept its time out. A lost notification shows as a wait that took all its time.
TEST(Waker, LosesNoNotification) {
  constexpr int kRounds = 20'000;
  Waker waker;
  std::atomic<int> asked{0}, seen{0};
  std::atomic<bool> lost{false};
  std::thread sleeper([&] {
    for (int round = 1; round <= kRounds && !lost; round++) {
      while (asked.load(std::memory_order_relaxed) != round) {
        waker.wait(Duration::zero());  // times out at once, so that the end of a wait meets the notification
        if (asked.load(std::memory_order_relaxed) == round) break;
        auto began = std::chrono::steady_clock::now();
        waker.wait(kPatience);
        if (std::chrono::steady_clock::now() - began >= kPatience) lost = true;
        if (lost) break;
      }
      seen.store(round);
    }
  });
  for (int round = 1; round <= kRounds && !lost; round++) {
    asked.store(round, std::memory_order_relaxed);
    waker.notify();
    while (seen.load() < round && !lost) std::this_thread::yield();
  }
  sleeper.join();
  EXPECT_FALSE(lost);
}

}  // namespace
}  // namespace praetor::raft
