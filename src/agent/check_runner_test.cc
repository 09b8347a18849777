#include "agent/check_runner.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "agent/check_scheduler.h"
#include "agent/check_test_server.h"

namespace praetor::agent {
namespace {

TEST(CheckScheduler, FirstRunsAreSpread) {
  Random random(1);
  Duration interval = std::chrono::seconds(10);
  int early = 0;
  for (int i = 0; i < 1000; ++i) {
    Duration delay = first_run_delay(interval, random);
    ASSERT_GE(delay, Duration::zero());
    ASSERT_LT(delay, interval);
    early += delay < interval / 2 ? 1 : 0;
  }
  EXPECT_GT(early, 400);
  EXPECT_LT(early, 600);
  EXPECT_EQ(first_run_delay(Duration::zero(), random), Duration::zero());
}

struct RunnerFixture : testing::Test {
  RunnerFixture() : reactor("test") {
    reactor.start();
    CheckHooks hooks;
    hooks.on_result = [this](const std::string& id, CheckStatus status, const std::string& output) {
      std::lock_guard lock(mutex);
      results.emplace_back(id, CheckResult{status, output});
      changed.notify_all();
      if (stop_on_result) runner->stop(std::string(id));
    };
    hooks.local_checks = [this] { return local; };
    hooks.local_service_exists = [](const std::string& id) { return id == "web"; };
    hooks.query_remote = [this](const AliasQuery& query, std::function<void(Result<AliasReply>)> answer) {
      std::lock_guard lock(mutex);
      queries.push_back(query);
      pending = std::move(answer);
      changed.notify_all();
    };
    on_reactor([&] {
      runner = std::make_unique<CheckRunner>(reactor, std::move(hooks), CheckRunnerOptions{"n1", ""});
    });
  }
  ~RunnerFixture() override {
    on_reactor([&] { runner.reset(); });
    reactor.stop();
  }
  void on_reactor(std::function<void()> task) {
    std::promise<void> done;
    reactor.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }
  void start(const CheckSpec& spec) {
    on_reactor([&] { ASSERT_TRUE(runner->start(spec)); });
  }
  CheckResult wait_result(size_t index) {
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, kPatience, [&] { return results.size() > index; })) return {};
    return results[index].second;
  }
  AliasQuery wait_query(size_t index) {
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, kPatience, [&] { return queries.size() > index; })) return {};
    return queries[index];
  }
  void answer(Result<AliasReply> reply) {
    on_reactor([&] {
      std::function<void(Result<AliasReply>)> callback;
      {
        std::lock_guard lock(mutex);
        callback = std::move(pending);
      }
      callback(std::move(reply));
    });
  }

  Reactor reactor;
  std::unique_ptr<CheckRunner> runner;
  bool stop_on_result = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::pair<std::string, CheckResult>> results;
  std::vector<AliasedCheck> local;
  std::vector<AliasQuery> queries;
  std::function<void(Result<AliasReply>)> pending;
};

TEST_F(RunnerFixture, RefusesWhatHasNoType) {
  on_reactor([&] { EXPECT_FALSE(runner->start(CheckSpec{.id = "x"})); });
}

TEST_F(RunnerFixture, RunsRepeatedly) {
  start(CheckSpec{.id = "s", .args = {"echo", "hi"}, .interval = std::chrono::seconds(1)});
  EXPECT_EQ(wait_result(0), (CheckResult{CheckStatus::kPassing, "hi\n"}));
  EXPECT_EQ(wait_result(1), (CheckResult{CheckStatus::kPassing, "hi\n"}));
  on_reactor([&] {
    runner->stop("s");
    EXPECT_EQ(runner->size(), 0u);
  });
}

TEST_F(RunnerFixture, TtlExpiresAndRecovers) {
  start(CheckSpec{.id = "t", .ttl = std::chrono::milliseconds(50)});
  EXPECT_EQ(wait_result(0), (CheckResult{CheckStatus::kCritical, "TTL expired"}));
  on_reactor([&] { ASSERT_TRUE(runner->update_ttl("t", CheckStatus::kPassing, "fine")); });
  EXPECT_EQ(wait_result(1), (CheckResult{CheckStatus::kPassing, "fine"}));
  EXPECT_EQ(wait_result(2).output, "TTL expired (last output before timeout follows): fine");
  on_reactor([&] {
    auto missing = runner->update_ttl("zz", CheckStatus::kPassing, "");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message, "CheckID \"zz\" does not have associated TTL");
  });
}

TEST_F(RunnerFixture, LocalAliasFollows) {
  on_reactor([&] { local = {{"c1", "c1", "", "web", CheckStatus::kPassing, ""}}; });
  start(CheckSpec{.id = "a", .alias_service = "web"});
  EXPECT_EQ(wait_result(0), (CheckResult{CheckStatus::kPassing, "All checks passing."}));
  on_reactor([&] {
    local[0].status = CheckStatus::kCritical;
    local[0].output = "boo";
    runner->local_checks_changed();
    runner->local_checks_changed();
  });
  EXPECT_EQ(wait_result(1), (CheckResult{CheckStatus::kCritical, "Aliased check \"c1\" failing: boo"}));
}

TEST_F(RunnerFixture, RemoteAliasBlocksAndForgivesOneFailure) {
  start(CheckSpec{.id = "r", .alias_node = "n2", .alias_service = "db", .token = "tok"});
  AliasQuery query = wait_query(0);
  EXPECT_EQ(query.node, "n2");
  EXPECT_EQ(query.service_id, "db");
  EXPECT_EQ(query.token, "tok");
  EXPECT_EQ(query.min_index, 0u);
  answer(AliasReply{7, {{"c", "c", "n2", "db", CheckStatus::kWarning, "hm"}}, true});
  EXPECT_EQ(wait_result(0), (CheckResult{CheckStatus::kWarning, "Aliased check \"c\" failing: hm"}));
  EXPECT_EQ(wait_query(1).min_index, 7u);
  answer(fail("no leader"));
  EXPECT_EQ(wait_query(2).min_index, 0u);
  answer(fail("no leader"));
  EXPECT_EQ(wait_result(1).output, "Failure checking aliased node or service: no leader");
  EXPECT_EQ(wait_query(3).min_index, 0u);
  answer(AliasReply{8, {}, false});
  EXPECT_EQ(wait_result(2).output, "Service db could not be found on node n2");
}

TEST_F(RunnerFixture, StopFromWithinACallback) {
  stop_on_result = true;
  start(CheckSpec{.id = "s", .args = {"echo", "hi"}, .interval = std::chrono::seconds(1)});
  wait_result(0);
  start(CheckSpec{.id = "t", .ttl = std::chrono::milliseconds(1)});
  wait_result(1);
  start(CheckSpec{.id = "a", .alias_service = "web"});
  wait_result(2);
  on_reactor([&] { EXPECT_EQ(runner->size(), 0u); });
}

}  // namespace
}  // namespace praetor::agent
