#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/config_load.h"
#include "base/text.h"
#include "codec/json.h"

namespace praetor::agent {
namespace {

namespace fs = std::filesystem;

// A directory for one test's files.
class Directory {
 public:
  Directory() {
    std::string pattern = (fs::temp_directory_path() / "praetor-config-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Directory() { fs::remove_all(path_); }
  std::string write(const std::string& name, std::string_view text) const {
    std::string path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<LoadedConfig> load(const LoadOptions& options) { return load_config(options); }

RuntimeConfig load_ok(const LoadOptions& options) {
  auto loaded = load_config(options);
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded ? loaded->config : RuntimeConfig();
}

RuntimeConfig load_json(std::string_view text) {
  Directory directory;
  LoadOptions options;
  options.config_files = {directory.write("c.json", text)};
  return load_ok(options);
}

// What `validate` prints, its lines sorted: Consul reports some in random order.
std::string validate(std::string document) {
  Directory directory;
  LoadOptions options;
  const bool hcl = document.starts_with("HCL ");
  if (hcl) {
    document.erase(0, 4);
    for (size_t at; (at = document.find("\\n")) != std::string::npos;) document.replace(at, 2, "\n");
  }
  options.config_files = {directory.write(hcl ? "c.hcl" : "c.json", document)};
  auto loaded = load(options);
  std::string text;
  if (loaded) {
    for (const std::string& warning : loaded->warnings) text += warning + "\n";
    text += "Configuration is valid!";
  } else {
    text = "Config validation failed: " + loaded.error().message;
  }
  size_t at;
  while ((at = text.find(directory.path() + "/")) != std::string::npos)
    text.erase(at, directory.path().size() + 1);
  return text;
}

std::vector<std::string> sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::string_view line : split(text, '\n'))
    if (!trim(line).empty()) lines.emplace_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(Config, AnswersAsConsulValidate) {
  std::ifstream golden(fs::path(__FILE__).parent_path() / "testdata/validate.txt");
  ASSERT_TRUE(golden);
  std::string line;
  std::string document;
  std::string expected;
  int count = 0;
  auto check = [&] {
    if (document.empty()) return;
    ++count;
    EXPECT_EQ(sorted_lines(validate(document)), sorted_lines(expected)) << document;
  };
  while (std::getline(golden, line)) {
    if (line.starts_with("#")) continue;
    if (line.starts_with(">>> ")) {
      check();
      document = line.substr(4);
      expected.clear();
    } else {
      expected += line.substr(std::min<size_t>(2, line.size())) + "\n";
    }
  }
  check();
  EXPECT_GT(count, 200);
}

TEST(Config, GivesDevDefaults) {
  LoadOptions options;
  ASSERT_TRUE(options.set_flag("dev", "true"));
  RuntimeConfig config = load_ok(options);
  EXPECT_TRUE(config.server_mode);
  EXPECT_TRUE(config.connect_enabled);
  EXPECT_EQ(config.http_addrs.at(0).text(), "127.0.0.1:8500");
  EXPECT_EQ(config.grpc_port, 8502);
  EXPECT_EQ(config.logging.log_level, "DEBUG");
  EXPECT_EQ(config.consul_raft_election_timeout, std::chrono::milliseconds(52));
  EXPECT_EQ(*config.tagged_addresses.get("wan_ipv4"), "127.0.0.1");
}

TEST(Config, LaterSourcesWinAndListsGrow) {
  Directory directory;
  directory.write("a.json", R"({"log_level":"WARN","recursors":["1.1.1.1"],"node_meta":{"a":"1","b":"1"},)"
                            R"("ports":{"http":1000,"dns":1001},"service":{"name":"one"}})");
  directory.write("b.json", R"({"log_level":"ERR","recursors":["8.8.8.8"],"node_meta":{"b":"2"},)"
                            R"("ports":{"http":2000},"services":[{"name":"two"}]})");
  directory.write("c.txt", "skipped");
  directory.write("d.json", "");
  fs::create_directory(directory.path() + "/e.json");
  LoadOptions options;
  ASSERT_TRUE(options.set_flag("config-dir", directory.path()));
  ASSERT_TRUE(options.set_flag("data-dir", directory.path()));
  ASSERT_TRUE(options.set_flag("bind", "127.0.0.1"));
  ASSERT_TRUE(options.set_flag("recursor", "9.9.9.9"));
  ASSERT_TRUE(options.set_flag("dns-port", "3000"));
  ASSERT_TRUE(options.set_flag("node-meta", "c:3"));
  auto loaded = load(options);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const RuntimeConfig& config = loaded->config;
  EXPECT_EQ(config.logging.log_level, "ERR");
  EXPECT_EQ(config.dns_recursors, (List<std::string>{"9.9.9.9", "1.1.1.1", "8.8.8.8"}));
  EXPECT_EQ(config.http_port, 2000);
  EXPECT_EQ(config.dns_port, 3000);
  EXPECT_EQ(codec::to_json(config.node_meta), R"({"a":"1","b":"2","c":"3"})");
  ASSERT_EQ(config.services.size(), 2u);
  EXPECT_EQ(config.services[1].name, "two");
  ASSERT_EQ(loaded->warnings.size(), 1u);
  EXPECT_EQ(loaded->warnings[0], "skipping file " + directory.path() +
                                     "/c.txt, extension must be .hcl or .json, or config format must be set");
}

TEST(Config, NamesMissingFiles) {
  LoadOptions options;
  options.config_files = {"/nonexistent/x.json"};
  auto loaded = load(options);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(
      loaded.error().message,
      "config: Open failed on /nonexistent/x.json. open /nonexistent/x.json: no such file or directory");
  options.config_format = "xml";
  EXPECT_EQ(load(options).error().message, "config: -config-format must be either 'hcl' or 'json'");
}

TEST(Config, RefusesBadFlags) {
  LoadOptions options;
  EXPECT_EQ(options.set_flag("http-port", "x").error().message,
            R"(strconv.Atoi: parsing "x": invalid syntax)");
  EXPECT_EQ(options.set_flag("server", "x").error().message,
            R"(strconv.ParseBool: parsing "x": invalid syntax)");
  EXPECT_EQ(options.set_flag("retry-interval", "x").error().message, R"(time: invalid duration "x")");
  EXPECT_FALSE(options.set_flag("nope", "x"));
  EXPECT_EQ(agent_flags().size(), 65u);
}

TEST(Config, ReadsDefinitions) {
  RuntimeConfig config = load_json(
      R"({"data_dir":"/xdata","bind_addr":"127.0.0.1","check_output_max_size":100,"service":{"name":"web","port":80,)"
      R"("enable_tag_override":true,"token":"t","check":{"id":"a","args":["x","y"],"interval":"10s"},)"
      R"("checks":[{"http":"u","header":{"A":["b"]},"interval":"3s","output_max_size":7}],)"
      R"("connect":{"sidecar_service":{"proxy":{"upstreams":[{"destination_name":"db","local_bind_port":1,)"
      R"("config":{"k":1}}]}}}},"check":{"name":"c","ttl":"30s","serviceid":"web"}})");
  ASSERT_EQ(config.services.size(), 1u);
  const ServiceDefinition& service = config.services[0];
  EXPECT_TRUE(service.enable_tag_override);
  EXPECT_EQ(service.weights->passing, 1);
  ASSERT_EQ(service.checks.size(), 2u);
  EXPECT_EQ(service.checks[0].settings.output_max_size, 7);
  EXPECT_EQ(service.checks[0].settings.header.get("A")->at(0), "b");
  EXPECT_EQ(service.checks[1].check_id, "a");
  EXPECT_EQ(service.checks[1].settings.script_args.size(), 2u);
  EXPECT_EQ(service.checks[1].settings.output_max_size, 100);
  EXPECT_EQ(service.connect->sidecar_service->proxy->upstreams[0].destination_name, "db");
  ASSERT_EQ(config.checks.size(), 1u);
  EXPECT_EQ(config.checks[0].service_id, "web");
  EXPECT_EQ(config.checks[0].settings.ttl, std::chrono::seconds(30));
}

TEST(Config, HidesSecrets) {
  RuntimeConfig config = load_json(
      R"({"data_dir":"/xdata","bind_addr":"127.0.0.1","encrypt":"pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=",)"
      R"("acl":{"tokens":{"master":"m"}},"retry_join":["provider=aws tag_key=x secret_access_key=abc"],)"
      R"("node_meta":{"secret_x":"1","y":"2"},"service":{"name":"a","token":"s"},"ports":{"serf_wan":-1}})");
  std::string text = codec::to_json(debug_config(config));
  EXPECT_NE(text.find(R"("ACLMasterToken":"hidden")"), std::string::npos);
  EXPECT_NE(text.find(R"(["provider=aws tag_key=hidden secret_access_key=hidden"])"), std::string::npos);
  EXPECT_NE(text.find(R"("NodeMeta":{"secret_x":"hidden","y":"2"})"), std::string::npos);
  EXPECT_NE(text.find(R"("SerfBindAddrWAN":null)"), std::string::npos);
  EXPECT_NE(text.find(R"("RPCBindAddr":"tcp://127.0.0.1:8300")"), std::string::npos);
  EXPECT_NE(text.find(R"("IntroTokenFile":"")"), std::string::npos);
  EXPECT_EQ(text.find("pUqJ"), std::string::npos);
}

TEST(Config, ListensWhereAddressesSay) {
  RuntimeConfig config =
      load_json(R"({"data_dir":"/xdata","bind_addr":"127.0.0.1","client_addr":"127.0.0.1 ::1",)"
                R"("addresses":{"https":"127.0.0.2 unix:///tmp/s"},"ports":{"https":8501,"dns":-1}})");
  ASSERT_EQ(config.http_addrs.size(), 2u);
  EXPECT_EQ(config.http_addrs[1].text(), "[::1]:8500");
  ASSERT_EQ(config.https_addrs.size(), 2u);
  EXPECT_EQ(config.https_addrs[1].text(), "unix:///tmp/s");
  EXPECT_TRUE(config.dns_addrs.empty());
}

// Values of no known shape, as Consul 1.8.7 reads them from both formats.
TEST(Config, UnwrapsOpaqueListsOfOne) {
  auto config_of = [](const char* name, std::string_view text) {
    Directory directory;
    LoadOptions options;
    options.config_files = {directory.write(name, text)};
    RuntimeConfig config = load_ok(options);
    return config.services.empty() ? "" : codec::to_json(config.services[0].proxy->config);
  };
  EXPECT_EQ(
      config_of("c.json", R"({"data_dir":"/xdata","bind_addr":"127.0.0.1","service":{"name":"web","proxy":)"
                          R"({"config":{"c":[{"d":"e"}],"f":[{"a":1},{"b":2}],"g":[[{"x":1}]],)"
                          R"("h":{"i":[{"j":1}]}}}}})"),
      R"({"c":{"d":"e"},"f":[{"a":1},{"b":2}],"g":[{"x":1}],"h":{"i":[{"j":1}]}})");
  EXPECT_EQ(
      config_of(
          "c.hcl",
          "data_dir=\"/xdata\"\nbind_addr=\"127.0.0.1\"\nservice { name=\"web\" proxy { config { "
          "c = [{d=\"e\"}] f=[{a=1},{b=2}] g { x = 1 } g { x = 2 } h { i { j = 1 } k = [1] l = [] } } } }"),
      R"({"c":{"d":"e"},"f":[{"a":1},{"b":2}],"g":[{"x":1},{"x":2}],"h":{"i":{"j":1},"k":1,"l":[]}})");
}

// Of the same kind, deeper: what a running Consul 1.8.7 made of these.
TEST(Config, OpensMembersOfOpenedLists) {
  auto config = [](std::string_view body) {
    Directory directory;
    LoadOptions options;
    options.config_files = {directory.write(
        "c.hcl", "data_dir=\"/xdata\"\nbind_addr=\"127.0.0.1\"\nservice { name=\"web\" proxy { config {" +
                     std::string(body) + "} } }")};
    RuntimeConfig loaded = load_ok(options);
    return loaded.services.empty() ? "" : codec::to_json(loaded.services[0].proxy->config);
  };
  EXPECT_EQ(config("a { b = 1 } c = [\"x\"] d = [1,2]"), R"({"a":{"b":1},"c":"x","d":[1,2]})");
  EXPECT_EQ(config("g = [{h {z = 1}},{i=2}]"), R"({"g":[{"h":[{"z":1}]},{"i":2}]})");
  EXPECT_EQ(config("l { m { n = 1 } t = [{u=1},{v=[\"w\"]}] w = [[[1]]] e = [] }"),
            R"({"l":{"e":[],"m":{"n":1},"t":[{"u":1},{"v":"w"}],"w":[[1]]}})");
  EXPECT_EQ(config("b = [[[\"z\"],{c=[\"z\"]}]]"), R"({"b":[["z"],{"c":"z"}]})");
}

// A list of one element is its element where no list is wanted; types are not converted.
TEST(Config, ReadsListsOfOne) {
  RuntimeConfig config =
      load_json(R"({"data_dir":["/xdata"],"bind_addr":"127.0.0.1","server":[true],"recursors":[["1.2.3.4"]],)"
                R"("service":[[{"name":["x"]}]],"check":[{"name":"c","ttl":["1s"]}]})");
  EXPECT_TRUE(config.server_mode);
  EXPECT_EQ(config.dns_recursors, List<std::string>{"1.2.3.4"});
  ASSERT_EQ(config.services.size(), 1u);
  EXPECT_EQ(config.services[0].name, "x");
  ASSERT_EQ(config.checks.size(), 1u);
  EXPECT_EQ(config.checks[0].settings.ttl, std::chrono::seconds(1));
}

// Nearly every key set; the answer is the DebugConfig of a Consul 1.8.7 agent with that file.
TEST(Config, ShowsWhatConsulShows) {
  fs::path testdata = fs::path(__FILE__).parent_path() / "testdata";
  LoadOptions options;
  options.config_files = {(testdata / "runtime.hcl").string()};
  std::ifstream file(testdata / "runtime.json");
  std::ostringstream text;
  text << file.rdbuf();
  auto expected = codec::parse_json_value(text.str());
  auto actual = codec::parse_json_value(codec::to_json(debug_config(load_ok(options))));
  ASSERT_TRUE(expected && actual);
  ASSERT_EQ(expected->map()->size(), actual->map()->size());
  for (const auto& [key, value] : *expected->map())
    EXPECT_EQ(codec::to_json((*actual->map())[key]), codec::to_json(value)) << key;
}

}  // namespace
}  // namespace praetor::agent
