#include "codec/hcl.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace praetor::codec {
namespace {

std::string parsed(std::string_view text) {
  auto document = parse_hcl(text);
  return document ? to_json(*document) : document.error().message;
}

TEST(Hcl, ReadsScalarsListsAndObjects) {
  EXPECT_EQ(parsed(""), "{}");
  EXPECT_EQ(parsed("a = 1 b = \"x\", c = true\n\"d e\" = [1, \"y\", [2], {z = false},]"),
            R"({"a":1,"b":"x","c":true,"d e":[1,"y",[2],{"z":false}]})");
  EXPECT_EQ(parsed("# c\n// d\na = 1 /* e\n */ b = -2 # f"), R"({"a":1,"b":-2})");
  EXPECT_EQ(parsed("n = [1.5, 1e3, 0x10, 010, -3, .5, 1.]"), R"({"n":[1.5,1000,16,8,-3,0.5,1]})");
  EXPECT_EQ(parsed("a-b.c = 1\r\nd = 2\r\n"), R"({"a-b.c":1,"d":2})");
  EXPECT_EQ(parsed("a ="), "{}");  // as HashiCorp's parser: the text may end there
}

TEST(Hcl, BlocksAreListsOfMaps) {
  EXPECT_EQ(parsed("ports { http = 1 }"), R"({"ports":[{"http":1}]})");
  EXPECT_EQ(parsed("ports = { http = 1 }"), R"({"ports":[{"http":1}]})");
  EXPECT_EQ(parsed("s { a = 1 } s { b = 2 }"), R"({"s":[{"a":1},{"b":2}]})");
  EXPECT_EQ(parsed("s \"x\" { a = 1 } s \"y\" \"z\" { b = 2 }"),
            R"({"s":[{"x":[{"a":1}]},{"y":[{"z":[{"b":2}]}]}]})");
  EXPECT_EQ(parsed("l = [1] l = [2]"), R"({"l":[1,2]})");
  EXPECT_EQ(parsed("a { b { c {} } }"), R"({"a":[{"b":[{"c":[{}]}]}]})");
  EXPECT_EQ(parsed("a = \"x\" a = 3"), R"({"a":"3"})");
}

TEST(Hcl, Strings) {
  EXPECT_EQ(parsed(R"(a = "a\tb\x41\101\u00e9\"${foo("b\n")}")"),
            "{\"a\":\"a\\tbAA\xc3\xa9\\\"${foo(\\\"b\\\\n\\\")}\"}");
  EXPECT_EQ(parsed("a = \"$${x}\""), R"({"a":"$${x}"})");
  EXPECT_EQ(parsed("a = <<E\n  x\n   y\nE\nb = 1"), R"({"a":"  x\n   y\n","b":1})");
  EXPECT_EQ(parsed("a = <<-E\n    x\n      y\n    E\nb = 1"), R"({"a":"x\n  y\n","b":1})");
  EXPECT_EQ(parsed("a = <<-E\n    x\n  y\n    E\n"), R"({"a":"    x\n  y\n"})");
}

TEST(Hcl, JsonGivesTheSameValue) {
  EXPECT_EQ(parsed(R"( {"ports":{"http":1},"l":[1.5,{"a":{"b":2}}],"s":[{"a":1},{"b":2}]})"),
            R"({"l":[1.5,{"a":[{"b":2}]}],"ports":[{"http":1}],"s":[{"a":1},{"b":2}]})");
}

// Each text is what `consul validate` 1.8.7 says of the same document.
TEST(Hcl, ErrorsAsConsul) {
  struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"ports", "At 1:7: key 'ports' expected start of object ('{') or assignment ('=')"},
      {"ports {", "At 1:9: object expected closing RBRACE got: EOF"},
      {"ports { http = 1", "At 1:20: object expected closing RBRACE got: EOF"},
      {"ports { http }", "At 1:14: key 'http' expected start of object ('{') or assignment ('=')"},
      {"ports = foo", "At 1:9: Unknown token: 1:9 IDENT foo"},
      {"= 3", "At 1:1: no object keys found!"},
      {"}", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACE"},
      {"a = {{}}", "At 1:6: expected: IDENT | STRING got: LBRACE"},
      {"a b = 1", "At 1:5: nested object expected: LBRACE got: ASSIGN"},
      {"ports = [1 2]", "At 1:12: error parsing list, expected comma or list end, got: NUMBER"},
      {"ports = [a]", "At 1:10: unexpected token while parsing list: IDENT"},
      {"a = [{]",
       "At 1:6: error while trying to parse object within list: At 1:7: expected: IDENT | STRING | ASSIGN | "
       "LBRACE "
       "got: RBRACK"},
      {"a = $", "At 1:5: illegal char"},
      {"a = \"abc", "At 1:9: literal not terminated"},
      {"a = \"a\nb\"", "At 2:3: literal not terminated"},
      {"a = \"\\q\"", "At 1:7: illegal char escape"},
      {"a = \"${foo\"", "At 1:12: literal not terminated"},
      {"a = <EOF", "At 1:6: heredoc expected second '<', didn't see it"},
      {"a = <<E", "At 1:8: heredoc not terminated"},
      {"a = <<E x\n", "At 1:8: invalid characters in heredoc anchor"},
      {"a = <<\nabc\n", "At 1:7: zero-length heredoc anchor"},
      {"a = <<-E\nx\nE\n", "At 4:1: heredoc not terminated"},
      {"/ foo", "At 1:1: expected '/' for comment"},
      {"/* foo", "At 1:7: comment not terminated"},
      {"a = 0x", "At 1:7: illegal hexadecimal number"},
      {"a = 089", "At 1:8: illegal octal number"},
      {"a = 99999999999999999999", "strconv.ParseInt: parsing \"99999999999999999999\": value out of range"},
      {"a = \"\xff\"", "At 1:6: illegal UTF-8 encoding"},
      {"a=\"x\" a=[3]", "At 1:9: root.a: unknown type for string *ast.ListType"},
      {"a=[\"a\"] a=\"b\"", "At 1:11: unknown slice type: *ast.LiteralType"},
      {"a {} a=[\"b\"]", "At 1:9: root.a[0]: not an object type for map (*ast.LiteralType)"},
      {"a \"x\" {} a {}", "At -: root.a[1]: map must have string keys"}};
  for (const auto& c : cases) EXPECT_EQ(parsed(c.text), c.error) << c.text;
}

