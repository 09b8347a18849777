#include "base/cursor.h"

#include "base/check.h"

namespace praetor {

std::string_view Cursor::bytes(size_t count) {
  if (!ok_ || data_.size() - offset_ < count) {
    ok_ = false;
    return {};
  }
  std::string_view piece = data_.substr(offset_, count);
  offset_ += count;
  return piece;
}

void Cursor::seek(size_t offset) {
  if (offset > data_.size()) {
    ok_ = false;
    return;
  }
  offset_ = offset;
}

namespace {
uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

void put_big_endian(std::string& out, uint64_t value, size_t width) {
  for (size_t i = width; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}
}  // namespace

uint8_t Cursor::u8() { return static_cast<uint8_t>(big_endian(bytes(1))); }
uint16_t Cursor::u16() { return static_cast<uint16_t>(big_endian(bytes(2))); }
uint32_t Cursor::u32() { return static_cast<uint32_t>(big_endian(bytes(4))); }
uint64_t Cursor::u64() { return big_endian(bytes(8)); }

void put_u8(std::string& out, uint8_t value) { out.push_back(static_cast<char>(value)); }
void put_u16(std::string& out, uint16_t value) { put_big_endian(out, value, 2); }
void put_u32(std::string& out, uint32_t value) { put_big_endian(out, value, 4); }
void put_u64(std::string& out, uint64_t value) { put_big_endian(out, value, 8); }

void patch_u16(std::string& out, size_t offset, uint16_t value) {
  CHECK(offset + 2 <= out.size());
  out[offset] = static_cast<char>(value >> 8);
  out[offset + 1] = static_cast<char>(value);
}

void patch_u32(std::string& out, size_t offset, uint32_t value) {
  CHECK(offset + 4 <= out.size());
  for (size_t i = 0; i < 4; ++i) out[offset + i] = static_cast<char>(value >> (8 * (3 - i)));
}

}  // namespace praetor
