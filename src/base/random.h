// Randomness is passed in, so that a simulation replays from its seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace praetor {

// Not for secrets (see secure_random_bytes). One thread at a time.
class Random {
 public:
  explicit Random(uint64_t seed);
  uint64_t next();
  // Uniform in [0, bound); 0 when bound is 0.
  uint64_t below(uint64_t bound);
  // Uniform in [0, 1).
  double real();

 private:
  uint64_t state_[4];
};

// A generator seeded by the operating system; one a thread.
Random& thread_random();
std::string secure_random_bytes(size_t count);

}  // namespace praetor
