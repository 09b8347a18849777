// Is a history of operations on one key linearizable? A search after Wing and Gong with Lowe's memory of what
// was tried (states of a key, sets of operations already placed). It sees what clients see: answers and
// times, nothing of log indexes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace praetor::sim {

// One operation on the key, as its client saw it. Numbers stand for values and sessions; 0 is none.
struct KeyOperation {
  enum class Kind : uint8_t {
    kRead,   // saw value and holder
    kWrite,  // sets value, keeps the holder
    kDelete,
    kCas,        // sets value if the version is (expected, expected_released); expected 0: if absent
    kDeleteCas,  // deletes if the version is that; an absent key is fine
    kLock,       // takes the key for `session` and sets value
    kUnlock,     // gives it back and sets value
    kRelease,    // ends the sessions: whichever of them holds the key lets go of it
    kReleaseAndDelete,
  };
  Kind kind{};
  int64_t invoked = 0;
  int64_t returned = INT64_MAX;  // never, when nobody knows what became of it
  std::optional<bool> answer{};  // of the conditional ones; nullopt: not known
  uint64_t value = 0;            // written or seen; written values are unique
  uint64_t session = 0;          // of lock and unlock; seen by a read
  uint64_t expected = 0;
  bool expected_released = false;    // the version seen was one that a session's end had left
  std::vector<uint64_t> sessions{};  // that a release ends
  uint64_t hint = 0;  // of those that may come next the least is tried first: it makes a true order soon
                      // found, and hides none
};

// Ops that surely did nothing are left out by the caller. Up to 2^16 operations; more than `budget` steps:
// true (not refuted), and *exhausted is set.
bool linearizable(const std::vector<KeyOperation>& operations, uint64_t budget = 2'000'000,
                  bool* exhausted = nullptr);

}  // namespace praetor::sim
