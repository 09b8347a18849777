// Whole commands against scripted agents. What the real program prints was compared by hand; these hold it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.h"
#include "cli/test_server.h"

namespace praetor::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

Outcome run(std::vector<std::string> args, const std::string& address = "127.0.0.1:1", std::string in = "") {
  CaptureUi ui;
  ui.in = std::move(in);
  ui.environment["CONSUL_HTTP_ADDR"] = address;
  int code = run_program(args, ui);
  return {code, ui.out, ui.err};
}

TEST(ProgramTest, UsageAndVersion) {
  Outcome outcome = run({});
  EXPECT_EQ(outcome.code, 127);
  EXPECT_THAT(outcome.err, StartsWith("Usage: praetor [--version] [--help] <command> [<args>]\n\n"
                                      "Available commands are:\n    acl            "));
  EXPECT_EQ(run({"nonsense"}).code, 127);
  EXPECT_EQ(run({"kv get"}).code, 127);  // one word, not two
  EXPECT_EQ(run({"-h"}).code, 0);
  EXPECT_THAT(run({"--version"}).out, StartsWith("Consul v1.8.7\nProtocol 2 spoken by default"));
  EXPECT_EQ(run({"version", "-format=x"}).err, "Unknown format: x\n");
}

TEST(ProgramTest, HelpCountsAnywhereBeforeTwoDashes) {
  Outcome outcome = run({"kv", "get", "key", "-h"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, StartsWith("Usage: praetor kv get [options] [KEY_OR_PREFIX]\n"));
  EXPECT_EQ(run({"kv", "put", "--", "-h"}).err.substr(0, 24), "Error! Failed writing da");
}

TEST(ProgramTest, ParentsShowTheirCommands) {
  Outcome outcome = run({"operator", "raft", "nonsense"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, StartsWith("Usage: praetor operator raft <subcommand> [options]\n"));
  EXPECT_THAT(outcome.err, HasSubstr("\n\nSubcommands:\n    list-peers     Lists"));
  EXPECT_THAT(run({"-zz", "kv"}).err,
              StartsWith("Invalid flags before the subcommand. If these flags are for\n"));
}

TEST(ProgramTest, EveryCommandHasHelp) {
  for (const CommandEntry& entry : command_entries()) {
    CaptureUi ui;
    EXPECT_THAT(entry.make()->help(ui), StartsWith("Usage: praetor " + std::string(entry.name)))
        << entry.name;
    EXPECT_FALSE(entry.synopsis.empty());
  }
}

constexpr const char* kPairs =
    R"([{"LockIndex":0,"Key":"a","Flags":42,"Value":"eA==","CreateIndex":7,"ModifyIndex":9},)"
    R"({"LockIndex":1,"Key":"a/b<","Flags":0,"Value":null,"Session":"s","CreateIndex":8,"ModifyIndex":8}])";

TEST(KvTest, GetPrints) {
  TestServer server([](const std::string& head, const std::string&) {
    if (head.contains("/none")) return answer_with(404, "");
    if (head.contains("keys=")) return ok_answer(R"(["a","a/"])");
    return ok_answer(kPairs);
  });
  std::string at = server.address();
  EXPECT_EQ(run({"kv", "get", "a"}, at).out, "x\n");
  EXPECT_EQ(run({"kv", "get", "-base64", "a"}, at).out, "eA==\n");
  EXPECT_EQ(run({"kv", "get", "-recurse", "/a"}, at).out, "a:x\na/b<:\n");
  EXPECT_EQ(run({"kv", "get", "-keys", "a"}, at).out, "a\na/\n");
  EXPECT_EQ(run({"kv", "get", "-detailed", "a"}, at).out,
            "CreateIndex      7\nFlags            42\nKey              a\nLockIndex        0\n"
            "ModifyIndex      9\nSession          -\nValue            x\n");
  Outcome none = run({"kv", "get", "none"}, at);
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.err, "Error! No key exists at: none\n");
  EXPECT_EQ(run({"kv", "export", "a"}, at).out,
            "[\n\t{\n\t\t\"key\": \"a\",\n\t\t\"flags\": 42,\n\t\t\"value\": \"eA==\"\n\t},\n"
            "\t{\n\t\t\"key\": \"a/b\\u003c\",\n\t\t\"flags\": 0,\n\t\t\"value\": \"\"\n\t}\n]\n");
  EXPECT_THAT(server.requests(), testing::Contains("GET /v1/kv/a?keys=&separator=%2F"));
}

TEST(KvTest, PutRefusesAndReports) {
  std::string body;
  TestServer server([&](const std::string& head, const std::string& data) {
    body = data;
    return ok_answer(head.contains("cas=") || head.contains("acquire=") ? "false" : "true");
  });
  std::string at = server.address();
  EXPECT_EQ(run({"kv", "put", "k", "-"}, at, "from stdin").out, "Success! Data written to: k\n");
  EXPECT_EQ(body, "from stdin");
  EXPECT_EQ(run({"kv", "put", "-cas", "-modify-index=3", "k", "v"}, at).err,
            "Error! Did not write to k: CAS failed\n");
  EXPECT_EQ(run({"kv", "put", "-acquire", "-session=s", "k"}, at).err, "Error! Did not acquire lock\n");
  EXPECT_EQ(run({"kv", "put", "-acquire", "k"}, at).err,
            "Error! Missing -session (required with -acquire and -release)\n");
  EXPECT_EQ(run({"kv", "put", "/k"}, at).err,
            "Error! Failed writing data: Invalid key. Key must not begin with a '/': /k\n");
  Outcome bad = run({"kv", "put", "-base64", "k", "!"}, at);
  EXPECT_EQ(bad.code, 1);
  EXPECT_EQ(bad.err, "Error! Cannot base 64 decode data: illegal base64 data at input byte 0\n");
  EXPECT_THAT(server.requests(), ElementsAre("PUT /v1/kv/k", "PUT /v1/kv/k?cas=3", "PUT /v1/kv/k?acquire=s"));
}

TEST(KvTest, ImportStopsAtTheFirstFailure) {
  TestServer server([](const std::string&, const std::string&) { return ok_answer("true"); });
  Outcome outcome = run({"kv", "import", R"([{"key":"a","flags":3,"value":"MQ=="},{"key":"b","value":"!"}])"},
                        server.address());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "Imported: a\n");
  EXPECT_EQ(outcome.err, "Error base 64 decoding value for key b: illegal base64 data at input byte 0\n");
  EXPECT_EQ(run({"kv", "import", "{}"}).err,
            "Cannot unmarshal data: json: cannot unmarshal object into Go value of type []*impexp.Entry\n");
}

