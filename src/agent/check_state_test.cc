#include "agent/check_state.h"

#include <gtest/gtest.h>

namespace praetor::agent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
constexpr Instant kStart{seconds(1000)};

TEST(CheckKind, FirstInputWins) {
  CheckSpec spec;
  EXPECT_EQ(kind_of(spec), CheckKind::kNone);
  spec.args = {"true"};
  EXPECT_EQ(kind_of(spec), CheckKind::kScript);
  spec.docker_container_id = "c";
  EXPECT_EQ(kind_of(spec), CheckKind::kDocker);
  spec.alias_service = "web";
  EXPECT_EQ(kind_of(spec), CheckKind::kAlias);
  spec.tcp = "a:1";
  EXPECT_EQ(kind_of(spec), CheckKind::kTcp);
  spec.ttl = seconds(1);
  EXPECT_EQ(kind_of(spec), CheckKind::kTtl);
  spec.http = "http://a";
  EXPECT_EQ(kind_of(spec), CheckKind::kHttp);
  spec.grpc = "a:1";
  EXPECT_EQ(kind_of(spec), CheckKind::kGrpc);
}

TEST(Thresholds, FirstResultAppliesAndThenCountsInARow) {
  Thresholds thresholds(2, 3);
  EXPECT_TRUE(thresholds.applies(CheckStatus::kCritical));
  EXPECT_FALSE(thresholds.applies(CheckStatus::kPassing));
  EXPECT_TRUE(thresholds.applies(CheckStatus::kWarning));  // a warning counts as a success
  EXPECT_FALSE(thresholds.applies(CheckStatus::kCritical));
  EXPECT_FALSE(thresholds.applies(CheckStatus::kCritical));
  EXPECT_FALSE(thresholds.applies(CheckStatus::kPassing));  // interrupts the row
  EXPECT_FALSE(thresholds.applies(CheckStatus::kCritical));
  EXPECT_FALSE(thresholds.applies(CheckStatus::kCritical));
  EXPECT_TRUE(thresholds.applies(CheckStatus::kCritical));
  EXPECT_TRUE(thresholds.applies(CheckStatus::kCritical));
}

TEST(Thresholds, ZeroAppliesEverything) {
  Thresholds thresholds(0, 0);
  for (CheckStatus status : {CheckStatus::kPassing, CheckStatus::kCritical, CheckStatus::kWarning})
    EXPECT_TRUE(thresholds.applies(status));
}

TEST(TailBuffer, KeepsTheEnd) {
  TailBuffer buffer(10);
  buffer.write("12345");
  EXPECT_EQ(buffer.described(), "12345");
  buffer.write("67890");
  EXPECT_EQ(buffer.described(), "1234567890");
  buffer.write("abc");
  EXPECT_EQ(buffer.tail(), "4567890abc");
  buffer.write("defghijk");
  EXPECT_EQ(buffer.tail(), "bcdefghijk");
  buffer.write("ABCDEFGHIJKLMNO");
  EXPECT_EQ(buffer.described(), "Captured 10 of 36 bytes\n...\nFGHIJKLMNO");
}

TEST(TailBuffer, TextAsConsulWritesIt) {
  TailBuffer buffer(10);
  buffer.write("123456789012345\n");
  EXPECT_EQ(buffer.described(), "Captured 10 of 16 bytes\n...\n789012345\n");
}

TEST(Ttl, ExpiresWithTheLastOutput) {
  TtlState ttl(seconds(2), 10, "", kStart);
  EXPECT_FALSE(ttl.expire(kStart + seconds(1)));
  EXPECT_EQ(*ttl.expire(kStart + seconds(2)), (CheckResult{CheckStatus::kCritical, "TTL expired"}));
  EXPECT_EQ(ttl.update(CheckStatus::kWarning, "hello-hello-hello", kStart + seconds(3)),
            (CheckResult{CheckStatus::kWarning, "hello-hell ... (captured 10 of 17 bytes)"}));
  EXPECT_EQ(ttl.deadline(), kStart + seconds(5));
  EXPECT_FALSE(ttl.expire(kStart + seconds(4)));
  ttl.update(CheckStatus::kPassing, "was-fine", kStart + seconds(4));
  EXPECT_EQ(ttl.expire(kStart + seconds(6))->output,
            "TTL expired (last output before timeout follows): was-fine");
}

