// memberlist's messages (protocol versions 1 to 5, as memberlist 0.2.2 of Consul 1.8.7 speaks them; wire.md
// 2.1): one type byte, then a MessagePack map. Decoding checks everything that the core relies on, so that no
// malformed message gets past it. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/msgpack.h"
#include "codec/type.h"
#include "gossip/address.h"

namespace praetor::gossip {

using codec::Bytes;

inline constexpr size_t kMaxMetaBytes = 512;          // a node's meta data (Serf's encoded tags)
inline constexpr size_t kMaxStreamBytes = 20 << 20;   // a message on a stream, encrypted or plain
inline constexpr size_t kMaxPushPullNodes = 1 << 18;  // nodes in one push/pull
inline constexpr size_t kMaxCompoundParts = 255;      // messages in one compound: its count is a byte

enum class MessageType : uint8_t {
  kPing,
  kIndirectPing,
  kAckResp,
  kSuspect,
  kAlive,
  kDead,
  kPushPull,
  kCompound,
  kUser,
  kCompress,
  kEncrypt,
  kNackResp,
  kHasCrc,
  kErr,
};

enum class NodeState : uint8_t { kAlive, kSuspect, kDead, kLeft };

// What a node understands and speaks: of memberlist's protocol and of the delegate's (Serf's).
struct Versions {
  uint8_t min = 1, max = 5, current = 2;
  uint8_t delegate_min = 2, delegate_max = 5, delegate_current = 4;

  // Six bytes in this order; an empty text means "not told" and gives zeros.
  static Result<Versions> from_bytes(std::string_view raw);
  std::string_view view() const { return {reinterpret_cast<const char*>(this), sizeof *this}; }
  std::string bytes() const { return std::string(view()); }
  bool operator==(const Versions&) const = default;
};
static_assert(sizeof(Versions) == 6);  // the bytes of the wire

struct Ping {
  uint32_t seq_no = 0;
  std::string node;   // whom it is meant for; empty: whoever reads it
  Bytes source_addr;  // where the ack goes; empty in old senders: then to the packet's source
  uint16_t source_port = 0;
  std::string source_node;
};
PRAETOR_DESCRIBED(Ping)

struct IndirectPing {
  uint32_t seq_no = 0;
  Bytes target;
  uint16_t port = 0;
  std::string node;
  bool nack = false;  // the sender wants to hear of a silent target too
  Bytes source_addr;
  uint16_t source_port = 0;
  std::string source_node;
};
PRAETOR_DESCRIBED(IndirectPing)

struct AckResp {
  uint32_t seq_no = 0;
  Bytes payload;
};
PRAETOR_DESCRIBED(AckResp)

struct NackResp {
  uint32_t seq_no = 0;
};
PRAETOR_DESCRIBED(NackResp)

struct ErrResp {
  std::string error;
};
PRAETOR_DESCRIBED(ErrResp)

struct Suspect {
  uint32_t incarnation = 0;
  std::string node;
  std::string from;
};
PRAETOR_DESCRIBED(Suspect)

// from == node: the node left by its own will.
struct Dead {
  uint32_t incarnation = 0;
  std::string node;
  std::string from;
};
PRAETOR_DESCRIBED(Dead)

struct Alive {
  uint32_t incarnation = 0;
  std::string node;
  Bytes addr;
  uint16_t port = 0;
  Bytes meta;
  Bytes vsn;
};
PRAETOR_DESCRIBED(Alive)

// One node of a push/pull. There may be very many: these are views, and codec's tables are not used.
struct PushNode {
  std::string_view name, addr, meta, vsn;
  uint16_t port = 0;
  uint32_t incarnation = 0;
  int64_t state = 0;
};

// The views point into what was decoded, or to whatever is to be encoded.
struct PushPull {
  std::vector<PushNode> nodes;
  bool join = false;
  std::string_view user_state;  // the delegate's (serf_message.h)
};

struct Compress {
  uint8_t algorithm = 0;  // 0: LZW
  Bytes data;
};
PRAETOR_DESCRIBED(Compress)

// The type byte and the body.
template <typename T>
std::string encode(MessageType type, const T& message) {
  std::string out(1, static_cast<char>(type));
  codec::write_msgpack(out, message);
  return out;
}
// `body` is what follows the type byte; bytes after the map are ignored, as Go's decoder does.
template <typename T>
Result<T> decode(std::string_view body) {
  return codec::from_msgpack<T>(body, {.raw_as_bytes = true, .max_depth = 16});
}

// The whole push/pull message: header, nodes, user state. What is decoded lies in `body`.
std::string encode_push_pull(const PushPull& message);
Result<PushPull> decode_push_pull(std::string_view body);

// A user message on a stream has a length in front (on a packet it simply takes the rest).
std::string encode_user_stream(std::string_view message);
Result<std::string_view> decode_user_stream(std::string_view body);  // lies in `body`

// The whole length of the message at the front of a stream's bytes (ping, ackResp, pushPull, user, compress,
// err): 0 while it is not all there. kCorrupt for what no stream carries.
Result<size_t> stream_message_length(std::string_view data);

// Puts several messages (at most kMaxCompoundParts, each below 64 KiB) into one.
std::string encode_compound(const std::vector<std::string_view>& parts);
// The parts lie in `body`. A cut tail loses its parts; `lost` tells how many.
struct Compound {
  std::vector<std::string_view> parts;
  size_t lost = 0;
};
Result<Compound> decode_compound(std::string_view body);

}  // namespace praetor::gossip
