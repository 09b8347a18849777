#include "daemon/current_watches.h"

#include <thread>
#include <utility>

namespace praetor::daemon {

Status CurrentWatches::begin(const Start& start) {
  std::lock_guard lock(mutex_);
  if (std::exchange(begun_, true) || over_) return {};
  TRY_ASSIGN(watches_, start());
  return {};
}

Status CurrentWatches::replace(const Start& start) {
  Watches old;
  {
    std::lock_guard lock(mutex_);
    if (over_) return {};
    TRY_ASSIGN(Watches fresh, start());
    begun_ = true;
    old = std::exchange(watches_, std::move(fresh));
  }
  if (old) std::thread([old = std::move(old)]() mutable { old.reset(); }).detach();
  return {};
}

void CurrentWatches::end() {
  Watches last;
  std::lock_guard lock(mutex_);
  over_ = true;
  last.swap(watches_);
}

}  // namespace praetor::daemon
