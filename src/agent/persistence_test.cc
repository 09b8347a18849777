#include "agent/persistence.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace praetor::agent {
namespace {

namespace fs = std::filesystem;

class PersistenceTest : public testing::Test {
 protected:
  PersistenceTest() {
    std::string pattern = (fs::temp_directory_path() / "praetor-data-XXXXXX").string();
    path = mkdtemp(pattern.data());
    data.emplace(path, Logger("agent", hub));
  }
  ~PersistenceTest() override { fs::remove_all(path); }
  std::string read(const std::string& name) const {
    std::ifstream in(path + "/" + name);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  void write(const std::string& name, std::string_view text) const {
    fs::create_directories(fs::path(path + "/" + name).parent_path());
    std::ofstream(path + "/" + name) << text;
  }
  template <typename Item>
  Status save(const Item& item) const {
    return data->write(std::vector{kept(item)});
  }
  Status remove(KeptKind kind, const std::string& id) const {
    return data->write(std::vector{KeptChange{kind, id, std::nullopt}});
  }
  static bool none(const std::string&) { return false; }

  LogHub hub;
  std::string path;
  std::optional<DataDirectory> data;
};

TEST_F(PersistenceTest, WritesServicesAsConsul) {
  PersistedService service;
  service.service.id = "web1";
  service.service.service = "web";
  service.service.tags = {"x"};
  service.service.meta["k"] = "v";
  service.service.port = 80;
  service.service.weights = model::Weights{1, 1};
  service.source = "remote";
  ASSERT_TRUE(save(service));
  EXPECT_EQ(
      read("services/e694aa37abf20c91a442da4841aeccdf"),
      R"({"Token":"","Service":{"ID":"web1","Service":"web","Tags":["x"],"Address":"","Meta":{"k":"v"},)"
      R"("Port":80,"Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Proxy":{"MeshGateway":{},)"
      R"("Expose":{}},"Connect":{},"CreateIndex":0,"ModifyIndex":0},"Source":"remote"})");
  struct stat info{};
  stat((path + "/services/e694aa37abf20c91a442da4841aeccdf").c_str(), &info);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  auto loaded = data->load_services(none);
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_EQ(loaded[0].service.port, 80);
  ASSERT_TRUE(remove(KeptKind::kService, "web1"));
  EXPECT_TRUE(data->load_services(none).empty());
  EXPECT_TRUE(remove(KeptKind::kService, "web1"));
}

// The file that a Consul 1.8.7 agent wrote.
TEST_F(PersistenceTest, TakesOverConsulsChecks) {
  const char* text =
      R"({"Check":{"Node":"ref3","CheckID":"service:web1:2","Name":"h","Status":"passing","Notes":"n","Output":"",)"
      R"("ServiceID":"web1","ServiceName":"web","ServiceTags":["x"],"Type":"http","Definition":{},"CreateIndex":0,)"
      R"("ModifyIndex":0},"ChkType":{"CheckID":"","Name":"h","Status":"","Notes":"n","ScriptArgs":null,)"
      R"("HTTP":"http://127.0.0.1:1","Header":{"a":["b"]},"Method":"","Body":"","TCP":"","Interval":10000000000,)"
      R"("AliasNode":"","AliasService":"","DockerContainerID":"","Shell":"","GRPC":"","GRPCUseTLS":false,)"
      R"("TLSSkipVerify":false,"Timeout":3000000000,"TTL":0,"SuccessBeforePassing":0,"FailuresBeforeCritical":0,)"
      R"("ProxyHTTP":"","ProxyGRPC":"","DeregisterCriticalServiceAfter":0,"OutputMaxSize":0},"Token":"","Source":"remote"})";
  write("checks/1ae6c150271b1afa8b103ea6f35e3f59", text);
  write("checks/1ae6c150271b1afa8b103ea6f35e3f59.tmp", "cut sh");
  write("checks/broken", "{");
  auto loaded = data->load_checks(none, Time{1000, 0});
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_EQ(loaded[0].check.status, "critical");
  EXPECT_EQ(loaded[0].chk_type->settings.interval, std::chrono::seconds(10));
  EXPECT_EQ(loaded[0].chk_type->settings.header.get("a")->at(0), "b");
  loaded[0].check.status = "passing";
  ASSERT_TRUE(save(loaded[0]));
  EXPECT_EQ(read("checks/1ae6c150271b1afa8b103ea6f35e3f59"), text);
}

TEST_F(PersistenceTest, RestoresTtlStateUntilItExpires) {
  PersistedCheck check;
  check.check.check_id = "q";
  ASSERT_TRUE(save(check));
  ASSERT_TRUE(save(PersistedCheckState{"q", "hi", "passing", 2000}));
  EXPECT_EQ(read("checks/state/7694f4a66316e53c8cdd9d9954bd611d"),
            R"({"CheckID":"q","Output":"hi","Status":"passing","Expires":2000})");
  auto loaded = data->load_checks(none, Time{1000, 0});
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_EQ(loaded[0].check.status, "passing");
  EXPECT_EQ(loaded[0].check.output, "hi");
  EXPECT_EQ(data->load_checks(none, Time{3000, 0})[0].check.status, "critical");
  EXPECT_FALSE(fs::exists(path + "/checks/state/7694f4a66316e53c8cdd9d9954bd611d"));
}

TEST_F(PersistenceTest, PurgesWhatConfigurationDefines) {
  PersistedService service;
  service.service.id = "web";
  ASSERT_TRUE(save(service));
  EXPECT_TRUE(data->load_services([](const std::string& id) { return id == "web"; }).empty());
  EXPECT_TRUE(data->load_services(none).empty());
}

TEST_F(PersistenceTest, KeepsTheNodeId) {
  Random random(1);
  const std::string of_host = "40e4a748-2192-161a-0510-9bf59fe950b5";
  auto first = data->node_id("", "", random);
  ASSERT_TRUE(first);
  EXPECT_EQ(*data->node_id("", "", random), *first);
  EXPECT_EQ(read("node-id"), *first);
  EXPECT_EQ(*data->node_id("50E4A748-2192-161A-0510-9BF59FE950B5", "", random),
            "50e4a748-2192-161a-0510-9bf59fe950b5");
  EXPECT_EQ(*data->node_id("", of_host, random), *first);  // the configuration's leaves no trace
  auto error = [&](const char* id) { return data->node_id(id, "", random).error().message; };
  EXPECT_EQ(error("x"), "specified NodeID is invalid: uuid string is wrong length");
  EXPECT_EQ(error("1111111122223-3334444-555555555555-a"),
            "specified NodeID is invalid: uuid is improperly formatted");
  EXPECT_EQ(error("11111111-2222-3333-4444-55555555555g"),
            "specified NodeID is invalid: encoding/hex: invalid byte: U+0067 'g'");
  write("node-id", "junk");
  EXPECT_TRUE(data->node_id("", "", random)
                  .error()
                  .message.ends_with("/node-id is invalid: uuid string is wrong length"));
  fs::remove(path + "/node-id");
  EXPECT_EQ(*data->node_id("", of_host, random), of_host);
}

TEST_F(PersistenceTest, KeepsTokensOfTheApi) {
  AgentTokens tokens;
  tokens.set(TokenKind::kDefault, "configured", false);
  tokens.set(TokenKind::kAgent, "a", true);
  ASSERT_TRUE(data->save_tokens(tokens));
  EXPECT_EQ(read("acl-tokens.json"), R"({"agent":"a"})");
  AgentTokens again;
  again.set(TokenKind::kAgent, "configured", false);
  data->load_tokens(again);
  EXPECT_EQ(again.agent(), "a");
  EXPECT_TRUE(again.from_api(TokenKind::kAgent));
}

TEST(Persistence, KeepsNothingWithoutADirectory) {
  LogHub hub;
  DataDirectory data("", Logger("agent", hub));
  PersistedService service;
  service.service.id = "web";
  EXPECT_TRUE(data.write(std::vector{kept(service)}));
  EXPECT_TRUE(data.load_services([](const std::string&) { return false; }).empty());
  Random random(1);
  EXPECT_TRUE(data.node_id("", "", random));
}

TEST(Tokens, ParsesKinds) {
  EXPECT_EQ(*AgentTokens::parse_kind("acl_agent_token"), TokenKind::kAgent);
  EXPECT_EQ(AgentTokens::parse_kind("zz").error().message, R"(Token "zz" is unknown)");
}

}  // namespace
}  // namespace praetor::agent
