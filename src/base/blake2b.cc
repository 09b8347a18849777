#include "base/blake2b.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/check.h"

namespace praetor {
namespace {

using Words = std::array<uint64_t, 16>;
using State = std::array<uint64_t, 8>;

constexpr size_t kBlock = 128;
constexpr State kStart = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                          0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
// The order of the block's words in each of the ten rounds that differ; the last two begin again.
constexpr std::array<std::string_view, 10> kOrders = {
    "0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8", "905724afe1bc683d",
    "2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5", "a2847615fb9e3cd0"};

constexpr size_t digit(char c) { return static_cast<size_t>(c <= '9' ? c - '0' : c - 'a' + 10); }

void mix(Words& v, size_t a, size_t b, size_t c, size_t d, uint64_t x, uint64_t y) {
  v[a] += v[b] + x;
  v[d] = std::rotr(v[d] ^ v[a], 32);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 24);
  v[a] += v[b] + y;
  v[d] = std::rotr(v[d] ^ v[a], 16);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 63);
}

// `block` is at most kBlock long: the last one is filled up with zeros. `total`: the bytes until its end.
void compress(State& h, std::string_view block, uint64_t total, bool last) {
  std::array<unsigned char, kBlock> bytes{};
  if (!block.empty()) std::memcpy(bytes.data(), block.data(), block.size());
  Words m{};
  for (size_t i = 0; i < kBlock; i++) m[i / 8] |= uint64_t{bytes[i]} << (i % 8 * 8);
  Words v;
  for (size_t i = 0; i < 8; i++) {
    v[i] = h[i];
    v[i + 8] = kStart[i];
  }
  v[12] ^= total;
  if (last) v[14] = ~v[14];
  for (size_t round = 0; round < 12; round++) {
    std::string_view order = kOrders[round % 10];
    auto word = [&](size_t i) { return m[digit(order[i])]; };
    for (size_t i = 0; i < 4; i++) mix(v, i, i + 4, i + 8, i + 12, word(2 * i), word(2 * i + 1));
    for (size_t i = 0; i < 4; i++)
      mix(v, i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12, word(2 * i + 8), word(2 * i + 9));
  }
  for (size_t i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
}

}  // namespace

std::string blake2b(std::string_view data, size_t size) {
  CHECK(size >= 1 && size <= 64);
  State h = kStart;
  h[0] ^= 0x01010000 ^ size;
  size_t at = 0;
  for (; data.size() - at > kBlock; at += kBlock) compress(h, data.substr(at, kBlock), at + kBlock, false);
  compress(h, data.substr(at), data.size(), true);
  std::string hash(size, '\0');
  for (size_t i = 0; i < size; i++) hash[i] = static_cast<char>(h[i / 8] >> (i % 8 * 8));
  return hash;
}

}  // namespace praetor
