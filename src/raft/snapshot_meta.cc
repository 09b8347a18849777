#include "raft/snapshot_meta.h"

#include <boost/json.hpp>

#include "base/cursor.h"
#include "base/text.h"
#include "raft/checksum.h"
#include "raft/snapshot_store.h"

namespace praetor::raft {
namespace {

namespace json = boost::json;
constexpr std::string_view kOwnChecksum = ",\"MetaCRC\":\"";

std::string big_endian(uint64_t value) {
  std::string out;
  put_u64(out, value);
  return out;
}

std::string quoted(std::string_view text) { return json::serialize(json::string(text)); }

// The legacy field: MessagePack array of the voters' addresses.
std::string encode_peers(const Configuration& configuration) {
  std::string out;
  put_u8(out, 0xdc);
  put_u16(out, static_cast<uint16_t>(configuration.voter_count()));
  for (const Server& server : configuration.servers) {
    if (server.suffrage != Suffrage::kVoter) continue;
    put_u8(out, 0xda);
    put_u16(out, static_cast<uint16_t>(server.address.size()));
    out += server.address;
  }
  return out;
}

std::string encode_fields(const SnapshotMeta& meta) {
  std::string out = "{\"Version\":" + std::to_string(meta.version) + ",\"ID\":" + quoted(meta.id) +
                    ",\"Index\":" + std::to_string(meta.index) + ",\"Term\":" + std::to_string(meta.term) +
                    ",\"Peers\":\"" + base64_encode(encode_peers(meta.configuration)) +
                    "\",\"Configuration\":{\"Servers\":[";
  const char* separator = "";
  for (const Server& server : meta.configuration.servers) {
    out += separator;
    out += "{\"Suffrage\":" + std::to_string(static_cast<int>(server.suffrage)) +
           ",\"ID\":" + quoted(server.id) + ",\"Address\":" + quoted(server.address) + "}";
    separator = ",";
  }
  return out + "]},\"ConfigurationIndex\":" + std::to_string(meta.configuration_index) +
         ",\"Size\":" + std::to_string(meta.size);
}

Result<uint64_t> number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return fail("no " + std::string(key), ErrorKind::kCorrupt);
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<uint64_t>(value->get_int64());
  return fail(std::string(key) + " is not a number", ErrorKind::kCorrupt);
}

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<Configuration> servers(const json::object& object) {
  Configuration configuration;
  const json::value* value = object.if_contains("Configuration");
  const json::value* list =
      value != nullptr && value->is_object() ? value->get_object().if_contains("Servers") : nullptr;
  if (list == nullptr || !list->is_array()) return configuration;
  for (const json::value& item : list->get_array()) {
    if (!item.is_object()) return fail("a server is not an object", ErrorKind::kCorrupt);
    TRY_ASSIGN(uint64_t suffrage, number(item.get_object(), "Suffrage"));
    if (suffrage > 2) return fail("unknown suffrage", ErrorKind::kCorrupt);
    configuration.servers.push_back(
        {static_cast<Suffrage>(suffrage), text(item.get_object(), "ID"), text(item.get_object(), "Address")});
  }
  return configuration;
}

Result<SnapshotMeta> decode_fields(const json::object& object) {
  SnapshotMeta meta;
  TRY_ASSIGN(uint64_t version, number(object, "Version"));
  if (version > 1)
    return fail("unsupported snapshot version " + std::to_string(version), ErrorKind::kCorrupt);
  meta.version = static_cast<int>(version);
  meta.id = text(object, "ID");
  TRY_ASSIGN(meta.index, number(object, "Index"));
  TRY_ASSIGN(meta.term, number(object, "Term"));
  TRY_ASSIGN(meta.configuration, servers(object));
  TRY_ASSIGN(meta.configuration_index, number(object, "ConfigurationIndex"));
  TRY_ASSIGN(uint64_t size, number(object, "Size"));
  meta.size = static_cast<int64_t>(size);
  return meta;
}

Result<json::object> parse(std::string_view text) {
  boost::system::error_code code;
  json::value value = json::parse(text, code);
  if (code || !value.is_object()) return fail("not a JSON object", ErrorKind::kCorrupt);
  for (const auto& item : value.get_object()) {
    static constexpr std::string_view kKnown[] = {
        "Version", "ID",  "Index",  "Term", "Peers", "Configuration", "ConfigurationIndex",
        "Size",    "CRC", "MetaCRC"};
    if (std::find(std::begin(kKnown), std::end(kKnown), std::string_view(item.key())) == std::end(kKnown))
      return fail("unknown key " + go_quote(item.key()), ErrorKind::kCorrupt);
  }
  return std::move(value.get_object());
}

}  // namespace

std::string encode_snapshot_meta(const SnapshotMeta& meta) { return encode_fields(meta) + "}"; }

Result<SnapshotMeta> decode_snapshot_meta(std::string_view text) {
  TRY_ASSIGN(json::object object, parse(text));
  return decode_fields(object);
}

std::string encode_stored_meta(const StoredMeta& stored) {
  std::string out = encode_fields(stored.meta) + ",\"CRC\":\"" + base64_encode(big_endian(stored.crc)) + "\"";
  std::string own = base64_encode(big_endian(crc64_ecma(out)));
  out += kOwnChecksum;
  out += own + "\"}\n";
  return out;
}

Result<StoredMeta> decode_stored_meta(std::string_view text_in) {
  TRY_ASSIGN(json::object object, parse(text_in));
  if (object.contains("MetaCRC")) {
    size_t at = text_in.rfind(kOwnChecksum);
    std::string own =
        at == std::string_view::npos ? "" : base64_encode(big_endian(crc64_ecma(text_in.substr(0, at))));
    if (at == std::string_view::npos || text_in.substr(at + kOwnChecksum.size()) != own + "\"}\n")
      return fail("its checksum is wrong", ErrorKind::kCorrupt);
  }
  StoredMeta stored;
  TRY_ASSIGN(stored.meta, decode_fields(object));
  TRY_ASSIGN(std::string crc, base64_decode(text(object, "CRC")));
  if (crc.size() != 8) return fail("no CRC", ErrorKind::kCorrupt);
  stored.crc = Cursor(crc).u64();
  return stored;
}

}  // namespace praetor::raft
