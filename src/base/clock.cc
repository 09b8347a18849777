#include "base/clock.h"

namespace praetor {
namespace {
class SystemClock final : public Clock {
 public:
  Instant now() const override {
    return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
  }
  Time wall() const override {
    auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return Time::from_unix_nanoseconds(std::chrono::duration_cast<Duration>(since_epoch).count());
  }
};
}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace praetor
