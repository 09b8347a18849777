// Bounds-checked reading and writing of binary data, big endian as every protocol here is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace praetor {

// Reads from a view that outlives it. Past the end every read yields zeros or empty views and ok() turns
// false for good (a sticky error), so that a parser checks once at its end. One thread.
class Cursor {
 public:
  explicit Cursor(std::string_view data) : data_(data) {}

  uint8_t u8();
  uint16_t u16();
  uint32_t u32();
  uint64_t u64();
  std::string_view bytes(size_t count);
  void skip(size_t count) { bytes(count); }
  // Moves to an absolute offset (DNS compression pointers); past the end is a failure.
  void seek(size_t offset);

  bool ok() const { return ok_; }
  void set_failed() { ok_ = false; }
  size_t offset() const { return offset_; }
  size_t remaining() const { return ok_ ? data_.size() - offset_ : 0; }
  bool at_end() const { return remaining() == 0; }
  std::string_view whole() const { return data_; }
  std::string_view rest() const { return ok_ ? data_.substr(offset_) : std::string_view(); }

 private:
  std::string_view data_;
  size_t offset_ = 0;
  bool ok_ = true;
};

void put_u8(std::string& out, uint8_t value);
void put_u16(std::string& out, uint16_t value);
void put_u32(std::string& out, uint32_t value);
void put_u64(std::string& out, uint64_t value);
// Overwrites two bytes at `offset`, which must lie inside `out` (lengths that are known later).
void patch_u16(std::string& out, size_t offset, uint16_t value);
void patch_u32(std::string& out, size_t offset, uint32_t value);

}  // namespace praetor
