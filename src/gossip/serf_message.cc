#include "gossip/serf_message.h"

#include <algorithm>

namespace praetor::gossip {

namespace msgpack = codec::msgpack;

PRAETOR_DESCRIBE(JoinIntent, "messageJoin", field("LTime", &JoinIntent::ltime),
                 field("Node", &JoinIntent::node))
PRAETOR_DESCRIBE(LeaveIntent, "messageLeave", field("LTime", &LeaveIntent::ltime),
                 field("Node", &LeaveIntent::node), field("Prune", &LeaveIntent::prune))
PRAETOR_DESCRIBE(UserEventMessage, "messageUserEvent", field("LTime", &UserEventMessage::ltime),
                 field("Name", &UserEventMessage::name), field("Payload", &UserEventMessage::payload),
                 field("CC", &UserEventMessage::coalesce))
PRAETOR_DESCRIBE(QueryMessage, "messageQuery", field("LTime", &QueryMessage::ltime),
                 field("ID", &QueryMessage::id), field("Addr", &QueryMessage::addr),
                 field("Port", &QueryMessage::port), field("SourceNode", &QueryMessage::source_node),
                 field("Filters", &QueryMessage::filters), field("Flags", &QueryMessage::flags),
                 field("RelayFactor", &QueryMessage::relay_factor), field("Timeout", &QueryMessage::timeout),
                 field("Name", &QueryMessage::name), field("Payload", &QueryMessage::payload))
PRAETOR_DESCRIBE(QueryResponseMessage, "messageQueryResponse", field("LTime", &QueryResponseMessage::ltime),
                 field("ID", &QueryResponseMessage::id), field("From", &QueryResponseMessage::from),
                 field("Flags", &QueryResponseMessage::flags),
                 field("Payload", &QueryResponseMessage::payload))
PRAETOR_DESCRIBE(KeyRequest, "keyRequest", field("Key", &KeyRequest::key))
PRAETOR_DESCRIBE(KeyResponse, "nodeKeyResponse", field("Result", &KeyResponse::result),
                 field("Message", &KeyResponse::message), field("Keys", &KeyResponse::keys),
                 field("PrimaryKey", &KeyResponse::primary_key))
PRAETOR_DESCRIBE(MemberMessage, "Member", field("Name", &MemberMessage::name),
                 field("Addr", &MemberMessage::addr), field("Port", &MemberMessage::port),
                 field("Tags", &MemberMessage::tags), field("Status", &MemberMessage::status),
                 field("ProtocolMin", &MemberMessage::protocol_min),
                 field("ProtocolMax", &MemberMessage::protocol_max),
                 field("ProtocolCur", &MemberMessage::protocol_cur),
                 field("DelegateMin", &MemberMessage::delegate_min),
                 field("DelegateMax", &MemberMessage::delegate_max),
                 field("DelegateCur", &MemberMessage::delegate_cur))

struct UdpAddress {
  Bytes ip;
  int64_t port = 0;
  std::string zone;
};
PRAETOR_DESCRIBE(UdpAddress, "UDPAddr", field("IP", &UdpAddress::ip), field("Port", &UdpAddress::port),
                 field("Zone", &UdpAddress::zone))

struct RelayHeader {
  UdpAddress to;
  std::string name;
};
PRAETOR_DESCRIBE(RelayHeader, "relayHeader", field("DestAddr", &RelayHeader::to),
                 field("DestName", &RelayHeader::name))

struct TagFilter {
  std::string tag, expression;
};
PRAETOR_DESCRIBE(TagFilter, "filterTag", field("Tag", &TagFilter::tag), field("Expr", &TagFilter::expression))

namespace {
constexpr char kTagMagic = '\xff';
const codec::MsgpackReadOptions kReading{.raw_as_bytes = true, .max_depth = 16};

void put_events(std::string& out, const std::vector<SerfState::Events>& slots) {
  msgpack::put_array(out, slots.size());
  for (const SerfState::Events& slot : slots) {
    if (slot.events.empty()) {
      msgpack::put_nil(out);
      continue;
    }
    msgpack::put_map(out, 2);
    msgpack::put_raw(out, "Events");
    msgpack::put_array(out, slot.events.size());
    for (const SerfState::Event& event : slot.events) {
      msgpack::put_map(out, 2);
      msgpack::put_raw(out, "Name");
      msgpack::put_raw(out, event.name);
      msgpack::put_raw(out, "Payload");
      if (event.payload.empty())
        msgpack::put_nil(out);
      else
        msgpack::put_raw(out, event.payload);
    }
    msgpack::put_raw(out, "LTime");
    msgpack::put_uint(out, slot.ltime);
  }
}

// `take` gets each key and reads its value.
template <typename Take>
void read_map(Cursor& cursor, Take take) {
  if (msgpack::next_is_nil(cursor)) return msgpack::skip(cursor);
  size_t count = msgpack::get_map(cursor);
  for (size_t i = 0; i < count && cursor.ok(); ++i) take(msgpack::get_text(cursor));
}

std::vector<SerfState::Events> read_events(Cursor& cursor) {
  std::vector<SerfState::Events> slots;
  size_t count = msgpack::get_array(cursor);
  for (size_t i = 0; i < count && cursor.ok(); ++i) {
    SerfState::Events slot;
    read_map(cursor, [&](std::string_view key) {
      if (key == "LTime") {
        slot.ltime = msgpack::get_uint(cursor);
      } else if (key == "Events") {
        size_t events = msgpack::get_array(cursor);
        for (size_t e = 0; e < events && cursor.ok(); ++e) {
          SerfState::Event& event = slot.events.emplace_back();
          read_map(cursor, [&](std::string_view name) {
            if (name == "Name")
              event.name = msgpack::get_text(cursor);
            else if (name == "Payload")
              event.payload = msgpack::get_bytes(cursor);
            else
              msgpack::skip(cursor);
          });
        }
      } else {
        msgpack::skip(cursor);
      }
    });
    if (!slot.events.empty()) slots.push_back(std::move(slot));
  }
  return slots;
}

void read_state_field(Cursor& cursor, std::string_view key, SerfState& state) {
  if (key == "LTime") {
    state.ltime = msgpack::get_uint(cursor);
  } else if (key == "EventLTime") {
    state.event_ltime = msgpack::get_uint(cursor);
  } else if (key == "QueryLTime") {
    state.query_ltime = msgpack::get_uint(cursor);
  } else if (key == "StatusLTimes") {
    read_map(cursor, [&](std::string_view name) {
      state.status_ltimes.push_back({std::string(name), msgpack::get_uint(cursor)});
    });
  } else if (key == "LeftMembers") {
    size_t count = msgpack::get_array(cursor);
    for (size_t i = 0; i < count && cursor.ok(); ++i)
      state.left_members.emplace_back(msgpack::get_text(cursor));
  } else if (key == "Events") {
    state.events = read_events(cursor);
  } else {
    msgpack::skip(cursor);
  }
}
}  // namespace

std::string encode_serf_state(const SerfState& state) {
  std::string out(1, static_cast<char>(SerfMessageType::kPushPull));
  msgpack::put_map(out, 6);
  msgpack::put_raw(out, "EventLTime");
  msgpack::put_uint(out, state.event_ltime);
  msgpack::put_raw(out, "Events");
  put_events(out, state.events);
  msgpack::put_raw(out, "LTime");
  msgpack::put_uint(out, state.ltime);
  msgpack::put_raw(out, "LeftMembers");
  msgpack::put_array(out, state.left_members.size());
  for (const std::string& name : state.left_members) msgpack::put_raw(out, name);
  msgpack::put_raw(out, "QueryLTime");
  msgpack::put_uint(out, state.query_ltime);
  msgpack::put_raw(out, "StatusLTimes");
  msgpack::put_map(out, state.status_ltimes.size());
  for (const SerfState::Status& status : state.status_ltimes) {
    msgpack::put_raw(out, status.name);
    msgpack::put_uint(out, status.ltime);
  }
  return out;
}

Result<SerfState> decode_serf_state(std::string_view body) {
  SerfState state;
  Cursor cursor(body);
  read_map(cursor, [&](std::string_view key) { read_state_field(cursor, key, state); });
  if (!cursor.ok()) return fail("serf state is malformed", ErrorKind::kCorrupt);
  return state;
}

std::string encode_relay(const Address& to, std::string_view name, std::string_view message) {
  RelayHeader header{{Bytes(std::string(to.ip.bytes())), to.port, ""}, std::string(name)};
  return encode(SerfMessageType::kRelay, header).append(message);
}

Result<Relay> decode_relay(std::string_view body) {
  Cursor cursor(body);
  RelayHeader header;
  TRY(codec::read_msgpack(cursor, header, kReading));
  IpAddress ip = IpAddress::from_bytes(header.to.ip);
  if (ip.is_none() || header.to.port <= 0 || header.to.port > UINT16_MAX || cursor.at_end())
    return fail("relay: bad destination", ErrorKind::kCorrupt);
  return Relay{{ip, static_cast<uint16_t>(header.to.port)}, header.name, cursor.rest()};
}

Bytes encode_filter(const QueryFilter& filter) {
  std::string out(1, static_cast<char>(filter.kind));
  if (filter.kind == QueryFilter::Kind::kNodes)
    codec::write_msgpack(out, List<std::string>(filter.nodes));
  else
    codec::write_msgpack(out, TagFilter{filter.tag, filter.expression});
  return Bytes(std::move(out));
}

Result<QueryFilter> decode_filter(std::string_view data) {
  if (data.empty()) return fail("query filter is empty", ErrorKind::kCorrupt);
  QueryFilter filter;
  filter.kind = static_cast<QueryFilter::Kind>(data.front());
  if (filter.kind == QueryFilter::Kind::kNodes) {
    TRY_ASSIGN(filter.nodes, decode_serf<List<std::string>>(data.substr(1)));
    return filter;
  }
  if (filter.kind != QueryFilter::Kind::kTag)
    return fail("query has unrecognized filter type: " + std::to_string(data.front()), ErrorKind::kCorrupt);
  TRY_ASSIGN(TagFilter tag, decode_serf<TagFilter>(data.substr(1)));
  filter.tag = std::move(tag.tag);
  filter.expression = std::move(tag.expression);
  return filter;
}

std::string encode_tags(const Tags& tags) {
  std::string out(1, kTagMagic);
  if (tags.empty())
    msgpack::put_map(out, 0);
  else
    codec::write_msgpack(out, tags);
  return out;
}

Tags decode_tags(std::string_view meta) {
  Tags tags;
  if (!meta.starts_with(kTagMagic)) {
    tags["role"] = std::string(meta);
    return tags;
  }
  Cursor cursor(meta.substr(1));
  (void)codec::read_msgpack(cursor, tags, kReading);
  return tags;
}

}  // namespace praetor::gossip
