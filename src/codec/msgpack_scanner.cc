#include "codec/msgpack_scanner.h"

#include <string>

namespace praetor::codec {

namespace {

// What the first byte says about a value: the bytes of its length field, the bytes that follow it, the values
// inside.
struct Shape {
  size_t length_bytes = 0;  // of a number that says how much follows
  size_t payload = 0;       // fixed bytes after the length field
  bool counts_values = false;
  uint64_t values = 0;     // inside, when the first byte says it
  uint64_t per_count = 0;  // values for each count of the length field
  bool valid = true;
};

Shape shape_of(uint8_t first) {
  if (first <= 0x7f || first >= 0xe0) return {};
  if (first <= 0x8f) return {.values = 2u * (first & 0x0f)};
  if (first <= 0x9f) return {.values = first & 0x0fu};
  if (first <= 0xbf) return {.payload = first & 0x1fu};
  switch (first) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return {};
    case 0xc4:
    case 0xd9:
      return {.length_bytes = 1};
    case 0xc5:
    case 0xda:
      return {.length_bytes = 2};
    case 0xc6:
    case 0xdb:
      return {.length_bytes = 4};
    case 0xc7:
      return {.length_bytes = 1, .payload = 1};
    case 0xc8:
      return {.length_bytes = 2, .payload = 1};
    case 0xc9:
      return {.length_bytes = 4, .payload = 1};
    case 0xcc:
    case 0xd0:
      return {.payload = 1};
    case 0xcd:
    case 0xd1:
      return {.payload = 2};
    case 0xca:
    case 0xce:
    case 0xd2:
      return {.payload = 4};
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return {.payload = 8};
    case 0xd4:
      return {.payload = 2};
    case 0xd5:
      return {.payload = 3};
    case 0xd6:
      return {.payload = 5};
    case 0xd7:
      return {.payload = 9};
    case 0xd8:
      return {.payload = 17};
    case 0xdc:
      return {.length_bytes = 2, .counts_values = true, .per_count = 1};
    case 0xdd:
      return {.length_bytes = 4, .counts_values = true, .per_count = 1};
    case 0xde:
      return {.length_bytes = 2, .counts_values = true, .per_count = 2};
    case 0xdf:
      return {.length_bytes = 4, .counts_values = true, .per_count = 2};
    default:
      return {.valid = false};
  }
}

}  // namespace

Result<size_t> MsgpackScanner::scan(std::string_view data) {
  while (missing_ > 0) {
    if (at_ >= data.size()) return 0;
    Shape shape = shape_of(static_cast<uint8_t>(data[at_]));
    if (!shape.valid)
      return fail("msgpack decode error: no value starts with byte 0xc1 (offset " + std::to_string(at_) + ")",
                  ErrorKind::kCorrupt);
    if (data.size() - at_ < 1 + shape.length_bytes) return 0;
    uint64_t number = 0;
    for (size_t i = 0; i < shape.length_bytes; ++i)
      number = number << 8 | static_cast<uint8_t>(data[at_ + 1 + i]);
    at_ += 1 + shape.length_bytes + shape.payload + (shape.counts_values ? 0 : static_cast<size_t>(number));
    missing_ += shape.values + number * shape.per_count - 1;
  }
  if (at_ > data.size()) return 0;
  size_t length = at_;
  *this = {};
  return length;
}

}  // namespace praetor::codec