TEST(Hcl, LimitsDepth) {
  std::string deep(kMaxHclDepth, '[');
  EXPECT_TRUE(parse_hcl("a = " + deep + std::string(kMaxHclDepth, ']')));
  EXPECT_TRUE(parsed("a = [" + deep).ends_with("nested too deeply"));
}

struct Ports {
  int64_t http = 0;
  int64_t dns = 0;
};
PRAETOR_DESCRIBED(Ports)
PRAETOR_DESCRIBE(Ports, "Ports", field("HTTP", &Ports::http), field("DNS", &Ports::dns))

struct Service {
  std::string name;
  bool tls_skip_verify = false;
  Duration interval{0};
  Map<std::string> meta;
  Map<Value> config;
  Map<List<std::string>> header;
};
PRAETOR_DESCRIBED(Service)
PRAETOR_DESCRIBE(Service, "Service", field("name", &Service::name),
                 field("TLSSkipVerify", &Service::tls_skip_verify).alias("tlsskipverify"),
                 field("Interval", &Service::interval), field("Meta", &Service::meta),
                 field("Config", &Service::config), field("Header", &Service::header))

struct Config {
  std::string data_dir;
  std::optional<int64_t> bootstrap_expect;
  std::optional<bool> server;
  double rpc_rate = 0;
  Box<Ports> ports;
  List<Service> services;
  Box<Service> service;
  List<std::string> start_join;
  List<Map<Value>> watches;
};
PRAETOR_DESCRIBED(Config)
PRAETOR_DESCRIBE(Config, "Config", field("data_dir", &Config::data_dir),
                 field("bootstrap_expect", &Config::bootstrap_expect), field("server", &Config::server),
                 field("rpc_rate", &Config::rpc_rate), field("ports", &Config::ports),
                 field("services", &Config::services), field("service", &Config::service),
                 field("start_join", &Config::start_join), field("watches", &Config::watches))

struct Outcome {
  Config config;
  std::vector<std::string> unknown;
  std::string error;
};

Outcome decoded(std::string_view text) {
  Outcome out;
  auto document = parse_hcl(text);
  if (!document) {
    out.error = document.error().message;
    return out;
  }
  if (auto status = decode_value(*document, out.config, &out.unknown); !status)
    out.error = status.error().message;
  return out;
}

