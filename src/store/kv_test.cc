#include "store/kv.h"

#include <gtest/gtest.h>

#include "store/catalog.h"
#include "store/session.h"

namespace praetor::store {
namespace {

constexpr const char* kSession = "762d47ec-5f24-fa21-9bb2-348d63801122";
constexpr const char* kOther = "aaaad257-cd5d-e2ea-b773-061017dbdf41";

class KvTest : public ::testing::Test {
 protected:
  KvTest() {
    store_.set_effect_sink([this](uint64_t, Effects effects) { effects_ = std::move(effects); });
    store_.set_notice_sink([this](std::shared_ptr<const CommitNotice> notice) { waiters_.deliver(*notice); });
    at(1, [&] {
      model::RegisterRequest request;
      request.node = "n1";
      request.address = "10.0.0.1";
      EXPECT_TRUE(catalog_register(store_, request));
    });
  }

  template <typename Change>
  void at(uint64_t index, Change change) {
    store_.begin(index);
    change();
    store_.commit();
    store_.publish();
  }
  void set(uint64_t index, std::string_view key, std::string_view value) {
    at(index, [&] { kv_set(store_, {.key = key, .value = value}); });
  }
  void remove(uint64_t index, std::string_view key) {
    at(index, [&] { kv_delete(store_, key); });
  }
  ReadIndex read(std::string_view key) {
    ReadIndex index;
    kv_get(store_, key, nullptr, &index);
    return index;
  }
  ReadIndex list(std::string_view prefix) {
    return kv_list(store_, prefix, nullptr, [](const KvLeaf&) {});
  }
  void session(uint64_t index, const char* id, const char* behavior = "release") {
    at(index, [&] {
      model::Session session;
      session.id = id;
      session.node = "n1";
      session.behavior = behavior;
      session.lock_delay = std::chrono::seconds(90);
      ASSERT_TRUE(session_create(store_, session));
    });
  }
  const KvLeaf* lock(uint64_t index, std::string_view key, const char* session_id,
                     std::string_view value = "v") {
    const KvLeaf* leaf = nullptr;
    at(index, [&] { leaf = *kv_lock(store_, {.key = key, .value = value, .session = session_id}); });
    return leaf;
  }

  Effects effects_;
  WaiterRegistry waiters_;
  Store store_;
};

TEST_F(KvTest, SetKeepsCreateIndexAndIgnoresEqualData) {
  set(10, "a", "x");
  set(11, "a", "x");
  EXPECT_EQ(kv_get(store_, "a")->modify_index(), 10u);
  EXPECT_EQ(store_.tables().table_index(Table::kKvs), 10u);
  set(12, "a", "y");
  EXPECT_EQ(kv_get(store_, "a")->create_index(), 10u);
  EXPECT_EQ(kv_get(store_, "a")->modify_index(), 12u);
}

TEST_F(KvTest, CompareAndSet) {
  at(10, [&] {
    EXPECT_EQ(kv_cas(store_, {.key = "a", .value = "x"}, 5), nullptr);
    EXPECT_NE(kv_cas(store_, {.key = "a", .value = "x"}, 0), nullptr);
    EXPECT_EQ(kv_cas(store_, {.key = "a", .value = "y"}, 0), nullptr);
    EXPECT_NE(kv_cas(store_, {.key = "a", .value = "y"}, 10), nullptr);
    EXPECT_FALSE(kv_delete_cas(store_, "a", 9));
    EXPECT_TRUE(kv_delete_cas(store_, "a", 10));
    EXPECT_TRUE(kv_delete_cas(store_, "a", 77));
  });
}

TEST_F(KvTest, ReadIndexesOfSingleKeys) {
  set(10, "a", "x");
  set(20, "b", "x");
  EXPECT_EQ(read("a").reported, 10u);
  EXPECT_EQ(read("a").changed, 10u);
  EXPECT_EQ(read("none").reported, 20u);
  EXPECT_EQ(read("none").changed, 0u);
  remove(30, "a");
  set(40, "c", "x");
  EXPECT_EQ(read("a").reported, 40u);
  EXPECT_EQ(read("a").changed, 30u);
  EXPECT_EQ(read("ab").changed, 0u) << "a key's tombstone covers that key only";
  at(50, [&] { kv_delete_tree(store_, "b"); });
  EXPECT_EQ(read("bc").changed, 50u);
  at(60, [&] { kv_reap_tombstones(store_, 30); });
  EXPECT_EQ(read("a").changed, 30u);
  EXPECT_EQ(read("none").changed, 30u);
}

TEST_F(KvTest, ReadIndexesOfListings) {
  set(10, "a/1", "x");
  set(11, "a/2", "x");
  set(20, "b", "x");
  EXPECT_EQ(list("a/").reported, 11u);
  EXPECT_EQ(list("").reported, 20u);
  EXPECT_EQ(list("none").reported, 20u);
  remove(30, "a/1");
  EXPECT_EQ(list("a/").reported, 30u);
  EXPECT_EQ(list("a/").changed, 30u);
  at(40, [&] { kv_delete_tree(store_, "a/"); });
  EXPECT_EQ(list("a/").reported, 40u);
  EXPECT_EQ(list("a/2").reported, 40u);
  EXPECT_EQ(list("b").reported, 20u);
  set(50, "z", "");
  at(60, [&] { kv_delete_tree(store_, ""); });
  EXPECT_EQ(list("").reported, 60u);
  EXPECT_EQ(store_.tables().tree(TableIndex::kTombstones).size(), 2u);
}

TEST_F(KvTest, KeysAreCutAtTheSeparator) {
  for (const char* key : {"a", "a/", "a/b", "a/c/d", "ab/c"}) set(10, key, "x");
  std::vector<std::string> keys;
  kv_keys(store_, "", "/", nullptr, keys);
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "a/", "ab/"}));
  keys.clear();
  kv_keys(store_, "a/", "/", nullptr, keys);
  EXPECT_EQ(keys, (std::vector<std::string>{"a/", "a/b", "a/c/"}));
  keys.clear();
  kv_keys(store_, "a", "", nullptr, keys);
  EXPECT_EQ(keys.size(), 5u);
}

