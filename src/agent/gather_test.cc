#include "agent/gather.h"

#include <gtest/gtest.h>

namespace praetor::agent {
namespace {

using namespace std::chrono_literals;

class GatherTest : public testing::Test {
 protected:
  bool ready() const { return gather.due() <= now; }
  Gather gather;
  Instant now{1h};
};

TEST_F(GatherTest, NobodyWaitsAlone) {
  EXPECT_EQ(gather.due(), Instant::max());
  for (int i = 0; i < 3; ++i) {
    gather.arrived();
    ASSERT_TRUE(ready());
    gather.sent(now);
    now += 1ms;
    gather.answered(1, now);
    EXPECT_EQ(gather.due(), Instant::max());
    now += 10us;
  }
}

TEST_F(GatherTest, WaitsForTheGroupUnderWayButNotForEver) {
  gather.arrived();
  gather.sent(now);
  gather.arrived();
  EXPECT_FALSE(ready());
  now += Gather::kMaxHold;
  EXPECT_TRUE(ready());
}

TEST_F(GatherTest, ClientsThatComeBackGoTogether) {
  gather.arrived();
  gather.sent(now);
  for (int i = 0; i < 7; ++i) gather.arrived();  // while the first one is under way
  now += 500us;
  gather.answered(1, now);
  EXPECT_FALSE(ready());  // the first one's client is to be expected again
  gather.arrived();
  EXPECT_TRUE(ready());
  gather.sent(now);
  now += 500us;
  gather.answered(5, now);  // in two parts
  gather.answered(3, now);
  for (int i = 0; i < 7; ++i) {
    gather.arrived();
    EXPECT_FALSE(ready());
  }
  now += Gather::kExpect;  // one client has left
  EXPECT_TRUE(ready());
  gather.sent(now);
  gather.answered(7, now);
  for (int i = 0; i < 7; ++i) gather.arrived();
  EXPECT_TRUE(ready());
}

}  // namespace
}  // namespace praetor::agent
