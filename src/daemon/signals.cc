#include "daemon/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "base/check.h"

namespace praetor::daemon {

Signals::Signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit of the files' size is an error of the write
  sigset_t mask;
  sigemptyset(&mask);
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&mask, number);
  CHECK(pthread_sigmask(SIG_BLOCK, &mask, nullptr) == 0);
  signal_fd_ = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(signal_fd_ >= 0 && wake_fd_ >= 0);
}

Signals::~Signals() {
  ::close(signal_fd_);
  ::close(wake_fd_);
}

void Signals::post(Event event) {
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(event);
  }
  uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof one);
}

std::optional<Event> Signals::wait(std::optional<Duration> timeout) {
  {
    std::lock_guard lock(mutex_);
    if (!posted_.empty()) timeout = Duration(0);  // several events may share one wake-up
  }
  int64_t milliseconds =
      timeout ? std::chrono::duration_cast<std::chrono::milliseconds>(*timeout).count() : -1;
  pollfd waiting[2] = {{signal_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
  (void)::poll(waiting, 2, static_cast<int>(milliseconds));
  uint64_t ignored;
  (void)!::read(wake_fd_, &ignored, sizeof ignored);
  {
    std::lock_guard lock(mutex_);
    if (!posted_.empty()) {
      Event event = posted_.front();
      posted_.pop_front();
      return event;
    }
  }
  signalfd_siginfo info{};
  if (::read(signal_fd_, &info, sizeof info) != sizeof info) return std::nullopt;
  switch (info.ssi_signo) {
    case SIGINT:
      return Event::kInterrupt;
    case SIGTERM:
      return Event::kTerminate;
    case SIGUSR1:
      return Event::kDumpMetrics;
    default:
      return Event::kReload;
  }
}

}  // namespace praetor::daemon
