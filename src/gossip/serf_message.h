// Serf's messages (protocol versions 2 to 5 as serf 0.9.4 of Consul 1.8.7 speaks them; wire.md 3): they
// travel as memberlist's user messages, as the user state of a push/pull, or inside query responses. One type
// byte, then MessagePack. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/msgpack.h"
#include "codec/type.h"
#include "gossip/address.h"

namespace praetor::gossip {

using codec::Bytes;
using codec::List;
using codec::Map;
using Tags = Map<std::string>;
using LamportTime = uint64_t;

inline constexpr size_t kEventBuffer = 512;             // Lamport times remembered, of events and of queries
inline constexpr size_t kMaxEventBytes = 9 << 10;       // Serf's hard limit for a user event
inline constexpr size_t kMaxUserEventBytes = 512;       // the configured one, raw and encoded
inline constexpr size_t kMaxQueryBytes = 1024;          // an encoded query
inline constexpr size_t kMaxQueryResponseBytes = 1024;  // an encoded response

enum class SerfMessageType : uint8_t {
  kLeave,
  kJoin,
  kPushPull,
  kUserEvent,
  kQuery,
  kQueryResponse,
  kConflictResponse,
  kKeyRequest,
  kKeyResponse,
  kRelay,
};

struct JoinIntent {
  LamportTime ltime = 0;
  std::string node;
};
PRAETOR_DESCRIBED(JoinIntent)

struct LeaveIntent {
  LamportTime ltime = 0;
  std::string node;
  bool prune = false;  // forget the member at once
};
PRAETOR_DESCRIBED(LeaveIntent)

struct UserEventMessage {
  LamportTime ltime = 0;
  std::string name;
  Bytes payload;
  bool coalesce = false;
};
PRAETOR_DESCRIBED(UserEventMessage)

inline constexpr uint32_t kQueryWantsAck = 1, kQueryNoBroadcast = 2;

struct QueryMessage {
  LamportTime ltime = 0;
  uint32_t id = 0;
  Bytes addr;  // where answers go
  uint16_t port = 0;
  std::string source_node;
  List<Bytes> filters;  // see QueryFilter
  uint32_t flags = 0;
  uint8_t relay_factor = 0;
  Duration timeout{0};
  std::string name;
  Bytes payload;
};
PRAETOR_DESCRIBED(QueryMessage)

inline constexpr uint32_t kResponseIsAck = 1;

struct QueryResponseMessage {
  LamportTime ltime = 0;
  uint32_t id = 0;
  std::string from;
  uint32_t flags = 0;
  Bytes payload;
};
PRAETOR_DESCRIBED(QueryResponseMessage)

struct KeyRequest {
  Bytes key;
};
PRAETOR_DESCRIBED(KeyRequest)

struct KeyResponse {
  bool result = false;
  std::string message;
  List<std::string> keys;  // base64
  std::string primary_key;
};
PRAETOR_DESCRIBED(KeyResponse)

// A member as a conflict query's answer carries it.
struct MemberMessage {
  std::string name;
  Bytes addr;
  uint16_t port = 0;
  Tags tags;
  int64_t status = 0;
  uint8_t protocol_min = 0, protocol_max = 0, protocol_cur = 0;
  uint8_t delegate_min = 0, delegate_max = 0, delegate_cur = 0;
};
PRAETOR_DESCRIBED(MemberMessage)

template <typename T>
std::string encode(SerfMessageType type, const T& message) {
  std::string out(1, static_cast<char>(type));
  codec::write_msgpack(out, message);
  return out;
}
template <typename T>
Result<T> decode_serf(std::string_view body) {
  return codec::from_msgpack<T>(body, {.raw_as_bytes = true, .max_depth = 16});
}

// The state that two members exchange. Its maps are as large as the cluster: they are plain lists here.
struct SerfState {
  struct Status {
    std::string name;
    LamportTime ltime = 0;
  };
  struct Event {
    std::string name;
    std::string payload;
  };
  struct Events {
    LamportTime ltime = 0;
    std::vector<Event> events;
  };
  LamportTime ltime = 0, event_ltime = 0, query_ltime = 0;
  std::vector<Status> status_ltimes;
  std::vector<std::string> left_members;
  std::vector<Events> events;
};
// With its type byte. Serf sends all slots of its buffer, nil ones too; readers take any number.
std::string encode_serf_state(const SerfState& state);
Result<SerfState> decode_serf_state(std::string_view body);

// A message for `to`, carried by another member. `message` has its type byte.
std::string encode_relay(const Address& to, std::string_view name, std::string_view message);
struct Relay {
  Address to;
  std::string name;
  std::string_view message;  // lies in the body
};
Result<Relay> decode_relay(std::string_view body);

// Who is to answer a query: the members of a list, or those with a tag that matches.
struct QueryFilter {
  enum class Kind : uint8_t { kNodes, kTag };
  Kind kind = Kind::kNodes;
  std::vector<std::string> nodes;
  std::string tag, expression;  // Go's regular expressions, unanchored; an absent tag is an empty text
};
Bytes encode_filter(const QueryFilter& filter);
Result<QueryFilter> decode_filter(std::string_view data);

// Tags as memberlist's meta data: 0xff and a map; what does not begin so is a role of old. Bad ones read as
// far as they are good, as Serf does.
std::string encode_tags(const Tags& tags);
Tags decode_tags(std::string_view meta);

}  // namespace praetor::gossip
