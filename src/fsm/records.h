// Decoding and naming of single log and snapshot records. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/cursor.h"
#include "base/result.h"
#include "model/common.h"
#include "store/kv.h"

namespace praetor::fsm {

// A DirEntry whose views lie in the cursor's data: no copy before the store's own.
Status read_dir_entry(Cursor& cursor, store::KvFields& fields);
void write_dir_entry(std::string& out, const store::KvFields& fields);

// KVSRequest, likewise.
struct KvCommand {
  std::string_view op;
  store::KvFields fields;
};
Result<KvCommand> read_kv_command(Cursor& cursor);

// What identifies a record that the store keeps opaque, from its MessagePack: an id, a name, kind/name …;
// empty for records of which there is one.
std::string opaque_id(model::MessageType type, std::string_view payload);

// The value of a field of a MessagePack map, as it stands; empty when absent.
std::string_view map_field(std::string_view map, std::string_view name);
std::string_view text_field(std::string_view map, std::string_view name);

}  // namespace praetor::fsm
