#include <gtest/gtest.h>

#include "base/cursor.h"
#include "base/random.h"
#include "base/text.h"
#include "base/time.h"
#include "base/uuid.h"

namespace praetor {
namespace {

std::string duration_error(std::string_view text) {
  auto parsed = parse_duration(text);
  return parsed ? "parsed" : parsed.error().message;
}

TEST(Duration, ParsesAndPrintsAsGo) {
  for (std::string_view text :
       {"1h2m3.5s", "10s", "1m0s", "250ms", "1.5\xc2\xb5s", "0s", "-1h0m0s", "72h0m0s"}) {
    auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(format_duration(*parsed), text);
  }
  EXPECT_EQ(duration_error("1"), "time: missing unit in duration \"1\"");
  EXPECT_EQ(duration_error("zz"), "time: invalid duration \"zz\"");
  EXPECT_EQ(duration_error("1x"), "time: unknown unit \"x\" in duration \"1x\"");
  EXPECT_EQ(duration_error(""), "time: invalid duration \"\"");
  EXPECT_EQ(duration_error("9999999999h"), "time: invalid duration \"9999999999h\"");
}

TEST(Time, PrintsAndParsesRfc3339) {
  EXPECT_EQ(format_rfc3339(Time{}), "0001-01-01T00:00:00Z");
  Time time{1'700'000'000, 120'000'000};
  EXPECT_EQ(format_rfc3339(time), "2023-11-14T22:13:20.12Z");
  EXPECT_EQ(parse_rfc3339("2023-11-14T23:13:20.12+01:00").value(), time);
  EXPECT_FALSE(parse_rfc3339("2023-13-14T23:13:20Z"));
}

TEST(Text, NumbersFailAsGo) {
  EXPECT_EQ(parse_uint("abc").error().message, "strconv.ParseUint: parsing \"abc\": invalid syntax");
  EXPECT_EQ(parse_uint("18446744073709551616").error().message,
            "strconv.ParseUint: parsing \"18446744073709551616\": value out of range");
  EXPECT_EQ(parse_uint("18446744073709551615").value(), 18446744073709551615u);
  EXPECT_EQ(parse_int("-9223372036854775808").value(), INT64_MIN);
}

TEST(Text, Base64RoundTripsAndNamesTheBadByte) {
  for (std::string text : {"", "a", "ab", "abc", "abcd"})
    EXPECT_EQ(base64_decode(base64_encode(text)).value(), text);
  EXPECT_EQ(base64_decode("!!!").error().message, "illegal base64 data at input byte 0");
}

TEST(Text, QuotesAndSanitizes) {
  EXPECT_EQ(go_quote("a\"\n\xff"), "\"a\\\"\\n\\xff\"");
  EXPECT_EQ(sanitize_utf8("a\xffz"), "a\xef\xbf\xbdz");
  EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));
}

TEST(Cursor, FailsOnceAndForAll) {
  Cursor cursor("\x01\x02");
  EXPECT_EQ(cursor.u16(), 0x0102);
  EXPECT_TRUE(cursor.ok());
  EXPECT_EQ(cursor.u8(), 0);
  EXPECT_FALSE(cursor.ok());
}

TEST(Uuid, IsWellFormedAndReplaysFromASeed) {
  Random a(7), b(7);
  std::string uuid = make_uuid(a);
  EXPECT_TRUE(is_uuid(uuid));
  EXPECT_EQ(uuid, make_uuid(b));
  EXPECT_NE(uuid, make_uuid(a));
}

}  // namespace
}  // namespace praetor