TEST(MembersTest, SortsBySegmentThenName) {
  TestServer server([](const std::string&, const std::string&) {
    return ok_answer(
        R"([{"Name":"b","Addr":"1.2.3.4","Port":8301,"Status":1,"Tags":{"role":"node","dc":"dc1","build":"1.8.7:x","vsn":"2"}},)"
        R"({"Name":"z","Addr":"::1","Port":8301,"Status":4,"Tags":{"role":"consul","dc":"dc1","build":"1.8.7","vsn":"2"}}])");
  });
  EXPECT_EQ(run({"members"}, server.address()).out,
            "Node  Address       Status  Type    Build  Protocol  DC   Segment\n"
            "z     [::1]:8301    failed  server  1.8.7  2         dc1  <all>\n"
            "b     1.2.3.4:8301  alive   client  1.8.7  2         dc1  <default>\n");
  EXPECT_EQ(run({"members", "-status=left"}, server.address()).code, 2);
  EXPECT_EQ(run({"members", "-status=("}, server.address()).err,
            "Failed to compile status regexp: error parsing regexp: missing closing ): `(`\n");
}

TEST(KeyringTest, ListsPools) {
  TestServer server([](const std::string&, const std::string&) {
    return ok_answer(
        R"([{"WAN":true,"Datacenter":"dc1","Keys":{"k2":1,"k1":2},"NumNodes":2},)"
        R"({"WAN":false,"Datacenter":"dc1","Segment":"s","Messages":{"n":"bad"},"Keys":{"k1":2},"NumNodes":2}])");
  });
  EXPECT_EQ(run({"keyring", "-list"}, server.address()).out,
            "==> Gathering installed encryption keys...\n\nWAN:\n  k1 [2/2]\n  k2 [1/2]\n\n"
            "dc1 (LAN) [s]:\n  ===> n: bad\n  k1 [2/2]\n");
}

