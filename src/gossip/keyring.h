// The keys of a pool and the sealing of what goes out: AES-GCM, wire.md 2.6. Single-threaded: owned by the
// pool's thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace praetor::gossip {

inline constexpr size_t kMaxKeys = 64;  // on one ring; each costs a try for every packet that none opens

// Encryption version 0 pads to AES' block (memberlist protocol 1), 1 does not (2 and later).
inline constexpr uint8_t kPaddedEncryption = 0, kPlainEncryption = 1;

// What sealing adds at the most.
size_t encryption_overhead(uint8_t version);
// The exact length of a sealed message.
size_t sealed_length(uint8_t version, size_t length);

// A key has 16, 24 or 32 bytes (AES-128, -192, -256). The first one is primary: it seals; every one opens.
class Keyring {
 public:
  Keyring() = default;
  // `primary` is put first, wherever it stands in `keys`.
  static Result<Keyring> make(const std::vector<std::string>& keys, const std::string& primary);
  // Serf's keyring file: a JSON array of base64 texts, the first of them primary.
  static Result<Keyring> from_json(std::string_view text);
  std::string to_json() const;

  bool empty() const { return keys_.empty(); }
  const std::vector<std::string>& keys() const { return keys_; }
  const std::string& primary() const { return keys_.front(); }

  // A known key is no error.
  Status add(std::string_view key);
  Status use(std::string_view key);     // makes it primary; it must be on the ring
  Status remove(std::string_view key);  // not the primary; an unknown key is no error

  // `context` is authenticated with the message, not sent (the head of a stream's frame). Needs a key.
  std::string seal(uint8_t version, std::string_view message, std::string_view context) const;
  Result<std::string> open(std::string_view sealed, std::string_view context) const;

 private:
  std::vector<std::string> keys_;
};

Status validate_key(std::string_view key);

}  // namespace praetor::gossip
