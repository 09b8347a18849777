#include "codec/msgpack_scanner.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/test_patience.h"
#include "codec/msgpack.h"

namespace praetor::codec {
namespace {

// A value of random shape, every form of the format.
void random_value(std::mt19937& random, std::string& out, int depth) {
  switch (random() % (depth > 4 ? 7 : 11)) {
    case 0:
      return msgpack::put_nil(out);
    case 1:
      return msgpack::put_int(out, static_cast<int64_t>(random()) - (1 << 30));
    case 2:
      return msgpack::put_uint(out, uint64_t{random()} << (random() % 32));
    case 3:
      return msgpack::put_float64(out, 1.5);
    case 4:
      return msgpack::put_raw(out, std::string(random() % (random() % 9 == 0 ? 70000 : 300), 'r'));
    case 5:
      return msgpack::put_bin(out, std::string(random() % 300, 'b'));
    case 6:
      return msgpack::put_str8(out, std::string(random() % 300, 's'));
    case 7:
    case 8: {
      size_t count = random() % 20;
      msgpack::put_array(out, count);
      for (size_t i = 0; i < count; ++i) random_value(random, out, depth + 1);
      return;
    }
    default: {
      size_t count = random() % 18;
      msgpack::put_map(out, count);
      for (size_t i = 0; i < 2 * count; ++i) random_value(random, out, depth + 1);
    }
  }
}

TEST(MsgpackScanner, FindsTheEndOfRandomValuesInRandomPieces) {
  for (uint32_t seed = 0; seed < 200 / kSlowness; ++seed) {
    std::mt19937 random(seed);
    std::string value;
    random_value(random, value, 0);
    std::string stream = value + "\x93";  // the next value has begun
    MsgpackScanner scanner;
    size_t have = 0, found = 0;
    while (found == 0 && have < stream.size()) {
      have = std::min(stream.size(), have + 1 + random() % 97);
      auto length = scanner.scan(std::string_view(stream).substr(0, have));
      ASSERT_TRUE(length) << "seed " << seed;
      found = *length;
      EXPECT_EQ(found != 0, have >= value.size()) << "seed " << seed << " at " << have;
    }
    EXPECT_EQ(found, value.size()) << "seed " << seed;
    EXPECT_EQ(*msgpack_length(value), value.size()) << "seed " << seed;
  }
}

TEST(MsgpackScanner, StartsAnewAfterAValue) {
  MsgpackScanner scanner;
  EXPECT_EQ(*scanner.scan("\x92\x01\x02\x03"), 3u);
  EXPECT_EQ(*scanner.scan("\x03"), 1u);
}

TEST(MsgpackScanner, RefusesTheByteThatStartsNothing) {
  MsgpackScanner scanner;
  EXPECT_FALSE(scanner.scan("\x91\xc1"));
}

TEST(MsgpackScanner, AClaimOfFourMillionTimesFourMillionValuesJustWaits) {
  MsgpackScanner scanner;
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += std::string("\xdf\xff\xff\xff\xff", 5);
  EXPECT_EQ(*scanner.scan(deep), 0u);
}

}  // namespace
}  // namespace praetor::codec
