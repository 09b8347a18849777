#include "sim/linearizability.h"

#include <gtest/gtest.h>

namespace praetor::sim {
namespace {

using Kind = KeyOperation::Kind;

KeyOperation write(int64_t from, int64_t to, uint64_t value) {
  return {.kind = Kind::kWrite, .invoked = from, .returned = to, .value = value};
}
KeyOperation read(int64_t from, int64_t to, uint64_t value, uint64_t holder = 0) {
  return {.kind = Kind::kRead, .invoked = from, .returned = to, .value = value, .session = holder};
}
KeyOperation lock(int64_t from, int64_t to, uint64_t value, uint64_t session, bool held) {
  return {.kind = Kind::kLock,
          .invoked = from,
          .returned = to,
          .answer = held,
          .value = value,
          .session = session};
}
constexpr int64_t kNever = INT64_MAX;

TEST(LinearizabilityTest, SequentialHistories) {
  EXPECT_TRUE(linearizable({}));
  EXPECT_TRUE(linearizable({write(1, 2, 7), read(3, 4, 7)}));
  EXPECT_FALSE(linearizable({write(1, 2, 7), read(3, 4, 0)}));
  EXPECT_FALSE(linearizable({write(1, 2, 7), write(3, 4, 8), read(5, 6, 7)}));
}

TEST(LinearizabilityTest, ConcurrentOnesMayComeInAnyOrder) {
  EXPECT_TRUE(linearizable({write(1, 10, 7), read(2, 3, 0), read(4, 5, 7)}));
  EXPECT_TRUE(linearizable({write(1, 10, 7), write(2, 9, 8), read(11, 12, 7)}));
  EXPECT_TRUE(linearizable({write(1, 10, 7), write(2, 9, 8), read(11, 12, 8)}));
  // Once the new value was seen, the old one is gone.
  EXPECT_FALSE(linearizable({write(1, 10, 7), read(2, 3, 7), read(4, 5, 0)}));
}

TEST(LinearizabilityTest, WhatNobodyHeardOfMayOrMayNotHaveHappened) {
  EXPECT_TRUE(linearizable({write(1, kNever, 7), read(2, 3, 0)}));
  EXPECT_TRUE(linearizable({write(1, kNever, 7), read(2, 3, 0), read(4, 5, 7)}));
  EXPECT_FALSE(linearizable({write(1, kNever, 7), read(2, 3, 7), read(4, 5, 0)}));
}

TEST(LinearizabilityTest, ConditionsHoldOrNot) {
  KeyOperation cas{
      .kind = Kind::kCas, .invoked = 3, .returned = 4, .answer = true, .value = 8, .expected = 7};
  EXPECT_TRUE(linearizable({write(1, 2, 7), cas, read(5, 6, 8)}));
  cas.expected = 6;
  EXPECT_FALSE(linearizable({write(1, 2, 7), cas}));
  cas.answer = false;
  EXPECT_TRUE(linearizable({write(1, 2, 7), cas, read(5, 6, 7)}));
  KeyOperation erase{.kind = Kind::kDeleteCas, .invoked = 3, .returned = 4, .answer = true, .expected = 7};
  EXPECT_TRUE(linearizable({write(1, 2, 7), erase, read(5, 6, 0)}));
}

TEST(LinearizabilityTest, ALockHasOneHolder) {
  EXPECT_TRUE(linearizable({lock(1, 2, 5, 100, true), lock(3, 4, 6, 200, false), read(5, 6, 5, 100)}));
  EXPECT_FALSE(linearizable({lock(1, 2, 5, 100, true), lock(3, 4, 6, 200, true)}));
  // The end of a session frees it, and leaves another version.
  KeyOperation release{.kind = Kind::kRelease, .invoked = 3, .returned = 4, .sessions = {100}};
  EXPECT_TRUE(linearizable({lock(1, 2, 5, 100, true), release, lock(5, 6, 6, 200, true)}));
  KeyOperation cas{
      .kind = Kind::kCas, .invoked = 5, .returned = 6, .answer = true, .value = 8, .expected = 5};
  EXPECT_FALSE(linearizable({lock(1, 2, 5, 100, true), release, cas}));
  cas.expected_released = true;
  EXPECT_TRUE(linearizable({lock(1, 2, 5, 100, true), release, cas}));
  release.kind = Kind::kReleaseAndDelete;
  EXPECT_TRUE(linearizable({lock(1, 2, 5, 100, true), release, read(7, 8, 0)}));
}

TEST(LinearizabilityTest, ManyConcurrentWritesAreSearchedOnce) {
  std::vector<KeyOperation> operations;
  for (uint64_t i = 1; i <= 14; ++i) operations.push_back(write(static_cast<int64_t>(i), 100, i));
  operations.push_back(read(101, 102, 3));
  bool exhausted = true;
  EXPECT_TRUE(linearizable(operations, 2'000'000, &exhausted));
  EXPECT_FALSE(exhausted);
  operations.back().value = 99;
  EXPECT_FALSE(linearizable(operations, 2'000'000, &exhausted));
  EXPECT_FALSE(exhausted);
}

}  // namespace
}  // namespace praetor::sim
