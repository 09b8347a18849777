#include "gossip/lzw.h"

#include <array>
#include <cstdint>
#include <memory>

namespace praetor::gossip {

namespace {

constexpr unsigned kLiteralBits = 8, kMaxWidth = 12;
constexpr uint32_t kClear = 1 << kLiteralBits, kEnd = kClear + 1, kFirstFree = kEnd + 1,
                   kCodes = 1 << kMaxWidth;

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void put(uint32_t code, unsigned width) {
    bits_ |= code << count_;
    count_ += width;
    for (; count_ >= 8; count_ -= 8, bits_ >>= 8) out_.push_back(static_cast<char>(bits_));
  }
  void flush() {
    if (count_ > 0) out_.push_back(static_cast<char>(bits_));
  }

 private:
  std::string& out_;
  uint32_t bits_ = 0;
  unsigned count_ = 0;
};

// (prefix code, next byte) -> code, in an open-addressing table that is emptied by a change of generation.
class StringTable {
 public:
  void clear() { ++generation_; }
  // The code, or 0 and the slot to fill.
  uint32_t find(uint32_t key, size_t& slot) const {
    for (slot = (key * 2654435761u) >> (32 - kBits);; slot = (slot + 1) & (kSlots - 1)) {
      const Entry& entry = entries_[slot];
      if (entry.generation != generation_) return 0;
      if (entry.key == key) return entry.code;
    }
  }
  void fill(size_t slot, uint32_t key, uint32_t code) { entries_[slot] = {key, generation_, code}; }

 private:
  static constexpr unsigned kBits = 14;  // four times the codes
  static constexpr size_t kSlots = 1 << kBits;
  struct Entry {
    uint32_t key = 0, generation = 0, code = 0;
  };
  std::array<Entry, kSlots> entries_{};
  uint32_t generation_ = 1;
};

}  // namespace

std::string lzw_compress(std::string_view data) {
  static thread_local auto table = std::make_unique<StringTable>();
  table->clear();
  std::string out;
  out.reserve(data.size() / 2 + 8);
  BitWriter bits(out);
  unsigned width = kLiteralBits + 1;
  uint32_t last = kEnd;  // the newest code given; the first string's code is last + 1
  bits.put(kClear, width);
  // A code that the width cannot hold widens it; when the last one of 12 bits is given, the table starts anew
  // (true).
  auto advance = [&] {
    ++last;
    if (last == 1u << width) ++width;
    if (last < kCodes - 1) return false;
    bits.put(kClear, width);
    table->clear();
    width = kLiteralBits + 1;
    last = kEnd;
    return true;
  };

  bool started = false;
  uint32_t prefix = 0;
  for (char c : data) {
    auto byte = static_cast<uint8_t>(c);
    if (!started) {
      prefix = byte;
      started = true;
      continue;
    }
    uint32_t key = prefix << 8 | byte;
    size_t slot;
    if (uint32_t code = table->find(key, slot); code != 0) {
      prefix = code;
      continue;
    }
    bits.put(prefix, width);
    prefix = byte;
    if (!advance()) table->fill(slot, key, last);
  }
  if (started) {
    bits.put(prefix, width);
    advance();
  }
  bits.put(kEnd, width);
  bits.flush();
  return out;
}

Result<std::string> lzw_decompress(std::string_view data, size_t limit) {
  // Code c >= kFirstFree stands for the string of prefix[c] followed by the byte suffix[c].
  std::array<uint16_t, kCodes> prefix;
  std::array<uint8_t, kCodes> suffix;
  std::array<char, kCodes> reversed;
  std::string out;
  uint32_t bits = 0;
  unsigned count = 0, width = kLiteralBits + 1;
  uint32_t newest = kEnd;    // the newest code of the table
  uint32_t previous = kEnd;  // the code before this one; kEnd: none yet since the clear
  size_t at = 0;
  auto corrupt = [](const char* what) { return fail(std::string("lzw: ") + what, ErrorKind::kCorrupt); };

  while (true) {
    for (; count < width; count += 8) {
      if (at == data.size()) return corrupt("unexpected end");
      bits |= static_cast<uint32_t>(static_cast<uint8_t>(data[at++])) << count;
    }
    uint32_t code = bits & ((1u << width) - 1);
    bits >>= width;
    count -= width;
    if (code == kEnd) return out;
    if (code == kClear) {
      width = kLiteralBits + 1;
      newest = previous = kEnd;
      continue;
    }
    bool is_next = previous != kEnd && code == newest + 1 && newest + 1 < kCodes;
    if (code > newest && !is_next) return corrupt("invalid code");

    // The string of `code`, or for the code that is about to be made: previous' string and its own first
    // byte.
    size_t length = 0;
    uint32_t walk = is_next ? previous : code;
    while (walk >= kFirstFree) {
      reversed[length++] = static_cast<char>(suffix[walk]);
      walk = prefix[walk];
    }
    auto first = static_cast<uint8_t>(walk);
    reversed[length++] = static_cast<char>(first);
    if (out.size() + length + 1 > limit)
      return fail("lzw: output is larger than the limit", ErrorKind::kTooLarge);
    while (length > 0) out.push_back(reversed[--length]);
    if (is_next) out.push_back(static_cast<char>(first));

    if (previous != kEnd && newest + 1 < kCodes) {
      ++newest;
      prefix[newest] = static_cast<uint16_t>(previous);
      suffix[newest] = first;
    }
    if (newest + 1 >= 1u << width && width < kMaxWidth) ++width;
    previous = code;
  }
}

}  // namespace praetor::gossip
