// The signals of an agent's process, as events. Made in main before any thread starts, so that every thread
// inherits the blocked mask and the signals come here alone.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "base/time.h"

namespace praetor::daemon {

// kLeave: the API asks for a graceful end. kLeft: the pools know that this agent goes. kJoinFailed:
// -retry-join has given up.
enum class Event : uint8_t { kInterrupt, kTerminate, kReload, kLeave, kLeft, kJoinFailed, kDumpMetrics };

class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Blocks for the next event; nothing after `timeout`.
  std::optional<Event> wait(std::optional<Duration> timeout);
  // Any thread: as if it had come from outside. In order.
  void post(Event event);

 private:
  int signal_fd_;
  int wake_fd_;
  std::mutex mutex_;
  std::deque<Event> posted_;  // guarded by mutex_
};

}  // namespace praetor::daemon
