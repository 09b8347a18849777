#include "store/opaque.h"

#include <vector>

#include "base/cursor.h"
#include "codec/msgpack.h"

namespace praetor::store {
namespace {

// A text field of a MessagePack map; empty when absent.
std::string_view text_field(std::string_view payload, std::string_view name) {
  Cursor cursor(payload);
  for (size_t left = codec::msgpack::get_map(cursor); left > 0 && cursor.ok(); left--) {
    if (codec::msgpack::get_text(cursor) == name) return codec::msgpack::get_text(cursor);
    codec::msgpack::skip(cursor);
  }
  return {};
}

}  // namespace

std::string opaque_key(model::MessageType type, std::string_view id) {
  std::string key(1, static_cast<char>(type));
  return key.append(id);
}

const OpaqueRecord* opaque_get(const Tables& tables, model::MessageType type, std::string_view id,
                               WatchSet* watch) {
  std::string key = opaque_key(type, id);
  watch_key(watch, TableIndex::kOpaque, key);
  const Leaf* leaf = tables.find(TableIndex::kOpaque, key);
  return leaf == nullptr ? nullptr : &record_of<OpaqueRecord>(leaf);
}

void opaque_put(WriteTxn& txn, model::MessageType type, std::string_view id, std::string payload) {
  auto* record = new OpaqueRecord{static_cast<uint8_t>(type), std::move(payload)};
  txn.put(TableIndex::kOpaque, make_record_leaf(LeafKind::kOpaque, opaque_key(type, id), record));
}

bool opaque_delete(WriteTxn& txn, model::MessageType type, std::string_view id) {
  return txn.erase(TableIndex::kOpaque, opaque_key(type, id));
}

void opaque_delete_queries_of_session(WriteTxn& txn, std::string_view session) {
  std::vector<std::string> doomed;
  opaque_list(txn, model::MessageType::kPreparedQuery, nullptr,
              [&](std::string_view id, const OpaqueRecord& record) {
                if (text_field(record.payload, "Session") == session) doomed.emplace_back(id);
              });
  for (const std::string& id : doomed) opaque_delete(txn, model::MessageType::kPreparedQuery, id);
  if (!doomed.empty()) txn.bump_named("prepared-queries");
}

}  // namespace praetor::store
