// What surrounds a message on its way (wire.md 2.3 to 2.6). Packets: compression, checksum, encryption.
// Streams: compression, encryption with a length in front. The core makes and takes bare messages; the
// adapter frames them. Pure but for the nonces; the keyring's thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gossip/keyring.h"
#include "gossip/message.h"

namespace praetor::gossip {

inline constexpr size_t kMaxPacketBytes = 65536;            // read from a socket
inline constexpr size_t kMaxInflatedPacketBytes = 1 << 20;  // a packet, decompressed
inline constexpr size_t kMaxNesting = 8;                    // compounds and compressions in each other

// How a pool frames. `keyring` may be null or empty: no encryption.
struct Framing {
  const Keyring* keyring = nullptr;
  bool compress = true;
  bool verify_incoming = true;  // what is not sealed is refused
  bool verify_outgoing = true;  // what goes out is sealed
  uint8_t encryption_version = kPlainEncryption;

  bool encrypted() const { return keyring != nullptr && !keyring->empty(); }
  bool seals() const { return encrypted() && verify_outgoing; }
};

// `checksum`: the receiver is known to understand kHasCrc (protocol 5).
std::string frame_packet(const Framing& framing, std::string_view message, bool checksum);

// Takes a packet apart down to its single messages and hands each (type byte first, never empty, neither
// compound nor compressed) to `take`, in order. The first error ends it; what was handed over stays.
Status unframe_packet(const Framing& framing, std::string_view packet,
                      const std::function<void(std::string_view)>& take);

std::string frame_stream(const Framing& framing, std::string_view message);

// Collects a stream's bytes until they hold one whole message. One a stream.
class StreamReader {
 public:
  explicit StreamReader(const Framing& framing) : framing_(framing) {}

  // The message (type byte first) once it is whole, an empty text while it is not. After an error or a
  // message the reader is spent. Ends within kMaxStreamBytes.
  Result<std::string> feed(std::string_view bytes);
  // Does anything at all lie unread? (An end of the stream now is a cut message.)
  bool started() const { return !buffer_.empty(); }

 private:
  Result<std::string> unseal();
  Result<std::string> inflate(std::string_view message, bool whole);

  const Framing& framing_;
  std::string buffer_;
};

}  // namespace praetor::gossip