TEST(Alias, WorstCheckOfServiceAndNode) {
  std::vector<AliasedCheck> checks = {
      {"c1", "c1 name", "", "web", CheckStatus::kPassing, "fine"},
      {"c2", "c2 name", "", "other", CheckStatus::kCritical, "not mine"},
  };
  EXPECT_EQ(aggregate_alias(checks, "a", "", "web", true),
            (CheckResult{CheckStatus::kPassing, "All checks passing."}));
  checks.push_back({"c3", "c3 name", "", "web", CheckStatus::kWarning, "hm"});
  EXPECT_EQ(aggregate_alias(checks, "a", "", "web", true),
            (CheckResult{CheckStatus::kWarning, "Aliased check \"c3 name\" failing: hm"}));
  checks.push_back({"mem", "memory", "", "", CheckStatus::kCritical, "full"});
  EXPECT_EQ(aggregate_alias(checks, "a", "", "web", true),
            (CheckResult{CheckStatus::kCritical, "Aliased check \"memory\" failing: full"}));
}

TEST(Alias, DoesNotCountItself) {
  std::vector<AliasedCheck> checks = {{"a", "a", "", "", CheckStatus::kCritical, ""}};
  EXPECT_EQ(aggregate_alias(checks, "a", "", "web", true).output, "No checks found.");
}

TEST(Alias, NothingFound) {
  EXPECT_EQ(aggregate_alias({}, "a", "", "web", true),
            (CheckResult{CheckStatus::kPassing, "No checks found."}));
  EXPECT_EQ(aggregate_alias({}, "a", "n1", "zz", false),
            (CheckResult{CheckStatus::kCritical, "Service zz could not be found on node n1"}));
  std::vector<AliasedCheck> node_only = {{"mem", "memory", "N1", "", CheckStatus::kCritical, "full"}};
  EXPECT_EQ(aggregate_alias(node_only, "a", "n1", "zz", false).output,
            "Service zz could not be found on node n1");
  EXPECT_EQ(aggregate_alias(node_only, "a", "n1", "", false).output,
            "Aliased check \"memory\" failing: full");
}

TEST(Alias, FailuresSlowDown) {
  AliasFailures failures;
  EXPECT_FALSE(failures.failed("no leader"));
  EXPECT_EQ(failures.failed("no leader")->output, "Failure checking aliased node or service: no leader");
  for (int i = 0; i < 20; ++i) failures.failed("x");
  EXPECT_EQ(failures.delay(), minutes(1));
  failures.succeeded();
  EXPECT_FALSE(failures.failed("x"));
}

TEST(CriticalServices, DueOnlyAfterStayingCritical) {
  CriticalServices services;
  services.watch("c1", "web", seconds(5));  // raised to a minute
  services.watch("c2", "web", minutes(2));
  services.watch("node", "", minutes(2));  // no service to remove
  services.on_status("c1", CheckStatus::kCritical, kStart);
  services.on_status("c2", CheckStatus::kCritical, kStart);
  EXPECT_TRUE(services.due(kStart + minutes(1)).empty());
  EXPECT_EQ(services.due(kStart + seconds(61)),
            (std::vector<CriticalServices::Due>{{"web", "c1", minutes(1)}}));
  services.on_status("c1", CheckStatus::kWarning, kStart + seconds(62));
  EXPECT_TRUE(services.due(kStart + seconds(90)).empty());
  services.on_status("c1", CheckStatus::kCritical, kStart + seconds(63));
  services.on_status("c1", CheckStatus::kCritical, kStart + seconds(100));  // the first one counts
  EXPECT_EQ(services.due(kStart + seconds(124)).size(), 1u);
  services.forget("c1");
  EXPECT_EQ(services.due(kStart + seconds(121)),
            (std::vector<CriticalServices::Due>{{"web", "c2", minutes(2)}}));
}

}  // namespace
}  // namespace praetor::agent
