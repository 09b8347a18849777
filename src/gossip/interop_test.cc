// Beside the real ones: CONSUL_BIN names a Consul 1.8.7, SERF_BIN a Serf 0.9.4 (Debian packages both);
// without them these tests are skipped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>

#include "base/text.h"
#include "gossip/pool_test_support.h"

namespace praetor::gossip {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

// A Consul server on an address of its own, default ports but for those given.
class ConsulAgent {
 public:
  ConsulAgent(const std::string& ip, const std::vector<std::string>& more = {})
      : binary_(getenv("CONSUL_BIN") != nullptr ? getenv("CONSUL_BIN") : ""), http_(ip + ":8500") {
    if (binary_.empty()) return;
    std::vector<std::string> command = {binary_,     "agent",
                                        "-server",   "-bootstrap-expect=1",
                                        "-bind",     ip,
                                        "-client",   ip,
                                        "-node",     "real",
                                        "-data-dir", folder_.file("data"),
                                        "-hcl",      "ports { grpc = -1 }"};
    command.insert(command.end(), more.begin(), more.end());
    child_.emplace(command, folder_.file("log"));
    EXPECT_TRUE(eventually([&] { return run("members").find("real") != std::string::npos; })) << log();
  }
  bool present() const { return !binary_.empty(); }
  std::string run(const std::string& command) {
    return output_of("CONSUL_HTTP_ADDR=" + http_ + " timeout 20 " + binary_ + " " + command);
  }
  std::string log() const {
    std::ifstream file(folder_.file("log"));
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string binary_, http_;
  ScratchFolder folder_;
  std::optional<Child> child_;
};

// What a Consul 1.8.7 client agent tells of itself (wire.md 4.2).
PoolOptions client(const std::string& ip) {
  PoolOptions options = Host::options("praetor", ip + ":8301");
  options.serf.tags = {
      {"role", "node"}, {"dc", "dc1"},    {"segment", ""},  {"id", "6dc4ffb5-8b1f-4b9c-8f0f-c9f1d24b5a11"},
      {"vsn", "2"},     {"vsn_min", "2"}, {"vsn_max", "3"}, {"build", "1.8.7:"},
      {"acls", "0"}};
  return options;
}

TEST(ConsulInterop, IsAMemberOfARealPool) {
  ConsulAgent consul("127.0.40.1");
  if (!consul.present()) GTEST_SKIP() << "CONSUL_BIN is not set";
  Host host;
  auto opened = host.open(client("127.0.40.2"));
  ASSERT_TRUE(opened) << opened.error().message;
  Pool* pool = *opened;
  auto joined = host.join(pool, {*Address::parse("127.0.40.1:8301")});
  ASSERT_TRUE(joined) << joined.error().message;
  ASSERT_TRUE(eventually([&] {
    return std::regex_search(consul.run("members"),
                             std::regex("praetor +127.0.40.2:8301 +alive +client +1.8.7 +2"));
  })) << consul.run("members")
      << consul.log();
  auto real = host.member(pool, "real");
  ASSERT_TRUE(real);
  EXPECT_EQ(*real->tags.get("role"), "consul");
  EXPECT_EQ(real->versions, Versions{});
  // The catalog's leader has seen it, too.
  EXPECT_TRUE(
      eventually([&] { return consul.run("catalog nodes").find("127.0.40.2") != std::string::npos; }));

  // Both ways: events, and coordinates from pings.
  EXPECT_TRUE(eventually(
      [&] { return host.run([&] { return pool->serf().cached_coordinate("real") != nullptr; }); }));
  consul.run("event -name=deploy payload");
  EXPECT_TRUE(eventually([&] {
    return std::ranges::any_of(host.user_events(pool),
                               [](const UserEvent& e) { return e.name == "consul:event:deploy"; });
  }));
  // Ten seconds of probes both ways without a doubt.
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(6);
  EXPECT_TRUE(eventually([&] { return std::chrono::steady_clock::now() > end; }));
  EXPECT_THAT(consul.log(), testing::Not(HasSubstr("Suspect praetor")));
  EXPECT_EQ(host.run([&] { return pool->serf().swim().health_score(); }), 0u);

  EXPECT_TRUE(host.leave(pool));
  EXPECT_THAT(consul.run("members"), ContainsRegex("praetor .*left"));
  EXPECT_THAT(consul.log(), HasSubstr("serf: EventMemberLeave: praetor"));
}

TEST(ConsulInterop, EncryptedAndRotated) {
  std::string key = base64_encode(std::string(32, 'a')), fresh = base64_encode(std::string(32, 'b'));
  ConsulAgent consul("127.0.41.1", {"-encrypt", key});
  if (!consul.present()) GTEST_SKIP() << "CONSUL_BIN is not set";
  Host host;
  PoolOptions options = client("127.0.41.2");
  options.keyring = *Keyring::make({}, std::string(32, 'a'));
  Pool* pool = *host.open(std::move(options));
  ASSERT_TRUE(host.join(pool, {*Address::parse("127.0.41.1:8301")}));
  auto change = [&](KeyOperation operation, const std::string& with) {
    auto changed =
        host.ask<Result<KeysDone>>([&](auto done) { pool->change_keys(operation, with, 0, done); });
    EXPECT_TRUE(changed && changed->status)
        << (changed ? changed->status.error().message : changed.error().message);
    return changed->report;
  };
  EXPECT_EQ(change(KeyOperation::kInstall, fresh).answers, 2);
  // The rest is Consul's doing.
  EXPECT_THAT(consul.run("keyring -use=" + fresh), HasSubstr("Changing primary"));
  EXPECT_THAT(consul.run("keyring -remove=" + key), HasSubstr("Removing"));
  KeyReport report = change(KeyOperation::kList, "");
  EXPECT_EQ(report.primary_keys.at(fresh), 2);
  EXPECT_EQ(report.keys.size(), 1u);
  EXPECT_THAT(consul.run("keyring -list"), HasSubstr(fresh + " [2/2]"));
  EXPECT_EQ(host.status(pool, "real"), MemberStatus::kAlive);
}

TEST(ConsulInterop, ADeathIsSeenBothWays) {
  std::optional<ConsulAgent> consul(std::in_place, "127.0.42.1");
  if (!consul->present()) GTEST_SKIP() << "CONSUL_BIN is not set";
  Host host;
  Pool* pool = *host.open(client("127.0.42.2"));
  ASSERT_TRUE(host.join(pool, {*Address::parse("127.0.42.1:8301")}));
  ASSERT_TRUE(eventually([&] { return consul->run("members").find("praetor") != std::string::npos; }));
  host.close(pool);
  EXPECT_TRUE(
      eventually([&] { return std::regex_search(consul->run("members"), std::regex("praetor .*failed")); }));
  consul->run("force-leave praetor");
  EXPECT_TRUE(
      eventually([&] { return std::regex_search(consul->run("members"), std::regex("praetor .*left")); }));
  pool = *host.open(client("127.0.42.2"));
  ASSERT_TRUE(host.join(pool, {*Address::parse("127.0.42.1:8301")}));
  EXPECT_TRUE(
      eventually([&] { return std::regex_search(consul->run("members"), std::regex("praetor .*alive")); }));
  consul.reset();
  EXPECT_TRUE(eventually([&] { return host.status(pool, "real") == MemberStatus::kFailed; }));
}

TEST(SerfInterop, AnswersQueriesAndLeaves) {
  const char* binary = getenv("SERF_BIN");
  if (binary == nullptr) GTEST_SKIP() << "SERF_BIN is not set";
  ScratchFolder folder;
  Child agent({binary, "agent", "-node=real", "-bind=127.0.43.1:7946", "-rpc-addr=127.0.43.1:7373", "-tag",
               "role=web", "-log-level=debug"},
              folder.file("log"));
  auto serf = [&](const std::string& command) {
    return output_of("timeout 20 " + std::string(binary) + " " + command + " 2>&1");
  };
  const std::string rpc = " -rpc-addr=127.0.43.1:7373 ";
  ASSERT_TRUE(eventually([&] { return serf("members" + rpc).find("real") != std::string::npos; }));
  Host host;
  Pool* pool = *host.open(Host::options("praetor", "127.0.43.2:7946"));
  auto joined = host.join(pool, {*Address::parse("127.0.43.1:7946")});
  ASSERT_TRUE(joined) << joined.error().message;
  ASSERT_TRUE(eventually([&] {
    return std::regex_search(serf("members" + rpc), std::regex("praetor +127.0.43.2:7946 +alive +role=node"));
  }));
  serf("event" + rpc + "deploy payload");
  EXPECT_TRUE(eventually([&] { return host.user_events(pool).size() == 1; }));
  std::string reached = serf("reachability" + rpc);
  EXPECT_THAT(reached, HasSubstr("Successfully contacted all live nodes"));
  EXPECT_TRUE(
      eventually([&] { return serf("rtt" + rpc + "praetor").find("Estimated") != std::string::npos; }));
  EXPECT_TRUE(host.leave(pool));
  EXPECT_THAT(serf("members" + rpc), ContainsRegex("praetor .*left"));
}

}  // namespace
}  // namespace praetor::gossip
