// The acl, config and intention commands against scripted agents; tests/compat holds them to the real one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.h"
#include "cli/config_entry.h"
#include "cli/test_server.h"

namespace praetor::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct AclOutcome {
  int code;
  std::string out;
  std::string err;
};

AclOutcome run_acl(std::vector<std::string> args, const std::string& address,
                   std::map<std::string, std::string> environment = {}) {
  CaptureUi ui;
  ui.environment = std::move(environment);
  ui.environment["CONSUL_HTTP_ADDR"] = address;
  int code = run_program(args, ui);
  return {code, ui.out, ui.err};
}

constexpr const char* kTokens =
    R"([{"AccessorID":"aaaa1","Description":"one","Local":true,"CreateTime":"2026-01-02T03:04:05.5Z","Hash":"AQI=",)"
    R"("ServiceIdentities":[{"ServiceName":"web"}],"CreateIndex":3,"ModifyIndex":4},)"
    R"({"AccessorID":"aaaa2","Description":"","CreateTime":"2026-01-02T03:04:05Z","Legacy":true}])";

TEST(AclTest, ListsTokens) {
  TestServer server([](const std::string&, const std::string&) { return ok_answer(kTokens); });
  EXPECT_EQ(
      run_acl({"acl", "token", "list", "-meta"}, server.address()).out,
      "AccessorID:       aaaa1\nDescription:      one\nLocal:            true\n"
      "Create Time:      2026-01-02 03:04:05.5 +0000 UTC\nLegacy:           false\n"
      "Hash:             0102\nCreate Index:     3\nModify Index:     4\n"
      "Service Identities:\n   web (Datacenters: all)\nService Identities:\n   web (Datacenters: all)\n\n"
      "AccessorID:       aaaa2\nDescription:      \nLocal:            false\n"
      "Create Time:      2026-01-02 03:04:05 +0000 UTC\nLegacy:           true\n"
      "Hash:             \nCreate Index:     0\nModify Index:     0\n\n");
  EXPECT_EQ(run_acl({"acl", "token", "list", "-format=x"}, server.address()).err, "Unknown format: x\n");
}

TEST(AclTest, CompletesIdsFromTheirStart) {
  TestServer server([](const std::string& head, const std::string&) {
    return head.starts_with("GET /v1/acl/tokens") ? ok_answer(kTokens) : ok_answer("true");
  });
  std::string at = server.address();
  EXPECT_EQ(run_acl({"acl", "token", "delete", "-id", "aaaa2"}, at).out,
            "Token \"aaaa2\" deleted successfully\n");
  EXPECT_EQ(run_acl({"acl", "token", "delete", "-id", "a"}, at).err,
            "Error determining token ID: Partial token ID is not unique\n");
  EXPECT_EQ(run_acl({"acl", "token", "delete", "-id", "b"}, at).err,
            "Error determining token ID: No such token ID with prefix: b\n");
  EXPECT_THAT(server.requests(), testing::Contains("DELETE /v1/acl/token/aaaa2"));
}

TEST(AclTest, UpdatesKeepWhatIsNotGiven) {
  std::string sent;
  TestServer server([&](const std::string& head, const std::string& body) {
    if (head.starts_with("PUT")) sent = body;
    return ok_answer(R"({"ID":"99999999-9999-9999-9999-999999999999","Name":"r","Description":"d",)"
                     R"("Policies":[{"ID":"p","Name":"old"}],"ServiceIdentities":[{"ServiceName":"web"}]})");
  });
  std::string id = "99999999-9999-9999-9999-999999999999";
  AclOutcome outcome = run_acl({"acl", "role", "update", "-id", id, "-policy-name", "new", "-policy-name",
                                "old", "-service-identity", "web:dc1", "-node-identity", "n:dc1"},
                               server.address());
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(sent, HasSubstr(R"("Policies":[{"ID":"p","Name":"old"},{"ID":"","Name":"new"}])"));
  EXPECT_THAT(sent, HasSubstr(R"("ServiceIdentities":[{"ServiceName":"web","Datacenters":["dc1"]}])"));
  EXPECT_THAT(sent, HasSubstr(R"("NodeIdentities":[{"NodeName":"n","Datacenter":"dc1"}])"));
  EXPECT_THAT(sent, HasSubstr(R"("Description":"d")"));
}