TEST(DecodeValue, FillsStructs) {
  auto out = decoded(R"(
    data_dir = ["x"] Bootstrap_Expect = 3 server = [true] rpc_rate = 2
    PORTS { HTTP = 85 }
    service { name = "a" tlsskipverify = true interval = "10s" meta { k = "v" } header { h = ["1"] } }
    services { name = "b" } services { name = "c" tls_skip_verify = false tlsskipverify = true }
    start_join = ["j"]
    watches = [{ type = "key" args = ["x", "y"] }])");
  ASSERT_EQ(out.error, "");
  EXPECT_EQ(out.config.data_dir, "x");
  EXPECT_EQ(out.config.bootstrap_expect, 3);
  EXPECT_EQ(out.config.server, true);
  EXPECT_EQ(out.config.rpc_rate, 2);
  EXPECT_EQ(out.config.ports->http, 85);
  EXPECT_TRUE(out.config.service->tls_skip_verify);
  EXPECT_EQ(out.config.service->interval, std::chrono::seconds(10));
  EXPECT_EQ(to_json(out.config.service->header), R"({"h":["1"]})");
  ASSERT_EQ(out.config.services.size(), 2u);
  EXPECT_FALSE(out.config.services[1].tls_skip_verify);
  EXPECT_EQ(out.config.start_join, List<std::string>{"j"});
  EXPECT_EQ(to_json(out.config.watches), R"([{"args":["x","y"],"type":"key"}])");
  EXPECT_TRUE(out.unknown.empty());
}

TEST(DecodeValue, CollectsUnknownKeys) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(decoded("foo = 1\nbar = 2\nports { baz = 1 }").unknown, (Names{"ports.baz", "bar", "foo"}));
  EXPECT_EQ(decoded("services = [{name=\"x\" foo=1},{bar=2}]").unknown,
            (Names{"services[0].foo", "services[1].bar"}));
  EXPECT_EQ(decoded("service \"x\" { port = 1 }").unknown, (Names{"service.x"}));
  EXPECT_EQ(decoded("PORTS { Foo = 1 }").unknown, (Names{"ports.Foo"}));
}

// The texts of `consul validate` 1.8.7.
TEST(DecodeValue, ErrorsAsConsul) {
  struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"bootstrap_expect = \"x\"", "'bootstrap_expect' expected type 'int', got unconvertible type 'string'"},
      {"bootstrap_expect = [3,4]",
       "'bootstrap_expect' expected type 'int', got unconvertible type '[]interface {}'"},
      {"bootstrap_expect {}",
       "'bootstrap_expect' expected type 'int', got unconvertible type 'map[string]interface {}'"},
      {"server = 1", "'server' expected type 'bool', got unconvertible type 'int'"},
      {"data_dir = 1.5", "'data_dir' expected type 'string', got unconvertible type 'float64'"},
      {"rpc_rate = \"x\"", "'rpc_rate' expected type 'float64', got unconvertible type 'string'"},
      {"ports = 3", "'ports' expected a map, got 'int'"},
      {"ports = []", "'ports' expected a map, got 'slice'"},
      {"ports {} ports {}", "'ports' expected a map, got 'slice'"},
      {"ports { http = \"x\" }", "'ports.http' expected type 'int', got unconvertible type 'string'"},
      {"start_join = \"x\"", "'start_join': source data must be an array or slice, got string"},
      {"start_join = [\"a\",3]", "'start_join[1]' expected type 'string', got unconvertible type 'int'"},
      {"service { meta { a = 3 } }",
       "'service.meta[a]' expected type 'string', got unconvertible type 'int'"},
      {"service { header { a = \"b\" } }",
       "'service.header[a]': source data must be an array or slice, got string"},
      {"service { interval = 3 }",
       "'service.interval' expected type 'string', got unconvertible type 'int'"}};
  for (const auto& c : cases)
    EXPECT_EQ(decoded(c.text).error, "1 error(s) decoding:\n\n* " + std::string(c.error)) << c.text;
  EXPECT_EQ(decoded("ports { http = \"x\" dns = true }").error,
            "2 error(s) decoding:\n\n* 'ports.dns' expected type 'int', got unconvertible type 'bool'\n"
            "* 'ports.http' expected type 'int', got unconvertible type 'string'");
}

// What a running Consul 1.8.7 made of these in a proxy's config.
TEST(DecodeValue, OpensSingleElementListsInFreeConfig) {
  auto config = [](std::string_view body) {
    return to_json(decoded("service { config {" + std::string(body) + "} }").config.service->config);
  };
  EXPECT_EQ(config("a { b = 1 } c = [\"x\"] d = [1,2]"), R"({"a":{"b":1},"c":"x","d":[1,2]})");
  EXPECT_EQ(config("g = [{h {z = 1}},{i=2}]"), R"({"g":[{"h":[{"z":1}]},{"i":2}]})");
  EXPECT_EQ(config("l { m { n = 1 } t = [{u=1},{v=[\"w\"]}] w = [[[1]]] e = [] }"),
            R"({"l":{"e":[],"m":{"n":1},"t":[{"u":1},{"v":"w"}],"w":[[1]]}})");
  EXPECT_EQ(config("b = [[[\"z\"],{c=[\"z\"]}]]"), R"({"b":[["z"],{"c":"z"}]})");
}

}  // namespace
}  // namespace praetor::codec
