#include "base/reactor.h"

#include <gtest/gtest.h>

#include <future>

namespace praetor {
namespace {

// The first tasks run while start() may still be at work.
TEST(Reactor, TasksFromBeforeTheStartKnowWhereTheyRun) {
  for (int round = 0; round < 100; round++) {
    Reactor reactor("test");
    std::promise<bool> on_reactor;
    reactor.post([&] { on_reactor.set_value(reactor.on_reactor()); });
    EXPECT_FALSE(reactor.on_reactor());
    reactor.start();
    EXPECT_TRUE(on_reactor.get_future().get());
  }
}

TEST(Reactor, RunsOnItselfAtOnce) {
  Reactor reactor("test"), other("other");
  reactor.start();
  int order = 0;
  reactor.run([&] {
    reactor.run([&] { EXPECT_EQ(order++, 0); });
    EXPECT_EQ(order++, 1);
    EXPECT_FALSE(other.on_reactor());
  });
  EXPECT_EQ(order, 2);
}

}  // namespace
}  // namespace praetor
