#include "fsm/opaque_fields.h"

#include "base/cursor.h"
#include "codec/msgpack.h"
#include "fsm/records.h"
#include "store/opaque.h"

namespace praetor::fsm {

using codec::Value;
using codec::ValueMap;
using model::MessageType;
using store::WriteTxn;

const Value& field(const ValueMap& map, std::string_view name) {
  static const Value null;
  const Value* found = map.get(name);
  return found == nullptr ? null : *found;
}

std::string text(const Value& value) {
  const std::string* found = value.string();
  return found == nullptr ? std::string() : *found;
}

uint64_t number(const Value& value) {
  if (const auto* u = std::get_if<uint64_t>(&value.data)) return *u;
  if (const auto* i = std::get_if<int64_t>(&value.data)) return static_cast<uint64_t>(*i);
  return 0;
}

bool flag(const Value& value) { return value.boolean() != nullptr && *value.boolean(); }

uint64_t number_field(std::string_view map, std::string_view name) {
  std::string_view value = map_field(map, name);
  if (value.empty()) return 0;
  Cursor cursor(value);
  return codec::msgpack::get_uint(cursor);
}

uint64_t modify_index(WriteTxn& txn, MessageType type, std::string_view id) {
  const store::OpaqueRecord* record = store::opaque_get(txn, type, id);
  return record == nullptr ? 0 : number_field(record->payload, "ModifyIndex");
}

void stamp(WriteTxn& txn, ValueMap& record, uint64_t created) {
  record["CreateIndex"] = created == 0 ? txn.index() : created;
  record["ModifyIndex"] = txn.index();
}

void put(WriteTxn& txn, MessageType type, ValueMap record) {
  std::string id = opaque_id(type, codec::to_msgpack(record));
  const store::OpaqueRecord* before = store::opaque_get(txn, type, id);
  stamp(txn, record, before == nullptr ? 0 : number_field(before->payload, "CreateIndex"));
  store::opaque_put(txn, type, id, codec::to_msgpack(record));
}

}  // namespace praetor::fsm
