// What reads as MessagePack is written in one canonical form, and msgpack_length agrees with the reader.
#include "codec/msgpack.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/target.h"

using praetor::Cursor;
using praetor::codec::from_msgpack;
using praetor::codec::read_msgpack;
using praetor::codec::to_msgpack;

namespace {

template <typename T>
void round_trip(std::string_view data, bool raw_as_bytes) {
  T first{};
  Cursor cursor(data);
  if (auto status = read_msgpack(cursor, first, {.raw_as_bytes = raw_as_bytes, .max_depth = 60}); !status) {
    CHECK(!cursor.ok());
    return;
  }
  auto length = praetor::codec::msgpack_length(data);
  CHECK(length.has_value() && *length == cursor.offset());
  std::string once = to_msgpack(first);
  auto second = from_msgpack<T>(once, {.raw_as_bytes = raw_as_bytes});
  CHECK(second.has_value());
  CHECK(to_msgpack(*second) == once);
}

}  // namespace

PRAETOR_FUZZ_TARGET(msgpack) {
  round_trip<praetor::fuzz::Record>(input, false);
  round_trip<praetor::codec::Value>(input, false);
  round_trip<praetor::codec::Value>(input, true);
}
