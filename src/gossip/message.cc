#include "gossip/message.h"

#include <limits>

#include "base/check.h"

namespace praetor::gossip {

using codec::kWireOmitEmpty;

PRAETOR_DESCRIBE(Ping, "ping", field("SeqNo", &Ping::seq_no), field("Node", &Ping::node),
                 field("SourceAddr", &Ping::source_addr).flag(kWireOmitEmpty),
                 field("SourcePort", &Ping::source_port).flag(kWireOmitEmpty),
                 field("SourceNode", &Ping::source_node).flag(kWireOmitEmpty))

PRAETOR_DESCRIBE(IndirectPing, "indirectPingReq", field("SeqNo", &IndirectPing::seq_no),
                 field("Target", &IndirectPing::target), field("Port", &IndirectPing::port),
                 field("Node", &IndirectPing::node), field("Nack", &IndirectPing::nack),
                 field("SourceAddr", &IndirectPing::source_addr).flag(kWireOmitEmpty),
                 field("SourcePort", &IndirectPing::source_port).flag(kWireOmitEmpty),
                 field("SourceNode", &IndirectPing::source_node).flag(kWireOmitEmpty))

PRAETOR_DESCRIBE(AckResp, "ackResp", field("SeqNo", &AckResp::seq_no), field("Payload", &AckResp::payload))
PRAETOR_DESCRIBE(NackResp, "nackResp", field("SeqNo", &NackResp::seq_no))
PRAETOR_DESCRIBE(ErrResp, "errResp", field("Error", &ErrResp::error))

PRAETOR_DESCRIBE(Suspect, "suspect", field("Incarnation", &Suspect::incarnation),
                 field("Node", &Suspect::node), field("From", &Suspect::from))
PRAETOR_DESCRIBE(Dead, "dead", field("Incarnation", &Dead::incarnation), field("Node", &Dead::node),
                 field("From", &Dead::from))
PRAETOR_DESCRIBE(Alive, "alive", field("Incarnation", &Alive::incarnation), field("Node", &Alive::node),
                 field("Addr", &Alive::addr), field("Port", &Alive::port), field("Meta", &Alive::meta),
                 field("Vsn", &Alive::vsn))

PRAETOR_DESCRIBE(Compress, "compress", field("Algo", &Compress::algorithm), field("Buf", &Compress::data))

struct PushPullHeader {
  int64_t nodes = 0;
  int64_t user_state_len = 0;
  bool join = false;
};
PRAETOR_DESCRIBE(PushPullHeader, "pushPullHeader", field("Nodes", &PushPullHeader::nodes),
                 field("UserStateLen", &PushPullHeader::user_state_len), field("Join", &PushPullHeader::join))

struct UserStreamHeader {
  int64_t length = 0;
};
PRAETOR_DESCRIBE(UserStreamHeader, "userMsgHeader", field("UserMsgLen", &UserStreamHeader::length))

Result<Versions> Versions::from_bytes(std::string_view raw) {
  if (raw.empty()) return Versions{0, 0, 0, 0, 0, 0};
  if (raw.size() < 6) return fail("protocol versions are incomplete", ErrorKind::kCorrupt);
  auto at = [&](size_t i) { return static_cast<uint8_t>(raw[i]); };
  return Versions{at(0), at(1), at(2), at(3), at(4), at(5)};
}

namespace {

namespace msgpack = codec::msgpack;

void put_bytes(std::string& out, std::string_view bytes) {
  if (bytes.empty())
    msgpack::put_nil(out);
  else
    msgpack::put_raw(out, bytes);
}

void put_node(std::string& out, const PushNode& node) {
  msgpack::put_map(out, 7);
  msgpack::put_raw(out, "Addr");
  put_bytes(out, node.addr);
  msgpack::put_raw(out, "Incarnation");
  msgpack::put_uint(out, node.incarnation);
  msgpack::put_raw(out, "Meta");
  put_bytes(out, node.meta);
  msgpack::put_raw(out, "Name");
  msgpack::put_raw(out, node.name);
  msgpack::put_raw(out, "Port");
  msgpack::put_uint(out, node.port);
  msgpack::put_raw(out, "State");
  msgpack::put_int(out, node.state);
  msgpack::put_raw(out, "Vsn");
  put_bytes(out, node.vsn);
}

template <typename Number>
Number get_number(Cursor& cursor) {
  uint64_t value = msgpack::get_uint(cursor);
  if (value > std::numeric_limits<Number>::max()) cursor.set_failed();
  return static_cast<Number>(value);
}

PushNode get_node(Cursor& cursor) {
  PushNode node;
  for (size_t left = msgpack::get_map(cursor); left > 0 && cursor.ok(); --left) {
    std::string_view key = msgpack::get_text(cursor);
    if (msgpack::next_is_nil(cursor))
      msgpack::skip(cursor);
    else if (key == "Name")
      node.name = msgpack::get_text(cursor);
    else if (key == "Addr")
      node.addr = msgpack::get_bytes(cursor);
    else if (key == "Meta")
      node.meta = msgpack::get_bytes(cursor);
    else if (key == "Vsn")
      node.vsn = msgpack::get_bytes(cursor);
    else if (key == "Port")
      node.port = get_number<uint16_t>(cursor);
    else if (key == "Incarnation")
      node.incarnation = get_number<uint32_t>(cursor);
    else if (key == "State")
      node.state = msgpack::get_int(cursor);
    else
      msgpack::skip(cursor);
  }
  return node;
}

}  // namespace

std::string encode_push_pull(const PushPull& message) {
  std::string out = encode(MessageType::kPushPull,
                           PushPullHeader{static_cast<int64_t>(message.nodes.size()),
                                          static_cast<int64_t>(message.user_state.size()), message.join});
  for (const PushNode& node : message.nodes) put_node(out, node);
  return out += message.user_state;
}

Result<PushPull> decode_push_pull(std::string_view body) {
  Cursor cursor(body);
  PushPullHeader header;
  TRY(codec::read_msgpack(cursor, header, {.raw_as_bytes = true, .max_depth = 16}));
  // A node takes more than one byte: a count beyond the bytes is a lie, and nothing is reserved for it.
  if (header.nodes < 0 ||
      static_cast<uint64_t>(header.nodes) > std::min(kMaxPushPullNodes, cursor.remaining()))
    return fail("push/pull: bad number of nodes", ErrorKind::kCorrupt);
  PushPull message;
  message.join = header.join;
  for (int64_t i = 0; i < header.nodes && cursor.ok(); ++i) message.nodes.push_back(get_node(cursor));
  if (!cursor.ok()) return fail("push/pull: malformed node", ErrorKind::kCorrupt);
  if (header.user_state_len < 0 || static_cast<uint64_t>(header.user_state_len) > cursor.remaining())
    return fail("push/pull: user state is cut short", ErrorKind::kCorrupt);
  message.user_state = cursor.bytes(static_cast<size_t>(header.user_state_len));
  return message;
}

std::string encode_user_stream(std::string_view message) {
  std::string out = encode(MessageType::kUser, UserStreamHeader{static_cast<int64_t>(message.size())});
  return out += message;
}

Result<std::string_view> decode_user_stream(std::string_view body) {
  Cursor cursor(body);
  UserStreamHeader header;
  TRY(codec::read_msgpack(cursor, header));
  if (header.length < 0 || static_cast<uint64_t>(header.length) > cursor.remaining())
    return fail("user message is cut short", ErrorKind::kCorrupt);
  return cursor.bytes(static_cast<size_t>(header.length));
}

namespace {

// Of the value at `at`, 0 when it is cut.
Result<size_t> length_at(std::string_view data, size_t at) {
  return codec::msgpack_length(at < data.size() ? data.substr(at) : std::string_view());
}

// The message ends `more` bytes after `at`.
size_t ends_at(std::string_view data, size_t at, int64_t more) {
  return data.size() - at < static_cast<uint64_t>(more) ? 0 : at + static_cast<size_t>(more);
}

Result<size_t> push_pull_length(std::string_view data, size_t at) {
  TRY_ASSIGN(auto header, decode<PushPullHeader>(data.substr(1)));
  if (header.nodes < 0 || static_cast<uint64_t>(header.nodes) > kMaxPushPullNodes ||
      header.user_state_len < 0 || static_cast<uint64_t>(header.user_state_len) > kMaxStreamBytes)
    return fail("push/pull: bad header", ErrorKind::kCorrupt);
  for (int64_t i = 0; i < header.nodes; ++i) {
    TRY_ASSIGN(size_t length, length_at(data, at));
    if (length == 0) return size_t{0};
    at += length;
  }
  return ends_at(data, at, header.user_state_len);
}

}  // namespace

Result<size_t> stream_message_length(std::string_view data) {
  if (data.empty()) return size_t{0};
  TRY_ASSIGN(size_t head, length_at(data, 1));
  switch (static_cast<MessageType>(data.front())) {
    case MessageType::kPing:
    case MessageType::kAckResp:
    case MessageType::kErr:
    case MessageType::kCompress:
      return head == 0 ? 0 : head + 1;
    case MessageType::kUser: {
      if (head == 0) return size_t{0};
      TRY_ASSIGN(auto header, decode<UserStreamHeader>(data.substr(1)));
      if (header.length < 0 || static_cast<uint64_t>(header.length) > kMaxStreamBytes)
        return fail("user message: bad length", ErrorKind::kCorrupt);
      return ends_at(data, head + 1, header.length);
    }
    case MessageType::kPushPull:
      return head == 0 ? Result<size_t>(0) : push_pull_length(data, head + 1);
    default:
      return fail("Received invalid msgType (" + std::to_string(static_cast<uint8_t>(data.front())) + ")",
                  ErrorKind::kCorrupt);
  }
}

std::string encode_compound(const std::vector<std::string_view>& parts) {
  CHECK(parts.size() <= kMaxCompoundParts);
  std::string out(1, static_cast<char>(MessageType::kCompound));
  put_u8(out, static_cast<uint8_t>(parts.size()));
  for (std::string_view part : parts) {
    CHECK(part.size() <= UINT16_MAX);
    put_u16(out, static_cast<uint16_t>(part.size()));
  }
  for (std::string_view part : parts) out += part;
  return out;
}

Result<Compound> decode_compound(std::string_view body) {
  Cursor cursor(body);
  size_t count = cursor.u8();
  Cursor lengths(cursor.bytes(count * 2));
  if (!cursor.ok()) return fail("compound message: lengths are cut short", ErrorKind::kCorrupt);
  Compound compound;
  for (size_t i = 0; i < count; ++i) {
    size_t length = lengths.u16();
    if (length > cursor.remaining()) {
      compound.lost = count - i;
      break;
    }
    compound.parts.push_back(cursor.bytes(length));
  }
  return compound;
}

}  // namespace praetor::gossip
