#include "daemon/current_watches.h"

#include <gtest/gtest.h>

#include "base/test_patience.h"

namespace praetor::daemon {
namespace {

struct CurrentWatchesTest : ::testing::Test {
  CurrentWatches::Start starts(const char* name) {
    return [this, name]() -> Result<CurrentWatches::Watches> {
      auto made = std::make_shared<std::string>(name);
      last = made;
      return made;
    };
  }
  CurrentWatches watches;
  std::weak_ptr<std::string> last;
};

TEST_F(CurrentWatchesTest, AReloadDuringTheStartWins) {
  ASSERT_TRUE(watches.replace(starts("reload")));
  ASSERT_TRUE(watches.begin(starts("first")));
  ASSERT_TRUE(last.lock());
  EXPECT_EQ(*last.lock(), "reload");
}

TEST_F(CurrentWatchesTest, AReloadEndsTheOldOnesUnlessItFails) {
  ASSERT_TRUE(watches.begin(starts("first")));
  auto first = last;
  EXPECT_FALSE(watches.replace([]() -> Result<CurrentWatches::Watches> { return fail("no"); }));
  EXPECT_FALSE(first.expired());
  ASSERT_TRUE(watches.replace(starts("second")));
  EXPECT_TRUE(eventually([&] { return first.expired(); }));
  EXPECT_FALSE(last.expired());
}

TEST_F(CurrentWatchesTest, NoneAreStartedAfterTheEnd) {
  ASSERT_TRUE(watches.begin(starts("first")));
  watches.end();
  EXPECT_TRUE(last.expired());
  ASSERT_TRUE(watches.replace(starts("late")));
  EXPECT_TRUE(last.expired());
}

}  // namespace
}  // namespace praetor::daemon