TEST_F(KvTest, UnrelatedWritesWakeNobody) {
  int woken = 0;
  auto wait = [&](std::string_view key) {
    View view = store_.view();
    WatchSet watch;
    kv_get(view, key, &watch);
    waiters_.add(watch, view.index(), [&] { woken++; });
  };
  wait("a/b");
  for (const char* key : {"a", "a/", "a/bb", "a/c", "b"}) set(10, key, "x");
  set(11, "a/c", "x");
  remove(12, "a");
  at(13, [&] { kv_delete_tree(store_, "a/c"); });
  EXPECT_EQ(woken, 0);
  set(14, "a/b", "x");
  EXPECT_EQ(woken, 1);
  wait("a/b");
  set(15, "a/b", "x");  // equal data
  EXPECT_EQ(woken, 1);
  at(16, [&] { kv_delete_tree(store_, "a"); });
  EXPECT_EQ(woken, 2);
}

// As observed on Consul 1.8.7.
TEST_F(KvTest, LocksCountAcquisitions) {
  session(5, kSession);
  session(6, kOther);
  EXPECT_EQ(lock(10, "l", kSession)->lock_index(), 1u);
  EXPECT_EQ(lock(11, "l", kOther), nullptr);
  EXPECT_EQ(lock(12, "l", kSession)->modify_index(), 10u);
  set(13, "l", "w");
  EXPECT_EQ(kv_get(store_, "l")->session(), kSession);
  EXPECT_EQ(kv_get(store_, "l")->lock_index(), 0u) << "a plain write takes the request's lock index";
  at(14, [&] {
    EXPECT_EQ(*kv_unlock(store_, {.key = "l", .session = kOther}), nullptr);
    EXPECT_NE(*kv_unlock(store_, {.key = "l", .value = "u", .session = kSession}), nullptr);
    EXPECT_EQ(*kv_unlock(store_, {.key = "l", .session = kSession}), nullptr);
    EXPECT_EQ(kv_lock(store_, {.key = "l", .session = ""}).error().message, "missing session");
    EXPECT_EQ(kv_lock(store_, {.key = "l", .session = "zz"}).error().message,
              "failed session lookup: index error: UUID must be 36 characters");
    EXPECT_EQ(
        kv_lock(store_, {.key = "l", .session = "11111111-1111-1111-1111-111111111111"}).error().message,
        "invalid session \"11111111-1111-1111-1111-111111111111\"");
  });
  EXPECT_EQ(kv_get(store_, "l")->session(), "");
  EXPECT_EQ(store_.tables().tree(TableIndex::kKvsBySession).size(), 0u);
}

TEST_F(KvTest, DestroyingASessionReleasesItsKeys) {
  session(5, kSession);
  lock(10, "l1", kSession);
  lock(11, "l2", kSession);
  set(12, "free", "x");
  at(20, [&] { EXPECT_TRUE(session_destroy(store_, kSession)); });
  EXPECT_EQ(kv_get(store_, "l1")->session(), "");
  EXPECT_EQ(kv_get(store_, "l1")->lock_index(), 1u);
  EXPECT_EQ(kv_get(store_, "l2")->modify_index(), 20u);
  EXPECT_EQ(kv_get(store_, "free")->modify_index(), 12u);
  ASSERT_EQ(effects_.lock_delays.size(), 2u);
  EXPECT_EQ(effects_.lock_delays[0].key, "l1");
  EXPECT_EQ(effects_.lock_delays[0].delay, std::chrono::seconds(60));
  EXPECT_EQ(effects_.sessions_destroyed, std::vector<std::string>{kSession});
  for (TableIndex table : {TableIndex::kKvsBySession, TableIndex::kSessions, TableIndex::kSessionsByNode,
                           TableIndex::kSessionChecks}) {
    EXPECT_EQ(store_.tables().tree(table).size(), 0u);
  }
}

TEST_F(KvTest, ADeletingSessionTakesItsKeysAlong) {
  session(5, kSession, "delete");
  lock(10, "l1", kSession);
  at(20, [&] { EXPECT_TRUE(session_destroy(store_, kSession)); });
  EXPECT_EQ(kv_get(store_, "l1"), nullptr);
  EXPECT_EQ(read("l1").changed, 20u);
}

TEST_F(KvTest, SessionsNeedTheirNodeAndChecks) {
  store_.begin(5);
  model::Session session;
  session.id = kSession;
  session.node = "other";
  EXPECT_EQ(session_create(store_, session).error().message, "Missing node registration");
  session.node = "N1";
  session.node_checks = {"serfHealth"};
  EXPECT_EQ(session_create(store_, session).error().message, "Missing check 'serfHealth' registration");
  store_.rollback();
  EXPECT_EQ(session_get(store_, "ABCDEF12-ABCD-ABCD-ABCD-ABCDEF12345g").error().message,
            "failed session lookup: index error: Invalid UUID: encoding/hex: invalid byte: U+0067 'g'");
  EXPECT_EQ(session_get(store_, "ABCDEF12AABCD-ABCD-ABCD-ABCDEF123451").error().message,
            "failed session lookup: index error: Input (without hyphens) must be even length");
}

}  // namespace
}  // namespace praetor::store
