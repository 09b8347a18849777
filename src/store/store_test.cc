#include "store/store.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "base/random.h"

namespace praetor::store {
namespace {

void put(Store& store, std::string_view key, uint64_t value) {
  store.put(TableIndex::kActivity, make_value_leaf(key, value));
}
uint64_t value_of(const Tables& tables, std::string_view key) {
  const Leaf* leaf = tables.find(TableIndex::kActivity, key);
  return leaf == nullptr ? 0 : static_cast<const ValueLeaf*>(leaf)->value;
}

TEST(Store, ReadersSeeWhatWasPublishedWhenTheyPinned) {
  Store store;
  store.begin(1);
  put(store, "a", 1);
  store.commit();
  View before = store.view();
  EXPECT_EQ(value_of(before, "a"), 0u);
  store.publish();
  View first = store.view();
  store.begin(2);
  put(store, "a", 2);
  store.bump(Table::kNodes);
  store.commit();
  store.publish();
  EXPECT_EQ(value_of(before, "a"), 0u);
  EXPECT_EQ(value_of(first, "a"), 1u);
  EXPECT_EQ(first->table_index(Table::kNodes), 0u);
  View second = store.view();
  EXPECT_EQ(value_of(second, "a"), 2u);
  EXPECT_EQ(second.index(), 2u);
  EXPECT_EQ(second->table_index(Table::kNodes), 2u);
}

TEST(Store, RollbackRestoresEverything) {
  Random random(11);
  Store store;
  std::map<std::string, uint64_t> model;
  for (uint64_t index = 1; index < 3000; index++) {
    auto after = model;
    store.begin(index);
    for (int change = 0; change < 5; change++) {
      std::string key = std::to_string(random.below(40));
      if (random.below(3) == 0) {
        EXPECT_EQ(store.erase(TableIndex::kActivity, key), after.erase(key) > 0);
      } else {
        put(store, key, index);
        after[key] = index;
      }
    }
    store.bump(Table::kChecks);
    uint64_t checks = store.view()->table_index(Table::kChecks);
    if (random.below(2) == 0) {
      store.commit();
      model = after;
    } else {
      store.rollback();
      if (random.below(4) == 0) store.publish();
      EXPECT_LE(checks, index);
    }
    if (random.below(8) == 0) store.publish();
    ASSERT_EQ(store.tables().tree(TableIndex::kActivity).size(), model.size());
    for (const auto& [key, value] : model) ASSERT_EQ(value_of(store.tables(), key), value);
  }
}

TEST(Store, NoticesNameTheTouchedKeysOfCommittedTransactionsOnly) {
  Store store;
  std::vector<std::string> touched;
  store.set_notice_sink([&](std::shared_ptr<const CommitNotice> notice) {
    notice->for_each([&](TableIndex, std::string_view key, uint64_t index) {
      touched.push_back(std::string(key) + "@" + std::to_string(index));
    });
  });
  store.begin(1);
  put(store, "a", 1);
  store.commit();
  store.begin(2);
  put(store, "b", 1);
  store.rollback();
  store.begin(3);
  store.erase(TableIndex::kActivity, "a");
  store.erase(TableIndex::kActivity, "absent");
  store.commit();
  EXPECT_TRUE(touched.empty());
  store.publish();
  EXPECT_EQ(touched, (std::vector<std::string>{"a@1", "a@3"}));
}

TEST(Store, AdoptReplacesEverythingAndTellsAll) {
  Store store, fresh;
  store.begin(5);
  put(store, "old", 1);
  store.commit();
  store.publish();
  fresh.begin(9);
  put(fresh, "new", 2);
  fresh.commit();
  fresh.publish();
  bool replaced = false;
  store.set_notice_sink([&](auto notice) { replaced = notice->replaced; });
  View old = store.view();
  store.adopt(fresh);
  EXPECT_TRUE(replaced);
  EXPECT_EQ(value_of(old, "old"), 1u);
  View view = store.view();
  EXPECT_EQ(value_of(view, "old"), 0u);
  EXPECT_EQ(value_of(view, "new"), 2u);
  EXPECT_EQ(view.index(), 9u);
}

TEST(Store, MemoryIsGivenBackWhenReadersLeave) {
  Store store;
  {
    View pinned = store.view();
    for (uint64_t i = 1; i <= 100; i++) {
      store.begin(i);
      put(store, "k", i);
      store.commit();
      store.publish();
    }
    EXPECT_EQ(store.retired(), 100u);
  }
  store.begin(101);
  put(store, "k", 101);
  store.commit();
  store.publish();
  EXPECT_EQ(store.retired(), 0u);
}

// Every transaction moves an amount between two keys: whoever reads a torn state sees a wrong sum.
TEST(Store, ConcurrentReadersSeeWholeTransactions) {
  constexpr uint64_t kKeys = 16;
  Store store;
  store.begin(1);
  for (uint64_t i = 0; i < kKeys; i++) put(store, "key" + std::to_string(i), 1000);
  store.commit();
  store.publish();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> reads{0};
  auto read = [&] {
    uint64_t last = 0;
    while (!stop.load()) {
      View view = store.view();
      uint64_t sum = 0;
      view->visit_prefix(TableIndex::kActivity, "key", [&](const Leaf* leaf) {
        sum += static_cast<const ValueLeaf*>(leaf)->value;
        return true;
      });
      ASSERT_EQ(sum, kKeys * 1000);
      ASSERT_GE(view.index(), last);
      last = view.index();
      reads++;
    }
  };
  std::thread first(read), second(read);
  Random random(5);
  for (uint64_t index = 2; index < 5000 || reads.load() < 1000; index++) {
    store.begin(index);
    std::string from = "key" + std::to_string(random.below(kKeys));
    std::string to = "key" + std::to_string(random.below(kKeys));
    uint64_t amount = random.below(10);
    if (from != to && value_of(store, from) >= amount) {
      put(store, from, value_of(store, from) - amount);
      put(store, to, value_of(store, to) + amount);
    }
    if (random.below(5) == 0)
      store.rollback();
    else
      store.commit();
    if (random.below(3) == 0) store.publish();
  }
  stop = true;
  first.join();
  second.join();
}

}  // namespace
}  // namespace praetor::store
