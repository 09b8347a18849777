#include "codec/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace praetor::codec {
namespace {

struct Inner {
  int64_t port = 0;
  std::string address;
};
PRAETOR_DESCRIBED(Inner)
PRAETOR_DESCRIBE(Inner, "Inner", own_json_decoder(), field("Port", &Inner::port).flag(kSnakeInput),
                 field("Address", &Inner::address).omit_empty())

struct Plain {
  int64_t passing = 0;
};
PRAETOR_DESCRIBED(Plain)
PRAETOR_DESCRIBE(Plain, "api.Plain", field("Passing", &Plain::passing))

struct All {
  std::string id;
  bool flag = false;
  int32_t small = 0;
  uint64_t big = 0;
  double real = 0;
  float single = 0;
  Bytes bytes;
  Duration wait{0};
  Duration wait_text{0};
  Time at;
  List<std::string> tags;
  Map<std::string> meta;
  Map<List<std::string>> header;
  Box<Inner> inner;
  List<Plain> plains;
  Value any;
  std::string hidden;
  bool enable_tag_override = false;
};
PRAETOR_DESCRIBED(All)
PRAETOR_DESCRIBE(All, "All", field("ID", &All::id), field("Flag", &All::flag).omit_empty(),
                 field("Small", &All::small).omit_empty(), field("Big", &All::big),
                 field("Real", &All::real).omit_empty(), field("Single", &All::single).omit_empty(),
                 field("Bytes", &All::bytes).omit_empty(), field("Wait", &All::wait).omit_empty(),
                 field("WaitText", &All::wait_text).omit_empty().flag(kDurationText),
                 field("At", &All::at).flag(kJsonInputOnly), field("Tags", &All::tags).flag(kEmptyAsList),
                 field("Meta", &All::meta), field("Header", &All::header).omit_empty(),
                 field("Inner", &All::inner).omit_empty(), field("Plains", &All::plains).omit_empty(),
                 field("Any", &All::any).omit_empty(), field("Hidden", &All::hidden).no_json(),
                 field("EnableTagOverride", &All::enable_tag_override).flag(kSnakeInput).omit_empty())

struct Named {
  Map<std::string> tagged_names;
};
PRAETOR_DESCRIBED(Named)
PRAETOR_DESCRIBE(Named, "Named", own_json_decoder().go_type("struct { *codec.Alias }"),
                 field("TaggedNames", &Named::tagged_names).flag(kSnakeInput))

struct Lax {
  Box<Inner> inner;
  Plain plain;
};
PRAETOR_DESCRIBED(Lax)
PRAETOR_DESCRIBE(Lax, "Lax", own_json_decoder(/*tolerates_unknown=*/true), field("Inner", &Lax::inner),
                 field("Plain", &Lax::plain))

std::string text_json(std::string_view text) {
  std::string out;
  write_json_string(out, text);
  return out;
}

TEST(JsonWriter, EscapesAsGo) {
  EXPECT_EQ(text_json("plain text that is long enough for words"),
            "\"plain text that is long enough for words\"");
  EXPECT_EQ(text_json("a\"b\\c\n\r\t\b\x01\x7f"), "\"a\\\"b\\\\c\\n\\r\\t\\u0008\\u0001\x7f\"");
  EXPECT_EQ(text_json("0123456789<a href=\"x\">&0123456789"),
            "\"0123456789\\u003ca href=\\\"x\\\"\\u003e\\u00260123456789\"");
  EXPECT_EQ(text_json("\xc3\xa9\xe2\x80\xa8\xe2\x80\xa9\xf0\x9f\x98\x80"),
            "\"\xc3\xa9\\u2028\\u2029\xf0\x9f\x98\x80\"");
  EXPECT_EQ(text_json("12345678\xff\xc3"), "\"12345678\\ufffd\\ufffd\"");
  // Every byte at every place in a word, against a writer that takes them one at a time.
  for (int c = 0; c < 128; ++c) {
    std::string one = text_json(std::string(1, static_cast<char>(c)));
    one = one.substr(1, one.size() - 2);
    for (size_t at = 0; at < 17; ++at) {
      std::string text(17, 'x');
      text[at] = static_cast<char>(c);
      EXPECT_EQ(text_json(text), '"' + std::string(at, 'x') + one + std::string(16 - at, 'x') + '"');
    }
  }
}

TEST(JsonWriter, WritesFloatsAsGo) {
  auto text = [](double value) { return to_json(value); };
  EXPECT_EQ(text(0), "0");
  EXPECT_EQ(text(-0.0), "-0");
  EXPECT_EQ(text(1), "1");
  EXPECT_EQ(text(0.1), "0.1");
  EXPECT_EQ(text(-12.5), "-12.5");
  EXPECT_EQ(text(100), "100");
  EXPECT_EQ(text(1e20), "100000000000000000000");
  EXPECT_EQ(text(123456789012345680000.0), "123456789012345680000");
  EXPECT_EQ(text(1e21), "1e+21");
  EXPECT_EQ(text(1.5e-7), "1.5e-7");
  EXPECT_EQ(text(1e-6), "0.000001");
  EXPECT_EQ(text(1.5e-10), "1.5e-10");
  EXPECT_EQ(text(5e-324), "5e-324");
  EXPECT_EQ(text(0.00012345), "0.00012345");
  EXPECT_EQ(text(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
  EXPECT_EQ(to_json(0.1f), "0.1");
  EXPECT_EQ(text(std::numeric_limits<double>::infinity()), "null");
}

TEST(JsonWriter, FollowsTheFieldFlags) {
  All all;
  EXPECT_EQ(to_json(all), R"({"ID":"","Big":0,"Tags":[],"Meta":null})");
  all.id = "<x>";
  all.flag = true;
  all.small = -3;
  all.big = std::numeric_limits<uint64_t>::max();
  all.bytes = Bytes("\x01\x02\x03\x04");
  all.wait = std::chrono::seconds(1);
  all.wait_text = std::chrono::seconds(90);
  all.tags = {"a", "b"};
  all.meta["k"] = "v";
  all.header["h"].push_back("1");
  all.inner.emplace().port = 8;
  all.plains.emplace_back().passing = 1;
  all.any = ValueMap{{"n", Value()}, {"f", 1.5}, {"l", ValueList{Value(int64_t{1}), Value("x")}}};
  EXPECT_EQ(to_json(all),
            R"({"ID":"\u003cx\u003e","Flag":true,"Small":-3,"Big":18446744073709551615,"Bytes":"AQIDBA==",)"
            R"("Wait":1000000000,"WaitText":"1m30s","Tags":["a","b"],"Meta":{"k":"v"},"Header":{"h":["1"]},)"
            R"("Inner":{"Port":8},"Plains":[{"Passing":1}],"Any":{"f":1.5,"l":[1,"x"],"n":null}})");
}

TEST(JsonWriter, AppendsToWhatIsThere) {
  std::string out = "x=";
  for (int i = 0; i < 3; ++i) write_json(out, std::string(100, 'y'));
  EXPECT_EQ(out.size(), 2u + 3 * 102);
  EXPECT_EQ(to_json(Time{}), "\"0001-01-01T00:00:00Z\"");
  EXPECT_EQ(to_json(Plain{}), R"({"Passing":0})");
}

TEST(JsonWriter, Indents) {
  EXPECT_EQ(
      pretty_json(R"({"a":[],"b":{},"c":[1,{"x":"{,"}],"d":"\""})"),
      "{\n    \"a\": [],\n    \"b\": {},\n    \"c\": [\n        1,\n        {\n            \"x\": \"{,\"\n"
      "        }\n    ],\n    \"d\": \"\\\"\"\n}\n");
  EXPECT_EQ(indent_json("[1,[2]]", ">", "\t"), "[\n>\t1,\n>\t[\n>\t\t2\n>\t]\n>]");
  EXPECT_EQ(pretty_json("null"), "null\n");
  EXPECT_EQ(pretty_json("[]"), "[]\n");
}

std::string error_of(std::string_view text, JsonReadOptions options = {.reject_unknown = true}) {
  All all;
  auto status = read_json(text, all, options);
  return status ? "" : status.error().message;
}

TEST(JsonReader, NamesWhatGosOwnDecodersReadInto) {
  auto error = [](std::string_view text) { return from_json<Named>(text).error().message; };
  EXPECT_EQ(error("[]"), "json: cannot unmarshal array into Go value of type struct { *codec.Alias }");
  EXPECT_EQ(error(R"({"TaggedNames": {"a": 1}})"),
            "json: cannot unmarshal number into Go struct field .TaggedNames of type string");
  EXPECT_EQ(error(R"({"tagged_names": {"a": 1}})"),
            "json: cannot unmarshal number into Go struct field .tagged_names of type string");
}

TEST(JsonReader, ReadsEveryKind) {
  All all;
  all.big = 5;
  auto status = read_json(
      R"( {"id":"\u00e9\ud83d\ude00\ud800x\n","FLAG":true,"Small":-7,"Real":1.5e3,"Single":0.25,"Bytes":"AQI=",
        "Wait":"1m","WaitText":1500,"At":"2020-01-02T03:04:05.5Z","Tags":["a"],"Meta":{"b":"1","a":"2"},
        "Header":{"X":["1","2"],"Y":null},"Inner":{"port":3},"Plains":[{"Passing":2},{}],"Big":null,
        "Any":{"x":[1,true,null,"s",{}]},"enable_tag_override":true} trailing)",
      all, {.reject_unknown = true});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(all.id, "\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbdx\n");
  EXPECT_TRUE(all.flag);
  EXPECT_EQ(all.small, -7);
  EXPECT_EQ(all.big, 5u);
  EXPECT_EQ(all.real, 1500);
  EXPECT_EQ(all.single, 0.25f);
  EXPECT_EQ(all.bytes, Bytes("\x01\x02"));
  EXPECT_EQ(all.wait, std::chrono::minutes(1));
  EXPECT_EQ(all.wait_text, Duration(1500));
  EXPECT_EQ(format_rfc3339(all.at), "2020-01-02T03:04:05.5Z");
  EXPECT_EQ(all.tags, List<std::string>{"a"});
  EXPECT_EQ(*all.meta.get("a"), "2");
  EXPECT_EQ(all.header.get("X")->size(), 2u);
  EXPECT_TRUE(all.header.get("Y")->is_nil());
  EXPECT_EQ(all.inner->port, 3);
  EXPECT_EQ(all.plains.size(), 2u);
  EXPECT_EQ(to_json(all.any), R"({"x":[1,true,null,"s",{}]})");
  EXPECT_TRUE(all.enable_tag_override);
}

TEST(JsonReader, TellsNilFromEmpty) {
  All all;
  all.tags = {"old"};
  all.inner.emplace();
  ASSERT_TRUE(read_json(R"({"Tags":[],"Meta":{},"Inner":null})", all));
  EXPECT_FALSE(all.tags.is_nil());
  EXPECT_TRUE(all.tags.empty());
  EXPECT_FALSE(all.meta.is_nil());
  EXPECT_FALSE(all.inner);
  ASSERT_TRUE(read_json(R"({"Tags":null,"Meta":null})", all));
  EXPECT_TRUE(all.tags.is_nil());
  EXPECT_TRUE(all.meta.is_nil());
}

TEST(JsonReader, AliasesGiveWayToTheGoName) {
  Inner inner;
  ASSERT_TRUE(read_json(R"({"Port":1,"port":2})", inner));
  EXPECT_EQ(inner.port, 2);
  EXPECT_EQ(snake_case("TLSSkipVerify"), "tls_skip_verify");
  EXPECT_EQ(snake_case("GRPCUseTLS"), "grpc_use_tls");
  EXPECT_EQ(snake_case("ServiceID"), "service_id");
  EXPECT_EQ(snake_case("PolicyIDs"), "policy_ids");
  EXPECT_EQ(snake_case("already_snake"), "already_snake");
}

// The texts are those of Consul 1.8.7's endpoints for the same mistakes.
TEST(JsonReader, SyntaxErrorsAsGo) {
  EXPECT_EQ(error_of(""), "EOF");
  EXPECT_EQ(error_of(" \n"), "EOF");
  EXPECT_EQ(error_of("{"), "unexpected EOF");
  EXPECT_EQ(error_of("{", {.whole_document = true}), "unexpected end of JSON input");
  EXPECT_EQ(error_of("", {.whole_document = true}), "unexpected end of JSON input");
  EXPECT_EQ(error_of("{} x", {.whole_document = true}), "invalid character 'x' after top-level value");
  EXPECT_EQ(error_of("x"), "invalid character 'x' looking for beginning of value");
  EXPECT_EQ(error_of("'"), "invalid character '\\'' looking for beginning of value");
  EXPECT_EQ(error_of("{'"), "invalid character '\\'' looking for beginning of object key string");
  EXPECT_EQ(error_of("{\"a\" \""), "invalid character '\"' after object key");
  EXPECT_EQ(error_of(R"({"ID":"x",})"), "invalid character '}' looking for beginning of object key string");
  EXPECT_EQ(error_of(R"({"ID":"x" 1)"), "invalid character '1' after object key:value pair");
  EXPECT_EQ(error_of("[1 2]"), "invalid character '2' after array element");
  EXPECT_EQ(error_of("[1,]"), "invalid character ']' looking for beginning of value");
  EXPECT_EQ(error_of("tru "), "invalid character ' ' in literal true (expecting 'e')");
  EXPECT_EQ(error_of("\"\n\""), "invalid character '\\n' in string literal");
  EXPECT_EQ(error_of(R"("\x")"), "invalid character 'x' in string escape code");
  EXPECT_EQ(error_of(R"("\u12g4")"), "invalid character 'g' in \\u hexadecimal character escape");
  EXPECT_EQ(error_of("-x"), "invalid character 'x' in numeric literal");
  EXPECT_EQ(error_of("[1.]"), "invalid character ']' after decimal point in numeric literal");
  EXPECT_EQ(error_of("[1e]"), "invalid character ']' in exponent of numeric literal");
  EXPECT_EQ(error_of("[01]"), "invalid character '1' after array element");
  EXPECT_EQ(error_of("\xff"), "invalid character '\xc3\xbf' looking for beginning of value");
  EXPECT_EQ(error_of(std::string(600, '[')), "exceeded max depth");
  EXPECT_EQ(error_of("{}", {.max_size = 1}), "JSON document too large");
  EXPECT_EQ(error_of("{}", {.max_size = 2}), "");
}

TEST(JsonReader, TypeErrorsAsGo) {
  const std::string into = " into Go struct field ";
  EXPECT_EQ(error_of(R"({"ID":1})"), "json: cannot unmarshal number" + into + "All.ID of type string");
  EXPECT_EQ(error_of(R"({"Flag":"x"})"), "json: cannot unmarshal string" + into + "All.Flag of type bool");
  EXPECT_EQ(error_of(R"({"Big":-1})"), "json: cannot unmarshal number -1" + into + "All.Big of type uint64");
  EXPECT_EQ(error_of(R"({"Small":1.5})"),
            "json: cannot unmarshal number 1.5" + into + "All.Small of type int32");
  EXPECT_EQ(error_of(R"({"Tags":"a"})"),
            "json: cannot unmarshal string" + into + "All.Tags of type []string");
  EXPECT_EQ(error_of(R"({"Tags":[1]})"), "json: cannot unmarshal number" + into + "All.Tags of type string");
  EXPECT_EQ(error_of(R"({"Meta":[1]})"),
            "json: cannot unmarshal array" + into + "All.Meta of type map[string]string");
  EXPECT_EQ(error_of(R"({"Plains":[{"Passing":"a"}]})"),
            "json: cannot unmarshal string" + into + "Plain.Plains.Passing of type int");
  EXPECT_EQ(error_of(R"({"Plains":[3]})"),
            "json: cannot unmarshal number" + into + "All.Plains of type api.Plain");
  EXPECT_EQ(error_of(R"({"Inner":{"Port":"x"}})"),
            "json: cannot unmarshal string" + into + "All.Inner of type int");
  EXPECT_EQ(error_of("[]"), "json: cannot unmarshal array into Go value of type structs.All");
  EXPECT_EQ(error_of(R"({"Foo":3,"ID":1})"), "json: unknown field \"Foo\"");
  EXPECT_EQ(error_of(R"({"Foo":{"a":[1,"}"]}})", {}), "");
  EXPECT_EQ(error_of(R"({"Bytes":"?"})"), "illegal base64 data at input byte 0");
  EXPECT_EQ(error_of(R"({"Wait":"zz"})"), "time: invalid duration \"zz\"");
  EXPECT_EQ(error_of(R"({"Wait":true})"), "");
  Inner inner;
  EXPECT_EQ(read_json(R"({"Port":"x"})", inner).error().message,
            "json: cannot unmarshal string into Go struct field .Port of type int");
}

// Tolerance belongs to the nearest decoder of its own, as Consul's Connect.SidecarService shows.
TEST(JsonReader, TolerantDecoders) {
  JsonReadOptions strict{.reject_unknown = true};
  EXPECT_TRUE(from_json<Lax>(R"({"Foo":1,"Plain":{"Foo":1}})", strict));
  EXPECT_EQ(from_json<Lax>(R"({"Inner":{"Foo":1}})", strict).error().message, "json: unknown field \"Foo\"");
  EXPECT_TRUE(from_json<Lax>(R"({"Inner":{"Foo":1}})"));
}

TEST(JsonValue, RoundTrips) {
  const char* text = R"({"a":[1,2.5,-3e+30,"x",null,true,{"b":{}}],"c":""})";
  auto value = parse_json_value(text);
  ASSERT_TRUE(value);
  EXPECT_EQ(to_json(*value), text);
  EXPECT_EQ(parse_json_value("1e999").error().message,
            "json: cannot unmarshal number 1e999 into Go value of type float64");
}

}  // namespace
}  // namespace praetor::codec
