#include "server/query_runner.h"

#include <gtest/gtest.h>

#include <future>

#include "store/kv.h"
#include "store/store.h"

namespace praetor::server {
namespace {

// One reactor, one store; the test's thread is the writer.
struct Fixture : testing::Test {
  Fixture() : reactor("test") {
    reactor.start();
    store.set_notice_sink(
        [this](const std::shared_ptr<const store::CommitNotice>& notice) { runner.deliver(notice); });
  }
  ~Fixture() override { reactor.stop(); }

  void on_reactor(const std::function<void()>& task) {
    std::promise<void> done;
    reactor.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  void set(const std::string& key, const std::string& value) {
    store.begin(++index);
    store::kv_set(store, {.key = key, .value = value});
    store.commit();
    store.publish(index);
  }

  QueryRunner::Produce get(const std::string& key) {
    return [this, key](ReadContext& context) -> Result<Rendering> {
      ++evaluations;
      store::ReadIndex read;
      const store::KvLeaf* leaf = store::kv_get(context.tables, key, context.watch, &read);
      Rendering out;
      out.index = read.reported;
      out.changed = read.changed;
      out.body = std::make_shared<const std::string>(leaf ? std::string(leaf->value()) : "absent");
      return out;
    };
  }

  // Starts a query; the future gets the body.
  std::future<std::string> ask(const std::string& key, uint64_t min_index,
                               Duration wait = std::chrono::hours(1)) {
    auto promise = std::make_shared<std::promise<std::string>>();
    on_reactor([&] {
      ticket = runner.run(key, {min_index, wait}, get(key), [promise](Result<RenderingPtr> result) {
        promise->set_value(result ? *(*result)->body : "error");
      });
    });
    return promise->get_future();
  }

  QueryRunner::Stats stats() {
    QueryRunner::Stats out;
    on_reactor([&] { out = runner.stats(); });
    return out;
  }

  store::Store store;
  ServerInfo info{"dc1", "n1", ""};
  Reactor reactor;
  QueryRunner runner{reactor, store, info};
  uint64_t index = 10;
  std::atomic<int> evaluations{0};
  QueryRunner::Ticket ticket = 0;
};

TEST_F(Fixture, AnswersAtOnceWithoutAnIndex) {
  set("a", "1");
  EXPECT_EQ(ask("a", 0).get(), "1");
  EXPECT_EQ(ask("b", 0).get(), "absent");
}

TEST_F(Fixture, BlocksUntilTheKeyChanges) {
  set("a", "1");
  auto answer = ask("a", index);
  set("other", "x");
  EXPECT_EQ(stats().waiting, 1u);
  EXPECT_EQ(stats().wakeups, 0u);
  set("a", "2");
  EXPECT_EQ(answer.get(), "2");
  EXPECT_EQ(stats().spurious_wakeups, 0u);
}

TEST_F(Fixture, AnAbsentKeyWakesOnlyWhenItAppears) {
  set("a", "1");
  auto answer = ask("missing", index);
  for (int i = 0; i < 100; ++i) set("k" + std::to_string(i), "x");
  EXPECT_EQ(stats().wakeups, 0u);
  set("missing", "here");
  EXPECT_EQ(answer.get(), "here");
}

TEST_F(Fixture, EvaluatesOnceForAllWhoAskTheSame) {
  set("a", "1");
  std::vector<std::future<std::string>> answers;
  for (int i = 0; i < 100; ++i) answers.push_back(ask("a", index));
  int before = evaluations;
  set("a", "2");
  for (auto& answer : answers) EXPECT_EQ(answer.get(), "2");
  EXPECT_EQ(evaluations, before + 1);
}

TEST_F(Fixture, SharedRenderingsAreNeverStale) {
  set("a", "0");
  for (int i = 1; i < 200; ++i) {
    set("a", std::to_string(i));
    EXPECT_EQ(ask("a", 0).get(), std::to_string(i));
    EXPECT_EQ(ask("a", 0).get(), std::to_string(i));
  }
  EXPECT_GT(stats().shared, 0u);
}

TEST_F(Fixture, AnswersWhenTheTimeIsUp) {
  set("a", "1");
  EXPECT_EQ(ask("a", index, std::chrono::milliseconds(1)).get(), "1");
}

TEST_F(Fixture, CancelledQueriesAreGone) {
  set("a", "1");
  auto answer = ask("a", index);
  on_reactor([&] { runner.cancel(ticket); });
  EXPECT_EQ(stats().waiting, 0u);
  set("a", "2");
  EXPECT_THROW(answer.get(), std::future_error);  // the callback was dropped unused
}

TEST_F(Fixture, ARestoredStateReleasesEverybody) {
  set("a", "1");
  auto answer = ask("a", index);
  store::Store fresh;
  fresh.begin(5);
  store::kv_set(fresh, {.key = "a", .value = "restored"});
  fresh.commit();
  fresh.publish(5);
  store.adopt(fresh);
  EXPECT_EQ(answer.get(), "restored");
}

}  // namespace
}  // namespace praetor::server