TEST(FlagFailureTest, SomeCommandsTellItTwice) {
  AclOutcome outcome = run_acl({"operator", "raft", "list-peers", "-nope"}, "127.0.0.1:1");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err,
              testing::EndsWith("\nFailed to parse args: flag provided but not defined: -nope\n"));
  EXPECT_EQ(run_acl({"intention", "check", "-nope"}, "127.0.0.1:1").code, 2);
}

TEST(AclTest, SetsAnAgentsTokensByTheirPaths) {
  TestServer server([](const std::string&, const std::string&) { return ok_answer(""); });
  for (const char* type : {"default", "agent", "master", "replication"})
    EXPECT_EQ(run_acl({"acl", "set-agent-token", type, "t"}, server.address()).code, 0);
  EXPECT_THAT(server.requests(),
              ElementsAre("PUT /v1/agent/token/default", "PUT /v1/agent/token/agent",
                          "PUT /v1/agent/token/agent_master", "PUT /v1/agent/token/replication"));
}

TEST(EnvironmentTest, NamespaceGoesWithEveryRequestAndBadValuesAreToldTwice) {
  TestServer server([](const std::string&, const std::string&) { return ok_answer("[]"); });
  AclOutcome outcome = run_acl({"acl", "role", "list"}, server.address(),
                               {{"CONSUL_NAMESPACE", "x"}, {"CONSUL_HTTP_SSL", "maybe"}});
  EXPECT_EQ(outcome.out, "");  // nothing, not an empty line
  size_t first = outcome.err.find("could not parse CONSUL_HTTP_SSL");
  ASSERT_NE(first, std::string::npos);
  EXPECT_NE(outcome.err.find("could not parse CONSUL_HTTP_SSL", first + 1), std::string::npos);
  EXPECT_THAT(server.requests(), ElementsAre("GET /v1/acl/roles?ns=x"));
}

TEST(ConfigEntryTest, TakesBothSpellingsOfKeysAndRefusesOthers) {
  auto entry = parse_config_entry(
      "kind = \"service-resolver\"\nName = \"web\"\nConnectTimeout = \"15s\"\ndefault_subset = \"v1\"\n"
      "subsets { v1 { OnlyPassing = true } }\n");
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_EQ(entry->json,
            R"({"ConnectTimeout":"15s","Kind":"service-resolver","Name":"web","DefaultSubset":"v1",)"
            R"("Subsets":{"v1":{"OnlyPassing":true}},"CreateIndex":0,"ModifyIndex":0})");
  EXPECT_EQ(entry->name, "web");
  EXPECT_EQ(parse_config_entry("Name = \"x\"").error().message,
            "Payload does not contain a kind/Kind key at the top level");
  EXPECT_EQ(parse_config_entry("Kind = \"nope\"").error().message, "invalid config entry kind: nope");
  EXPECT_EQ(parse_config_entry("Kind = \"service-defaults\"\nNonsense = 1").error().message,
            "1 error occurred:\n\t* invalid config key \"Nonsense\"\n\n");
}

TEST(IntentionTest, CheckAnswersByItsExitCode) {
  bool allowed = true;
  TestServer server([&](const std::string&, const std::string&) {
    return ok_answer(allowed ? R"({"Allowed":true})" : R"({"Allowed":false})");
  });
  EXPECT_EQ(run_acl({"intention", "check", "a", "b"}, server.address()).code, 0);
  allowed = false;
  AclOutcome denied = run_acl({"intention", "check", "a", "b"}, server.address());
  EXPECT_EQ(denied.code, 1);
  EXPECT_EQ(denied.out, "Denied\n");
  EXPECT_EQ(run_acl({"intention", "check", "a"}, server.address()).code, 2);
}

TEST(ServicesTest, ADefinitionWithoutNameOrIdIsPassedOver) {
  std::string path = testing::TempDir() + "nameless.json";
  FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs(R"({"service": {"port": 1}})", file);
  std::fclose(file);
  TestServer server([](const std::string&, const std::string&) { return ok_answer(""); });
  AclOutcome outcome = run_acl({"services", "deregister", path}, server.address());
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "");
  std::remove(path.c_str());
}

}  // namespace
}  // namespace praetor::cli
