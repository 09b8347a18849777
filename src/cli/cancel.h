// A stop signal for blocking waits: triggered from another thread or from a signal handler.
#pragma once

#include <atomic>
#include <csignal>
#include <optional>

#include "base/time.h"

namespace praetor::cli {

// trigger() is safe in every thread and in signal handlers. fd() becomes readable, for good.
class Cancel {
 public:
  Cancel();
  ~Cancel();
  Cancel(const Cancel&) = delete;
  Cancel& operator=(const Cancel&) = delete;

  void trigger();
  bool triggered() const { return triggered_.load(); }
  int fd() const { return fd_; }
  // True when triggered within `duration`.
  bool wait(Duration duration) const;

 private:
  std::atomic<bool> triggered_ = false;
  int fd_;
};

// While it lives, SIGINT and SIGTERM trigger `cancel` instead of ending the process. One at a time.
class InterruptScope {
 public:
  explicit InterruptScope(Cancel& cancel);
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  struct sigaction old_interrupt_;
  struct sigaction old_terminate_;
};

}  // namespace praetor::cli
