#include "codec/msgpack.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/text.h"
#include "codec/json.h"

namespace praetor::codec {
namespace {

struct Index {
  uint64_t create_index = 0;
};
PRAETOR_DESCRIBED(Index)
PRAETOR_DESCRIBE(Index, "Index", field("CreateIndex", &Index::create_index))

struct Entry {
  std::string key;
  Bytes value;
  int8_t small = 0;
  uint16_t port = 0;
  double real = 0;
  bool flag = false;
  Duration wait{0};
  Time at;
  List<std::string> tags;
  Map<std::string> meta;
  Box<Entry> next;
  Value any;
  std::string optional;
  std::string local;
  Index index;
};
PRAETOR_DESCRIBED(Entry)
PRAETOR_DESCRIBE(Entry, "Entry", field("Key", &Entry::key), field("Value", &Entry::value),
                 field("Small", &Entry::small), field("Port", &Entry::port), field("Real", &Entry::real),
                 field("Flag", &Entry::flag), field("Wait", &Entry::wait), field("At", &Entry::at),
                 field("Tags", &Entry::tags), field("Meta", &Entry::meta), field("Next", &Entry::next),
                 field("Any", &Entry::any), field("o", &Entry::optional).flag(kWireOmitEmpty),
                 field("Local", &Entry::local).no_wire(), embedded(&Entry::index))

struct Pair {
  std::string b;
  Bytes a;
};
PRAETOR_DESCRIBED(Pair)
PRAETOR_DESCRIBE(Pair, "Pair", field("B", &Pair::b), field("A", &Pair::a))

TEST(MsgpackWriter, SortsKeysAndKeepsNil) {
  Pair pair{.b = "x", .a = {}};
  EXPECT_EQ(hex_encode(to_msgpack(pair)), "82a141c0a142a178");
  EXPECT_EQ(hex_encode(to_msgpack(List<std::string>())), "c0");
  List<std::string> empty;
  empty.make_empty();
  EXPECT_EQ(hex_encode(to_msgpack(empty)), "90");
  EXPECT_EQ(hex_encode(to_msgpack(Time{})), "af01" + std::string(24, '0') + "ffff");
  EXPECT_EQ(hex_encode(to_msgpack(Duration(1'000'000'000))), "ce3b9aca00");
  EXPECT_EQ(hex_encode(to_msgpack(1.5)), "cb3ff8000000000000");
  EXPECT_EQ(hex_encode(to_msgpack(1.5f)), "ca3fc00000");
}

TEST(MsgpackWriter, SmallestIntegers) {
  struct {
    int64_t value;
    const char* hex;
  } cases[] = {{0, "00"},
               {127, "7f"},
               {128, "cc80"},
               {255, "ccff"},
               {256, "cd0100"},
               {65536, "ce00010000"},
               {4294967296, "cf0000000100000000"},
               {-1, "ff"},
               {-32, "e0"},
               {-33, "d0df"},
               {-129, "d1ff7f"},
               {-32769, "d2ffff7fff"},
               {std::numeric_limits<int64_t>::min(), "d38000000000000000"}};
  for (const auto& c : cases) {
    std::string out = to_msgpack(c.value);
    EXPECT_EQ(hex_encode(out), c.hex);
    EXPECT_EQ(from_msgpack<int64_t>(out).value(), c.value);
  }
  EXPECT_FALSE(from_msgpack<int64_t>(to_msgpack(std::numeric_limits<uint64_t>::max())));
  EXPECT_FALSE(from_msgpack<uint64_t>(to_msgpack(int64_t{-1})));
  EXPECT_FALSE(from_msgpack<uint16_t>(to_msgpack(int64_t{65536})));
}

TEST(MsgpackWriter, RawAndNewSpecForms) {
  auto head = [](const std::string& text) { return hex_encode(text.substr(0, 5)); };
  EXPECT_EQ(head(to_msgpack(std::string(31, 'a'))), "bf61616161");
  EXPECT_EQ(head(to_msgpack(std::string(32, 'a'))), "da00206161");
  EXPECT_EQ(head(to_msgpack(std::string(65536, 'a'))), "db00010000");
  EXPECT_EQ(head(to_msgpack(std::string(32, 'a'), {.new_spec = true})), "d920616161");
  EXPECT_EQ(hex_encode(to_msgpack(Bytes("ab"), {.new_spec = true})), "c4026162");
  EXPECT_EQ(hex_encode(to_msgpack(Bytes("ab"))), "a26162");
}

Entry full_entry() {
  Entry entry;
  entry.key = "k";
  entry.value = Bytes(std::string("\x00\xff", 2));
  entry.small = -5;
  entry.port = 8300;
  entry.real = 0.25;
  entry.flag = true;
  entry.wait = Duration(-7);
  entry.at = Time{1'600'000'000, 123};
  entry.tags = {"a", "b"};
  entry.meta["x"] = "y";
  entry.next.emplace().key = "inner";
  entry.any =
      ValueMap{{"l", ValueList{Value(int64_t{-1}), Value(uint64_t{300}), Value(2.5), Value("t"), Value()}},
               {"b", Value(true)}};
  entry.optional = "here";
  entry.index.create_index = 1 << 20;
  return entry;
}

TEST(MsgpackReader, RoundTripsEveryKind) {
  Entry entry = full_entry();
  std::string wire = to_msgpack(entry);
  auto back = from_msgpack<Entry>(wire);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_msgpack(*back), wire);
  EXPECT_EQ(to_json(*back), to_json(entry));
  EXPECT_EQ(back->next->key, "inner");
  EXPECT_EQ(back->at, entry.at);
  EXPECT_FALSE(contains(to_msgpack(Entry{}), "\xa1o"));
  // Every prefix is an error, never a crash, and msgpack_length says "not yet".
  for (size_t size = 0; size < wire.size(); ++size) {
    EXPECT_FALSE(from_msgpack<Entry>(std::string_view(wire).substr(0, size)));
    EXPECT_EQ(msgpack_length(std::string_view(wire).substr(0, size)).value(), 0u);
  }
  EXPECT_EQ(msgpack_length(wire + "tail").value(), wire.size());
  EXPECT_FALSE(msgpack_length("\xc1"));
}

TEST(MsgpackReader, OverwritesOnlyWhatIsThere) {
  Pair pair{.b = "old", .a = Bytes("old")};
  // {"Z": [1, {"q": bin8}], "B": "new"}: unknown keys of any shape are skipped, order does not matter.
  std::string wire = hex_decode("82a15a920181a171c402ffffa142a36e6577").value();
  Cursor cursor(wire);
  ASSERT_TRUE(read_msgpack(cursor, pair));
  EXPECT_TRUE(cursor.at_end());
  EXPECT_EQ(pair.b, "new");
  EXPECT_EQ(pair.a, Bytes("old"));
  Cursor nil_cursor(
      "\x81\xa1"
      "B\xc0");
  ASSERT_TRUE(read_msgpack(nil_cursor, pair));
  EXPECT_EQ(pair.b, "");
}

TEST(MsgpackReader, TextsRefuseBin) {
  std::string bin = hex_decode("c4026162").value();
  EXPECT_FALSE(from_msgpack<std::string>(bin));
  EXPECT_EQ(from_msgpack<Bytes>(bin).value(), Bytes("ab"));
  EXPECT_EQ(from_msgpack<std::string>(hex_decode("d9026162").value()).value(), "ab");
  EXPECT_EQ(from_msgpack<Bytes>(hex_decode("92610c").value()).value(), Bytes("a\x0c"));
}

TEST(MsgpackReader, ValueFollowsTheHandle) {
  std::string raw = to_msgpack(std::string("ab"));
  EXPECT_EQ(from_msgpack<Value>(raw).value(), Value("ab"));
  EXPECT_EQ(from_msgpack<Value>(raw, {.raw_as_bytes = true}).value(), Value(Bytes("ab")));
}

TEST(MsgpackReader, LimitsDepthAndCounts) {
  EXPECT_FALSE(from_msgpack<Value>(std::string(300, '\x91') + "\xc0"));
  EXPECT_TRUE(from_msgpack<Value>(std::string(199, '\x91') + "\xc0"));
  EXPECT_FALSE(from_msgpack<Value>(hex_decode("ddffffffff").value()));
  EXPECT_FALSE(from_msgpack<List<std::string>>(hex_decode("ddffffffffa0").value()));
  auto error = from_msgpack<Pair>(hex_decode("81a142c3").value()).error();
  EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
  EXPECT_EQ(error.message, "msgpack decode error [pos 4]: not a text");
}

TEST(MsgpackPieces, ReadWhatTheyWrite) {
  std::string out;
  msgpack::put_map(out, 2);
  msgpack::put_raw(out, "k");
  msgpack::put_array(out, 20);
  for (int i = 0; i < 20; ++i) msgpack::put_int(out, i - 10);
  msgpack::put_str8(out, std::string(40, 's'));
  msgpack::put_bin(out, "bin");
  msgpack::put_nil(out);
  msgpack::put_bool(out, true);
  msgpack::put_float64(out, 0.5);
  msgpack::put_uint(out, 70000);
  Cursor cursor(out);
  EXPECT_EQ(msgpack::get_map(cursor), 2u);
  EXPECT_EQ(msgpack::get_text(cursor), "k");
  EXPECT_EQ(msgpack::get_array(cursor), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(msgpack::get_int(cursor), i - 10);
  EXPECT_EQ(msgpack::get_text(cursor), std::string(40, 's'));
  EXPECT_EQ(msgpack::get_bytes(cursor), "bin");
  EXPECT_TRUE(msgpack::next_is_nil(cursor));
  msgpack::skip(cursor);
  EXPECT_TRUE(msgpack::get_bool(cursor));
  EXPECT_EQ(msgpack::get_float(cursor), 0.5);
  EXPECT_EQ(msgpack::get_uint(cursor), 70000u);
  EXPECT_TRUE(cursor.ok() && cursor.at_end());
  EXPECT_EQ(msgpack::get_uint(cursor), 0u);
  EXPECT_FALSE(cursor.ok());
}

}  // namespace
}  // namespace praetor::codec
