#include "base/random.h"

#include <sys/random.h>

#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/text.h"
#include "base/uuid.h"

namespace praetor {

// xoshiro256**, seeded through splitmix64 (Blackman and Vigna, prng.di.unimi.it).
Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    word = z ^ z >> 31;
  }
}

uint64_t Random::next() {
  uint64_t result = std::rotl(state_[1] * 5, 7) * 9, t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Random::below(uint64_t bound) {
  if (bound == 0) return 0;
  uint64_t reject = (0 - bound) % bound;  // the part of the range that would bias the modulus
  for (;;)
    if (uint64_t value = next(); value >= reject) return value % bound;
}

double Random::real() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::string secure_random_bytes(size_t count) {
  std::string out(count, '\0');
  for (size_t done = 0; done < count;) {
    ssize_t got = getrandom(out.data() + done, count - done, 0);
    CHECK(got > 0);
    done += static_cast<size_t>(got);
  }
  return out;
}

Random& thread_random() {
  thread_local Random random([] {
    uint64_t seed = 0;
    std::string bytes = secure_random_bytes(sizeof seed);
    std::memcpy(&seed, bytes.data(), sizeof seed);
    return seed;
  }());
  return random;
}

std::string make_uuid(Random& random) {
  uint64_t words[2] = {random.next(), random.next()};
  std::string hex = hex_encode({reinterpret_cast<const char*>(words), sizeof words});
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    char c = text[i];
    bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

}  // namespace praetor
