// For tests: how long they wait for what happens on other threads and in other processes. Nothing passes
// sooner or later for it: it only bounds what a test that fails takes.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace praetor {

// Sanitizers make everything several times slower. Less than what ctest gives a test, so that a test says
// itself what did not come.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr std::chrono::seconds kPatience{240};
inline constexpr int kSlowness = 5;
#else
inline constexpr std::chrono::seconds kPatience{90};
// For times that the tested code is told, such as those of elections, and for how many seeds are tried.
inline constexpr int kSlowness = 1;
#endif

// Asks again until it is true; false: it was not within that time.
inline bool eventually(const std::function<bool()>& condition) {
  auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace praetor
