// Internal to codec.
#pragma once

#include <cstdint>
#include <string>

namespace praetor::codec {

// Appends a code point (at most U+10FFFF).
inline void put_utf8(std::string& out, uint32_t code) {
  auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
    }
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

inline bool is_surrogate(uint32_t code) { return code >= 0xd800 && code < 0xe000; }

}  // namespace praetor::codec
