#include "raft/checksum.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace praetor::raft {
namespace {

// Slicing by eight: table k advances a byte that stands k places before the last of a word.
template <typename Word>
constexpr std::array<std::array<Word, 256>, 8> make_tables(Word reversed_polynomial) {
  std::array<std::array<Word, 256>, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    Word value = byte;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1) != 0 ? value >> 1 ^ reversed_polynomial : value >> 1;
    tables[0][byte] = value;
  }
  for (size_t k = 1; k < 8; ++k)
    for (size_t byte = 0; byte < 256; ++byte) {
      Word previous = tables[k - 1][byte];
      tables[k][byte] = previous >> 8 ^ tables[0][previous & 0xff];
    }
  return tables;
}

constexpr auto kCastagnoli = make_tables<uint32_t>(0x82f63b78);
constexpr auto kEcma = make_tables<uint64_t>(0xc96c5795d7870f42);

uint64_t load_little_endian(const char* data) {
  uint64_t word;
  std::memcpy(&word, data, sizeof word);  // every supported machine is little endian
  return word;
}

template <typename Word>
Word update(const std::array<std::array<Word, 256>, 8>& tables, std::string_view bytes, Word crc) {
  crc = ~crc;
  const char* data = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; data += 8, left -= 8) {
    uint64_t word = load_little_endian(data) ^ crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= tables[7 - k][word >> (8 * k) & 0xff];
  }
  for (; left > 0; ++data, --left) crc = crc >> 8 ^ tables[0][(crc ^ static_cast<uint8_t>(*data)) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(std::string_view bytes, uint32_t seed) {
  uint64_t crc = ~seed;
  const char* data = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; data += 8, left -= 8) crc = _mm_crc32_u64(crc, load_little_endian(data));
  auto narrow = static_cast<uint32_t>(crc);
  for (; left > 0; ++data, --left) narrow = _mm_crc32_u8(narrow, static_cast<uint8_t>(*data));
  return ~narrow;
}
#endif

}  // namespace

uint32_t crc32c_portable(std::string_view bytes, uint32_t seed) { return update(kCastagnoli, bytes, seed); }

uint32_t crc32c(std::string_view bytes, uint32_t seed) {
#if defined(__x86_64__)
  static const bool has_sse42 = __builtin_cpu_supports("sse4.2") != 0;
  if (has_sse42) return crc32c_sse42(bytes, seed);
#endif
  return crc32c_portable(bytes, seed);
}

uint64_t crc64_ecma(std::string_view bytes, uint64_t seed) { return update(kEcma, bytes, seed); }

}  // namespace praetor::raft
