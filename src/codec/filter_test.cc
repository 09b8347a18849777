#include "codec/filter.h"

#include <gtest/gtest.h>

#include "codec/regexp.h"

namespace praetor::codec {
namespace {

struct Check {
  std::string check_id;
  std::string status;
  Value free;
};
PRAETOR_DESCRIBED(Check)
PRAETOR_DESCRIBE(Check, "Check", field("CheckID", &Check::check_id), field("Status", &Check::status),
                 field("Free", &Check::free))

struct Address {
  std::string address;
  int64_t port = 0;
};
PRAETOR_DESCRIBED(Address)
PRAETOR_DESCRIBE(Address, "Address", field("Address", &Address::address), field("Port", &Address::port))

struct Instance {
  std::string node;
  int64_t port = 0;
  uint8_t small = 0;
  double real = 0;
  bool flag = false;
  Duration wait{0};
  List<std::string> tags;
  List<int64_t> ports;
  Map<std::string> meta;
  Map<Address> tagged;
  Map<List<std::string>> header;
  Box<Address> address;
  List<Check> checks;
  uint64_t index = 0;
};
PRAETOR_DESCRIBED(Instance)
PRAETOR_DESCRIBE(Instance, "Instance", field("Node", &Instance::node), field("Port", &Instance::port),
                 field("Small", &Instance::small), field("Real", &Instance::real),
                 field("Flag", &Instance::flag), field("Wait", &Instance::wait),
                 field("Tags", &Instance::tags), field("Ports", &Instance::ports),
                 field("Meta", &Instance::meta), field("Tagged", &Instance::tagged),
                 field("Header", &Instance::header), field("Address", &Instance::address),
                 field("Checks", &Instance::checks), field("CreateIndex", &Instance::index).no_filter())

Instance sample() {
  Instance one;
  one.node = "web-1";
  one.port = 80;
  one.small = 7;
  one.real = 0.5;
  one.flag = true;
  one.wait = std::chrono::seconds(1);
  one.tags = {"a", "b"};
  one.ports = {1, 2};
  one.meta["k"] = "v";
  one.meta["with space"] = "w";
  one.tagged["lan"] = {"1.2.3.4", 9};
  one.header["h"] = List<std::string>{"x"};
  one.address.emplace().port = 3;
  one.checks = List<Check>{Check{"c1", "passing", {}}, Check{"c2", "critical", {}}};
  return one;
}

std::string result_of(std::string_view expression) {
  auto filter = compile_filter<Instance>(expression);
  if (!filter) {
    const std::string prefix = "Failed to create boolean expression evaluator: ";
    EXPECT_TRUE(filter.error().message.starts_with(prefix));
    return filter.error().message.substr(prefix.size());
  }
  Instance one = sample();
  return filter->matches(&one) ? "yes" : "no";
}

// Each outcome was checked with Consul 1.8.7 on a record of the same shape.
TEST(Filter, EvaluatesOperators) {
  struct {
    const char* expression;
    bool matches;
  } cases[] = {{"", true},
               {"Node == `web-1`", true},
               {"Node != `web-1`", false},
               {"Node==\"web-1\"", true},
               {"Node contains web", true},
               {"web in Node", true},
               {"web not in Node", false},
               {"Node matches `^w.*1$`", true},
               {"Node matches `eb`", true},
               {"Node not matches eb", false},
               {"Port == 80", true},
               {"Port == \"0x50\"", true},
               {"Port == \"0_120\"", true},
               {"Port != 81", true},
               {"Small == 7", true},
               {"Real == 0.5", true},
               {"Flag == true", true},
               {"Flag == T", true},
               {"Flag != false", true},
               {"Wait == 1000000000", true},
               {"a in Tags", true},
               {"Tags contains c", false},
               {"Tags not contains c", true},
               {"Tags is empty", false},
               {"Tags is not empty", true},
               {"2 in Ports", true},
               {"3 in Ports", false},
               {"Meta.k == v", true},
               {"Meta[\"with space\"] == w", true},
               {"k in Meta", true},
               {"Meta contains z", false},
               {"Meta is empty", false},
               {"Meta.z == v", false},
               {"Meta.z != v", true},
               {"Meta.z matches v", true},
               {"v not in Meta.z", true},
               {"Tagged.lan.Port == 9", true},
               {"Tagged.wan.Port == 9", false},
               {"Tagged.wan.Port != 9", true},
               {"Header.h contains x", true},
               {"Header.z is not empty", false},
               {"Address.Port == 3", true},
               {"Checks.Status == passing", true},
               {"Checks.Status != passing", true},
               {"not Checks.Status == warning", true},
               {"Checks is not empty", true},
               {"not not Port == 80", true},
               {"not (Port == 80 or Port == 81)", false},
               {"Port == 1 or Port == 80 and Flag == true", true},
               {"(Port == 80 or Port == 1) and Flag == false", false},
               {"  ( Port == 80 )  ", true}};
  for (const auto& c : cases) EXPECT_EQ(result_of(c.expression), c.matches ? "yes" : "no") << c.expression;
}

TEST(Filter, NullPointersMatchNothing) {
  Instance one;
  EXPECT_FALSE(compile_filter<Instance>("Address.Port == 0")->matches(&one));
  EXPECT_FALSE(compile_filter<Instance>("Address.Port != 0")->matches(&one));
  EXPECT_FALSE(compile_filter<Instance>("Checks.Status != passing")->matches(&one));
}

TEST(Filter, SyntaxErrorsAsConsul) {
  struct {
    const char* expression;
    const char* error;
  } cases[] = {
      {"Node", R"(1:5 (4): no match found, expected: "!=", ".", "==", "[", [ \t\r\n] or [a-zA-Z0-9_])"},
      {"Node ==", R"(1:8 (7): no match found, expected: "-", "0", "\"", "`", [ \t\r\n], [1-9] or [a-zA-Z])"},
      {"Node = x",
       R"(1:6 (5): no match found, expected: "!=", "==", "contains", "in", "is", "matches", "not" or [ \t\r\n])"},
      {" ",
       R"(1:2 (1): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z])"},
      {"Node == x)", R"(1:10 (9): no match found, expected: ".", "[", [ \t\r\n], [a-zA-Z0-9_] or EOF)"},
      {"Node == \"x\" and", R"(1:16 (15): no match found, expected: [ \t\r\n])"},
      {"Node == 1)", R"(1:10 (9): no match found, expected: ".", [ \t\r\n], [0-9] or EOF)"},
      {"(Node == x", R"(1:11 (10): rule "grouping": Unmatched parentheses)"},
      {"Node == 12x", R"(1:11 (10): rule "number": Invalid number literal)"},
      {"Node == \"a\\\"b\"", R"(1:9 (8): rule "string": invalid syntax)"},
      {"Node == \"u", R"(1:11 (10): rule "string": Unterminated string literal)"},
      {"Meta[x] == y", R"(1:6 (5): rule "index": Invalid index)"},
      {"Meta[\"x",
       "1:8 (7): rule \"string\": Unterminated string literal\n1:6 (5): rule \"index\": Invalid index"},
      {"x in 3", R"(1:6 (5): rule "match": Invalid selector)"},
      {"Node ==\n\n 'x",
       R"(3:2 (10): no match found, expected: "-", "0", "\"", "`", [ \t\r\n], [1-9] or [a-zA-Z])"}};
  for (const auto& c : cases) EXPECT_EQ(result_of(c.expression), c.error) << c.expression;
}

TEST(Filter, ValidityErrorsAsConsul) {
  struct {
    const char* expression;
    const char* error;
  } cases[] = {
      {"Foo == 1", "Selector \"Foo\" is not valid"},
      {"node == 1", "Selector \"node\" is not valid"},
      {"CreateIndex == 1", "Selector \"CreateIndex\" is not valid"},
      {"Checks.Free == 1", "Selector \"Checks.Free\" is not valid"},
      {"Meta.x.y == 1", "Selector \"Meta.x.y\" is not valid"},
      {"Foo.Bar == 1", "Selector \"Foo\" is not valid"},
      {"Meta == y", "Invalid match operator \"Equal\" for selector \"Meta\""},
      {"Node is not empty", "Invalid match operator \"Is Not Empty\" for selector \"Node\""},
      {"80 in Port", "Invalid match operator \"In\" for selector \"Port\""},
      {"Tagged.lan == x", "Invalid match operator \"Equal\" for selector \"Tagged.lan\""},
      {"c1 in Checks", "Invalid match operator \"In\" for selector \"Checks\""},
      {"Port == abc",
       "Failed to coerce value \"abc\" for selector \"Port\": strconv.ParseInt: parsing \"abc\": invalid "
       "syntax"},
      {"Port == 99999999999999999999",
       "Failed to coerce value \"99999999999999999999\" for selector \"Port\": strconv.ParseInt: parsing "
       "\"99999999999999999999\": value out of range"},
      {"Flag == yes",
       "Failed to coerce value \"yes\" for selector \"Flag\": strconv.ParseBool: parsing \"yes\": invalid "
       "syntax"},
      {"Node matches \"[\"",
       "Failed to compile regular expression \"[\": error parsing regexp: missing closing ]: `[`"}};
  for (const auto& c : cases) EXPECT_EQ(result_of(c.expression), c.error) << c.expression;
}

TEST(Filter, LimitsLengthAndDepth) {
  std::string fits = "Node == `" + std::string(kMaxFilterLength - 10, 'x') + "`";
  EXPECT_EQ(fits.size(), kMaxFilterLength);
  EXPECT_EQ(result_of(fits), "no");
  EXPECT_EQ(result_of(fits + " "), "expression is too long");
  EXPECT_EQ(result_of(std::string(kMaxFilterDepth, '(') + "Port == 80" + std::string(kMaxFilterDepth, ')')),
            "yes");
  EXPECT_TRUE(
      result_of(std::string(kMaxFilterDepth + 2, '(') + "Port == 80" + std::string(kMaxFilterDepth + 2, ')'))
          .ends_with("Expression is nested too deeply"));
  EXPECT_TRUE(result_of(std::string(30000, '(')).ends_with("Expression is nested too deeply"));
}

TEST(Regexp, ErrorsAsGo) {
  auto error = [](std::string_view text) { return Regexp::compile(text).error().message; };
  EXPECT_EQ(error("("), "error parsing regexp: missing closing ): `(`");
  EXPECT_EQ(error("a)b"), "error parsing regexp: unexpected ): `a)b`");
  EXPECT_EQ(error("[a"), "error parsing regexp: missing closing ]: `[a`");
  EXPECT_EQ(error("a**"), "error parsing regexp: invalid nested repetition operator: `**`");
  EXPECT_EQ(error("\\"), "error parsing regexp: trailing backslash at end of expression: ``");
  EXPECT_EQ(error("x\\C"), "error parsing regexp: invalid escape sequence: `\\C`");
  EXPECT_TRUE(Regexp::compile("\\Q\\C\\E\\\\C"));
}

}  // namespace
}  // namespace praetor::codec
