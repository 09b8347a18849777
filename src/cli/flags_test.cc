#include "cli/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace praetor::cli {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

struct Targets {
  bool on = false;
  bool yes = true;
  int64_t number = 1;
  uint64_t index = 0;
  std::string text = "/";
  Duration wait{0};
  std::optional<bool> strict;
  std::optional<uint64_t> count;
  std::optional<Duration> limit;
  std::vector<std::string> tags;
  std::map<std::string, std::string> meta;
  FlagSet flags;

  Targets() {
    flags.add_bool("on", &on, "Switch.");
    flags.add_bool("yes", &yes, "Switch that is on.");
    flags.add_int("number", &number, "A number.");
    flags.add_uint("index", &index, "An index.");
    flags.add_string("text", &text, "A `word` of text.");
    flags.add_duration("wait", &wait, "A time.");
    flags.add_value("strict", &strict, "Strict.");
    flags.add_value("count", &count, "Count.");
    flags.add_value("limit", &limit, "Limit.");
    flags.add_list("tag", &tags, "Tags.");
    flags.add_map("meta", &meta, "Pairs.");
  }

  // The first line of the error, or "".
  std::string error(std::vector<std::string> args) {
    auto rest = flags.parse(args);
    return rest ? "" : rest.error().message.substr(0, rest.error().message.find('\n'));
  }
};

TEST(FlagsTest, ReadsEveryForm) {
  Targets t;
  auto rest =
      t.flags.parse({"-on", "--number=0x10", "-text", "a b", "-wait=1m30s", "--tag", "x", "-tag=y", "-meta",
                     "a=b=c", "-yes=false", "-strict", "-count=7", "-limit=200ms", "key", "-on"});
  ASSERT_TRUE(rest.has_value());
  EXPECT_THAT(*rest, ElementsAre("key", "-on"));
  EXPECT_TRUE(t.on);
  EXPECT_FALSE(t.yes);
  EXPECT_EQ(t.number, 16);
  EXPECT_EQ(t.text, "a b");
  EXPECT_EQ(t.wait, std::chrono::seconds(90));
  EXPECT_THAT(t.tags, ElementsAre("x", "y"));
  EXPECT_EQ(t.meta["a"], "b=c");
  EXPECT_EQ(t.strict, true);
  EXPECT_EQ(t.count, 7u);
  EXPECT_EQ(t.limit, std::chrono::milliseconds(200));
  EXPECT_TRUE(t.flags.was_set("on"));
  EXPECT_FALSE(t.flags.was_set("index"));
}

TEST(FlagsTest, StopsAtTheFirstArgumentAndAtTwoDashes) {
  Targets t;
  EXPECT_THAT(*t.flags.parse({"-", "-on"}), ElementsAre("-", "-on"));
  EXPECT_THAT(*t.flags.parse({"--", "-on"}), ElementsAre("-on"));
  EXPECT_THAT(*t.flags.parse({"-on", "false"}), ElementsAre("false"));
  EXPECT_TRUE(t.on);
}

TEST(FlagsTest, ErrorsAreGos) {
  Targets t;
  EXPECT_EQ(t.error({"-x"}), "flag provided but not defined: -x");
  EXPECT_EQ(t.error({"--x=1"}), "flag provided but not defined: -x");
  EXPECT_EQ(t.error({"---on"}), "bad flag syntax: ---on");
  EXPECT_EQ(t.error({"--=on"}), "bad flag syntax: --=on");
  EXPECT_EQ(t.error({"-text"}), "flag needs an argument: -text");
  EXPECT_EQ(t.error({"-on=z"}), "invalid boolean value \"z\" for -on: parse error");
  EXPECT_EQ(t.error({"-strict=z"}),
            "invalid boolean value \"z\" for -strict: strconv.ParseBool: parsing \"z\": invalid syntax");
  EXPECT_EQ(t.error({"-number=z"}), "invalid value \"z\" for flag -number: parse error");
  EXPECT_EQ(t.error({"-index=-1"}), "invalid value \"-1\" for flag -index: parse error");
  EXPECT_EQ(t.error({"-index=18446744073709551616"}),
            "invalid value \"18446744073709551616\" for flag -index: value out of range");
  EXPECT_EQ(t.error({"-number=9223372036854775808"}),
            "invalid value \"9223372036854775808\" for flag -number: value out of range");
  EXPECT_EQ(t.error({"-wait=5"}), "invalid value \"5\" for flag -wait: parse error");
  EXPECT_EQ(t.error({"-limit=5"}),
            "invalid value \"5\" for flag -limit: time: missing unit in duration \"5\"");
  EXPECT_EQ(t.error({"-meta=a"}), "invalid value \"a\" for flag -meta: Missing \"=\" value in argument: a");
  EXPECT_EQ(t.error({"-help"}), "Usage:");
}

TEST(FlagsTest, DefaultsAreListedSorted) {
  Targets t;
  std::string text = t.flags.defaults();
  EXPECT_THAT(text, StartsWith("Usage:\n  -count value\n    \tCount.\n"));
  EXPECT_THAT(text, testing::HasSubstr("  -on\n    \tSwitch.\n"));
  EXPECT_THAT(text, testing::HasSubstr("  -yes\n    \tSwitch that is on. (default true)\n"));
  EXPECT_THAT(text, testing::HasSubstr("  -text word\n    \tA word of text. (default \"/\")\n"));
  EXPECT_THAT(text, testing::HasSubstr("  -wait duration\n"));
}

TEST(FlagsTest, NumbersTakeGosPrefixes) {
  EXPECT_EQ(parse_int_any_base("-0x1F").value(), -31);
  EXPECT_EQ(parse_int_any_base("0b101").value(), 5);
  EXPECT_EQ(parse_int_any_base("017").value(), 15);
  EXPECT_EQ(parse_int_any_base("0").value(), 0);
  EXPECT_EQ(parse_int_any_base("-9223372036854775808").value(), INT64_MIN);
  EXPECT_FALSE(parse_int_any_base("").has_value());
  EXPECT_FALSE(parse_int_any_base("-").has_value());
  EXPECT_FALSE(parse_uint_any_base("+1").has_value());
  EXPECT_FALSE(parse_uint_any_base("09").has_value());
}

}  // namespace
}  // namespace praetor::cli
