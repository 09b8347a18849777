#include "store/watch.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"

namespace praetor::store {
namespace {

constexpr TableIndex kTable = TableIndex::kKvs;

CommitNotice notice_of(uint64_t index, std::vector<std::string> keys, TableIndex table = kTable) {
  CommitNotice notice;
  notice.index = index;
  for (const std::string& key : keys) notice.touch(table, key, index);
  return notice;
}

TEST(Watch, ExactKeyWakesOnlyForItself) {
  WaiterRegistry registry;
  int woken = 0;
  WatchSet watch;
  watch.add_key(kTable, "a/b");
  registry.add(watch, 5, [&] { woken++; });
  EXPECT_EQ(registry.deliver(notice_of(6, {"a/", "a/bc", "a", "", "b"})), 0u);
  EXPECT_EQ(registry.deliver(notice_of(7, {"a/b"}, TableIndex::kTombstones)), 0u);
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(registry.deliver(notice_of(8, {"x", "a/b"})), 1u);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(registry.size(), 0u);
}

TEST(Watch, PrefixWakesForWhatItCovers) {
  WaiterRegistry registry;
  int woken = 0;
  WatchSet watch;
  watch.add_prefix(kTable, "a/");
  registry.add(watch, 0, [&] { woken++; });
  EXPECT_EQ(registry.deliver(notice_of(1, {"a", "b/"})), 0u);
  EXPECT_EQ(registry.deliver(notice_of(2, {"a/"})), 1u);
  WatchSet everything;
  everything.add_prefix(kTable, "");
  registry.add(everything, 2, [&] { woken++; });
  EXPECT_EQ(registry.deliver(notice_of(3, {"zzz", "y"})), 1u);
  EXPECT_EQ(woken, 2);
}

TEST(Watch, ChangesThatTheReadHasSeenDoNotWake) {
  WaiterRegistry registry;
  WatchSet watch;
  watch.add_key(kTable, "k");
  ASSERT_NE(registry.add(watch, 9, [] {}), 0u);
  EXPECT_EQ(registry.deliver(notice_of(9, {"k"})), 0u);
  EXPECT_EQ(registry.add(watch, 8, [] {}), 0u) << "a notice beyond 8 is already gone";
  EXPECT_EQ(registry.deliver(notice_of(10, {"k"})), 1u);
}

TEST(Watch, ARestoredStoreWakesAll) {
  WaiterRegistry registry;
  WatchSet watch;
  watch.add_key(kTable, "k");
  registry.add(watch, 9, [] {});
  CommitNotice notice;
  notice.replaced = true;
  notice.index = 3;
  EXPECT_EQ(registry.deliver(notice), 1u);
  EXPECT_NE(registry.add(watch, 3, [] {}), 0u);
}

TEST(Watch, CallbacksMayAddAndCancel) {
  WaiterRegistry registry;
  WatchSet watch;
  watch.add_key(kTable, "k");
  int woken = 0;
  WaiterRegistry::Id second = 0;
  registry.add(watch, 0, [&] {
    woken++;
    registry.cancel(second);  // already woken too: ignored
    registry.add(watch, 1, [&] { woken += 10; });
  });
  second = registry.add(watch, 0, [&] { woken++; });
  EXPECT_EQ(registry.deliver(notice_of(1, {"k", "k"})), 2u);
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(registry.deliver(notice_of(2, {"k"})), 1u);
  EXPECT_EQ(woken, 12);
}

// Against the definition: who waits for a touched key or a prefix of it is woken, and nobody else.
TEST(Watch, WakesExactlyTheRightOnes) {
  Random random(3);
  auto text = [&] {
    std::string key;
    for (size_t left = random.below(5); left > 0; left--) key.push_back("ab/"[random.below(3)]);
    return key;
  };
  WaiterRegistry registry;
  struct Waiting {
    WatchSet watch;
    WaiterRegistry::Id id;
  };
  std::map<int, Waiting> waiting;
  std::set<int> woken;
  int next = 0;
  for (uint64_t index = 1; index <= 3000; index++) {
    while (waiting.size() < 30) {
      int name = next++;
      Waiting& w = waiting[name];
      for (size_t items = 1 + random.below(3); items > 0; items--) {
        if (random.below(2) == 0)
          w.watch.add_key(kTable, text());
        else
          w.watch.add_prefix(kTable, text() + "b");
      }
      w.id = registry.add(w.watch, index - 1, [&woken, name] { woken.insert(name); });
    }
    if (random.below(3) == 0) {
      auto victim = waiting.begin();
      std::advance(victim, random.below(waiting.size()));
      registry.cancel(victim->second.id);
      waiting.erase(victim);
    }
    std::vector<std::string> keys = {text(), text()};
    std::set<int> expected;
    for (const auto& [name, w] : waiting) {
      for (const WatchSet::Item& item : w.watch.items()) {
        for (const std::string& key : keys) {
          if (item.prefix ? key.starts_with(item.key) : key == item.key) expected.insert(name);
        }
      }
    }
    woken.clear();
    registry.deliver(notice_of(index, keys));
    ASSERT_EQ(woken, expected);
    for (int name : woken) waiting.erase(name);
    ASSERT_EQ(registry.size(), waiting.size());
  }
}

}  // namespace
}  // namespace praetor::store
