// When the requests that change the agent are handed to the journal and the catalog. Those who ask again as
// soon as they are answered (many workers, one connection each) would otherwise fall into ever smaller
// groups, each with its own syncs and wake-ups of five threads. Pure; one thread.
//
// Rules: nobody waits when nobody else was around. What comes while a group is under way waits for its end,
// but not longer than kMaxHold. After a group was answered the next one waits for as many as are to be
// expected, but not longer than kExpect.
#pragma once

#include <cstddef>

#include "base/clock.h"

namespace praetor::agent {

class Gather {
 public:
  static constexpr Duration kMaxHold = std::chrono::milliseconds(2);
  static constexpr Duration kExpect = std::chrono::microseconds(200);

  void arrived() { ++gathered_; }
  // When what has gathered is to go, perhaps before `now`; Instant::max() when there is nothing.
  Instant due() const {
    if (gathered_ == 0) return Instant::max();
    if (under_way_ > 0) return began_ + kMaxHold;
    return gathered_ < expected_ ? expect_until_ : Instant::min();
  }
  // It went.
  void sent(Instant now) {
    if (gathered_ == 0) return;
    if (under_way_ == 0) answered_ = 0;
    under_way_ += gathered_;
    gathered_ = 0;
    began_ = now;
  }
  // `count` of those that went are over.
  void answered(size_t count, Instant now) {
    under_way_ -= count;
    answered_ += count;
    expected_ = answered_ + gathered_;
    expect_until_ = now + kExpect;
  }

 private:
  size_t gathered_ = 0;
  size_t under_way_ = 0;
  size_t answered_ = 0;  // of the group that is or was under way last
  size_t expected_ = 0;
  Instant began_{};
  Instant expect_until_{};
};

}  // namespace praetor::agent
