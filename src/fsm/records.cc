#include "fsm/records.h"

#include "codec/msgpack.h"

namespace praetor::fsm {

namespace msgpack = codec::msgpack;
using model::MessageType;
using store::KvFields;

Status read_dir_entry(Cursor& cursor, KvFields& fields) {
  for (size_t left = msgpack::get_map(cursor); left > 0 && cursor.ok(); left--) {
    std::string_view name = msgpack::get_text(cursor);
    if (name == "Key") {
      fields.key = msgpack::get_text(cursor);
    } else if (name == "Value") {
      fields.value = msgpack::get_bytes(cursor);
    } else if (name == "Flags") {
      fields.flags = msgpack::get_uint(cursor);
    } else if (name == "LockIndex") {
      fields.lock_index = msgpack::get_uint(cursor);
    } else if (name == "Session") {
      fields.session = msgpack::get_text(cursor);
    } else if (name == "CreateIndex") {
      fields.create_index = msgpack::get_uint(cursor);
    } else if (name == "ModifyIndex") {
      fields.modify_index = msgpack::get_uint(cursor);
    } else {
      msgpack::skip(cursor);
    }
  }
  // The store's own limits; Consul's are narrower.
  constexpr uint64_t kMaxIndex = uint64_t{1} << 48;
  bool fits =
      fields.session.size() < 256 && fields.create_index < kMaxIndex && fields.modify_index < kMaxIndex;
  if (!cursor.ok() || !fits) return fail("malformed KV entry", ErrorKind::kCorrupt);
  return {};
}

void write_dir_entry(std::string& out, const KvFields& fields) {
  msgpack::put_map(out, 7);
  msgpack::put_raw(out, "CreateIndex");
  msgpack::put_uint(out, fields.create_index);
  msgpack::put_raw(out, "Flags");
  msgpack::put_uint(out, fields.flags);
  msgpack::put_raw(out, "Key");
  msgpack::put_raw(out, fields.key);
  msgpack::put_raw(out, "LockIndex");
  msgpack::put_uint(out, fields.lock_index);
  msgpack::put_raw(out, "ModifyIndex");
  msgpack::put_uint(out, fields.modify_index);
  msgpack::put_raw(out, "Session");
  msgpack::put_raw(out, fields.session);
  msgpack::put_raw(out, "Value");
  if (fields.value.empty()) {
    msgpack::put_nil(out);
  } else {
    msgpack::put_raw(out, fields.value);
  }
}

Result<KvCommand> read_kv_command(Cursor& cursor) {
  KvCommand command;
  for (size_t left = msgpack::get_map(cursor); left > 0 && cursor.ok(); left--) {
    std::string_view name = msgpack::get_text(cursor);
    if (name == "Op") {
      command.op = msgpack::get_text(cursor);
    } else if (name == "DirEnt") {
      TRY(read_dir_entry(cursor, command.fields));
    } else {
      msgpack::skip(cursor);
    }
  }
  if (!cursor.ok()) return fail("malformed KVS request", ErrorKind::kCorrupt);
  return command;
}

std::string_view map_field(std::string_view map, std::string_view name) {
  Cursor cursor(map);
  for (size_t left = msgpack::get_map(cursor); left > 0 && cursor.ok(); left--) {
    bool wanted = msgpack::get_text(cursor) == name;
    size_t start = cursor.offset();
    msgpack::skip(cursor);
    if (wanted && cursor.ok()) return map.substr(start, cursor.offset() - start);
  }
  return {};
}

std::string_view text_field(std::string_view map, std::string_view name) {
  std::string_view value = map_field(map, name);
  if (value.empty()) return {};
  Cursor cursor(value);
  return msgpack::get_text(cursor);
}

namespace {

// Raw(kind, map{Entry: map or raw(map)}) -> "kind/name".
std::string config_entry_id(std::string_view payload) {
  Cursor outer(payload);
  std::string_view inside = msgpack::get_bytes(outer);
  Cursor cursor(inside);
  std::string id(msgpack::get_text(cursor));
  std::string_view entry = map_field(cursor.rest(), "Entry");
  if (entry.empty()) return id;
  Cursor form(entry);
  auto first = static_cast<uint8_t>(entry.front());
  bool raw =
      (first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb);  // a type with its own form
  if (raw) entry = msgpack::get_bytes(form);
  return id.append("/").append(text_field(entry, "Name"));
}

}  // namespace

std::string opaque_id(MessageType type, std::string_view payload) {
  switch (type) {
    case MessageType::kACLTokenSet: {
      std::string_view accessor = text_field(payload, "AccessorID");
      return std::string(accessor.empty() ? text_field(payload, "SecretID") : accessor);
    }
    case MessageType::kACLAuthMethodSet:
      return std::string(text_field(payload, "Name"));
    case MessageType::kConfigEntry:
      return config_entry_id(payload);
    case MessageType::kFederationState: {
      return std::string(text_field(map_field(payload, "State"), "Datacenter"));
    }
    case MessageType::kAutopilot:
    case MessageType::kConnectCAConfig:
    case MessageType::kACLBootstrap:
      return "";
    default:
      return std::string(text_field(payload, "ID"));
  }
}

}  // namespace praetor::fsm
