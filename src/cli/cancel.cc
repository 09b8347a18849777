#include "cli/cancel.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "base/clock.h"

namespace praetor::cli {
namespace {

std::atomic<Cancel*> interrupted = nullptr;

void on_signal(int) {
  int saved = errno;
  if (Cancel* cancel = interrupted.load()) cancel->trigger();
  errno = saved;
}

}  // namespace

Cancel::Cancel() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { CHECK(fd_ >= 0); }
Cancel::~Cancel() { ::close(fd_); }

void Cancel::trigger() {
  triggered_ = true;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t ignored = ::write(fd_, &one, sizeof one);  // full means triggered already
}

bool Cancel::wait(Duration duration) const {
  Instant end = system_clock().now() + duration;
  while (!triggered()) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(end - system_clock().now()).count();
    if (left <= 0) return false;
    pollfd entry{fd_, POLLIN, 0};
    ::poll(&entry, 1, static_cast<int>(std::min<int64_t>(left, 1'000'000)));
  }
  return true;
}

InterruptScope::InterruptScope(Cancel& cancel) {
  interrupted = &cancel;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &old_interrupt_);
  ::sigaction(SIGTERM, &action, &old_terminate_);
}

InterruptScope::~InterruptScope() {
  ::sigaction(SIGINT, &old_interrupt_, nullptr);
  ::sigaction(SIGTERM, &old_terminate_, nullptr);
  interrupted = nullptr;
}

}  // namespace praetor::cli