TEST(RttTest, AddsHeightsAndAdjustments) {
  TestServer server([](const std::string&, const std::string&) {
    return ok_answer(R"([{"Node":"a","Coord":{"Vec":[0.003,0],"Height":0.001,"Adjustment":0.0005}},)"
                     R"({"Node":"b","Coord":{"Vec":[0,0.004],"Height":0.001,"Adjustment":0}}])");
  });
  EXPECT_EQ(run({"rtt", "a", "b"}, server.address()).out,
            "Estimated a <-> b rtt: 7.500 ms (using LAN coordinates)\n");
  EXPECT_EQ(run({"rtt", "a", "c"}, server.address()).err, "Could not find a coordinate for node \"c\"\n");
}

TEST(RttTest, NamesTheFirstOfTwoServersWhicheverIsUnknown) {
  TestServer server([](const std::string&, const std::string&) {
    return ok_answer(
        R"([{"Datacenter":"dc1","AreaID":"wan","Coordinates":[{"Node":"a","Coord":{"Vec":[0]}}]}])");
  });
  for (auto [first, second] : {std::pair("a.dc1", "b.dc7"), std::pair("b.dc7", "a.dc1")})
    EXPECT_EQ(run({"rtt", "-wan", first, second}, server.address()).err,
              "Could not find a coordinate for node \"" + std::string(first) + "\"\n");
}

TEST(WatchTest, PrintsTheFirstResult) {
  TestServer server([](const std::string& head, const std::string&) {
    return ok_answer(head.contains("/self") ? "{}" : kPairs, "X-Consul-Index: 9\r\n");
  });
  EXPECT_EQ(
      run({"watch", "-type=key", "-key=a"}, server.address()).out,
      "{\n    \"Key\": \"a\",\n    \"CreateIndex\": 7,\n    \"ModifyIndex\": 9,\n    \"LockIndex\": 0,\n"
      "    \"Flags\": 42,\n    \"Value\": \"eA==\",\n    \"Session\": \"\"\n}\n");
  EXPECT_EQ(run({"watch", "-type=zz"}).err, "Unsupported watch type: zz\n");
  EXPECT_EQ(run({"watch", "-type=key", "-key=a", "exit 3"}, server.address()).err,
            "Error executing handler: exit status 3\n");
}

TEST(MaintTest, ChecksItsFlags) {
  EXPECT_EQ(run({"maint", "-enable", "-disable"}).err, "Only one of -enable or -disable may be provided\n");
  EXPECT_EQ(run({"maint", "-reason=x"}).err, "Reason may only be provided with -enable\n");
  EXPECT_EQ(run({"maint", "-service=x"}).err, "Service requires either -enable or -disable\n");
}

TEST(RaftTest, ListsPeers) {
  TestServer server([](const std::string&, const std::string&) {
    return ok_answer(
        R"({"Servers":[{"ID":"i","Node":"n","Address":"a:1","Leader":true,"Voter":true,"ProtocolVersion":""}]})");
  });
  EXPECT_EQ(run({"operator", "raft", "list-peers"}, server.address()).out,
            "Node  ID  Address  State   Voter  RaftProtocol\nn     i   a:1      leader  true   <=1\n");
}

}  // namespace
}  // namespace praetor::cli
