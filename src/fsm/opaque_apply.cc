#include "fsm/opaque_apply.h"

#include <optional>
#include <string>

#include "base/cursor.h"
#include "base/text.h"
#include "codec/msgpack.h"
#include "codec/value.h"
#include "fsm/acl_apply.h"
#include "fsm/opaque_fields.h"
#include "fsm/records.h"
#include "store/opaque.h"
#include "store/prepared_query.h"

namespace praetor::fsm {
namespace {

using codec::Value;
using codec::ValueList;
using codec::ValueMap;
using model::MessageType;
using store::WriteTxn;
namespace msgpack = codec::msgpack;

// The names of the index table's rows.
constexpr const char* kRoots = "connect-ca-roots";
constexpr const char* kProvider = "connect-ca-builtin";
constexpr const char* kSerial = "connect-ca-builtin-serial";

// --- one record with an operation ---

std::any apply_one(WriteTxn& txn, MessageType type, const ValueMap& request, const char* name,
                   const char* index) {
  const ValueMap* record = field(request, name).map();
  if (record == nullptr) return Error{std::string("missing ") + name, ErrorKind::kCorrupt};
  std::string op = text(field(request, "Op"));
  if (op == "delete") {
    if (!store::opaque_delete(txn, type, text(field(*record, "ID")))) return {};
  } else if (op == "create" || op == "update") {
    put(txn, type, *record);
  } else {
    const char* what = type == MessageType::kPreparedQuery ? "PreparedQuery" : name;
    return Error{std::string("Invalid ") + what + " operation '" + op + "'"};
  }
  txn.bump_named(index);
  return {};
}

// An error when another intention has the same two ends.
Status check_duplicate(WriteTxn& txn, const ValueMap& intention) {
  constexpr const char* kEnds[] = {"SourceNS", "SourceName", "DestinationNS", "DestinationName"};
  std::string id = text(field(intention, "ID"));
  if (id.empty()) return fail("Missing Intention ID");
  std::string_view same;
  store::opaque_list(txn, MessageType::kIntention, nullptr, [&](std::string_view other, const auto& record) {
    if (other == id) return;
    for (const char* end : kEnds)
      if (text_field(record.payload, end) != text(field(intention, end))) return;
    same = record.payload;
  });
  if (same.empty()) return {};
  auto part = [&](const char* name) { return std::string(text_field(same, name)); };
  std::string action = part("Action");
  for (char& c : action) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return fail("duplicate intention found: " + action + " " + part("SourceNS") + "/" + part("SourceName") +
              " => " + part("DestinationNS") + "/" + part("DestinationName") + " (ID: " + part("ID") +
              ", Precedence: " + std::to_string(number_field(same, "Precedence")) + ")");
}

// An update's entry does not say when the intention was created.
std::any apply_intention(WriteTxn& txn, ValueMap request) {
  constexpr MessageType kType = MessageType::kIntention;
  ValueMap* intention = request["Intention"].map();
  if (intention != nullptr && text(field(request, "Op")) != "delete") {
    if (Status unique = check_duplicate(txn, *intention); !unique) return std::move(unique).error();
    if (field(*intention, "Meta").is_null()) {
      ValueMap none;
      none.make_empty();
      (*intention)["Meta"] = std::move(none);
    }
    if (const auto* before = store::opaque_get(txn, kType, text(field(*intention, "ID")))) {
      auto old = codec::from_msgpack<ValueMap>(before->payload);
      if (!old) return std::move(old).error();
      (*intention)["CreatedAt"] = field(*old, "CreatedAt");
    }
  }
  return apply_one(txn, kType, request, "Intention", "connect-intentions");
}

std::any apply_prepared_query(WriteTxn& txn, const ValueMap& request) {
  const ValueMap* record = field(request, "Query").map();
  if (record != nullptr && text(field(request, "Op")) != "delete") {
    auto query = codec::from_msgpack<model::PreparedQuery>(codec::to_msgpack(*record));
    if (!query) return Error{"failed to decode request: " + query.error().message, ErrorKind::kCorrupt};
    if (Status allowed = store::prepared_query_check(txn, *query); !allowed)
      return std::move(allowed).error();
  }
  return apply_one(txn, MessageType::kPreparedQuery, request, "Query", "prepared-queries");
}

std::any apply_autopilot(WriteTxn& txn, const ValueMap& request) {
  const ValueMap* config = field(request, "Config").map();
  if (config == nullptr) return Error{"missing Config", ErrorKind::kCorrupt};
  if (flag(field(request, "CAS")) &&
      modify_index(txn, MessageType::kAutopilot, "") != number(field(*config, "ModifyIndex"))) {
    return false;
  }
  put(txn, MessageType::kAutopilot, *config);
  return true;
}

std::any apply_federation_state(WriteTxn& txn, ValueMap request) {
  ValueMap* state = request["State"].map();
  if (state == nullptr) return Error{"missing State", ErrorKind::kCorrupt};
  std::string id = text(field(*state, "Datacenter"));
  std::string op = text(field(request, "Op"));
  constexpr MessageType kType = MessageType::kFederationState;
  if (op == "delete") {
    if (!store::opaque_delete(txn, kType, id)) return true;
  } else if (op != "upsert") {
    return Error{"invalid federation state operation type: " + op};
  } else {
    const store::OpaqueRecord* before = store::opaque_get(txn, kType, id);
    std::string_view old = before == nullptr ? std::string_view() : map_field(before->payload, "State");
    stamp(txn, *state, number_field(old, "CreateIndex"));
    // Replication gives the primary's index: without it, this is the primary.
    if (number(field(*state, "PrimaryModifyIndex")) == 0) (*state)["PrimaryModifyIndex"] = txn.index();
    ValueMap record{{"Datacenter", ""}, {"Op", "upsert"}, {"State", *state}, {"Token", ""}};
    store::opaque_put(txn, kType, id, codec::to_msgpack(record));
  }
  txn.bump_named("federation-states");
  return true;
}

// --- config entries: raw(kind, {Datacenter, Entry, Op, Token}); some entries are raw inside again ---

struct ConfigEntry {
  std::string kind;
  ValueMap entry;
  bool raw_entry = false;
  std::string op;
};

Result<ConfigEntry> read_config_entry(std::string_view payload) {
  Cursor outer(payload);
  Cursor cursor(msgpack::get_bytes(outer));
  ConfigEntry result;
  result.kind = msgpack::get_text(cursor);
  ValueMap map;
  TRY(codec::read_msgpack(cursor, map));
  result.op = text(field(map, "Op"));
  const Value& entry = field(map, "Entry");
  if (const std::string* raw = entry.string()) {
    result.raw_entry = true;
    TRY_ASSIGN(result.entry, codec::from_msgpack<ValueMap>(*raw));
  } else if (entry.map() != nullptr) {
    result.entry = *entry.map();
  } else {
    return fail("config entry without an entry", ErrorKind::kCorrupt);
  }
  return result;
}

std::string write_config_entry(const ConfigEntry& entry) {
  std::string inside;
  msgpack::put_raw(inside, entry.kind);
  Value body = entry.raw_entry ? Value(codec::to_msgpack(entry.entry)) : Value(entry.entry);
  codec::write_msgpack(inside, ValueMap{{"Datacenter", ""}, {"Entry", body}, {"Op", ""}, {"Token", ""}});
  std::string payload;
  msgpack::put_raw(payload, inside);
  return payload;
}

// The field of a gateway's entry that names its services; null for other kinds.
const char* gateway_services_field(std::string_view kind) {
  if (kind == "ingress-gateway") return "Listeners";
  return kind == "terminating-gateway" ? "Services" : nullptr;
}

// `before` and `after`: null when there is none.
void note_gateway_change(WriteTxn& txn, const ConfigEntry* before, const ConfigEntry* after) {
  const char* services = gateway_services_field((after == nullptr ? before : after)->kind);
  if (services == nullptr) return;
  bool same = before != nullptr && after != nullptr &&
              field(before->entry, services) == field(after->entry, services);
  if (!same) txn.bump_named("gateway-services");
}

std::any apply_config_entry(WriteTxn& txn, std::string_view payload) {
  constexpr MessageType kType = MessageType::kConfigEntry;
  auto request = read_config_entry(payload);
  if (!request) return std::move(request).error();
  std::string id = opaque_id(kType, payload);
  std::optional<ConfigEntry> before;
  if (const store::OpaqueRecord* record = store::opaque_get(txn, kType, id)) {
    auto old = read_config_entry(record->payload);
    if (!old) return std::move(old).error();
    before = std::move(*old);
  }
  uint64_t created = before ? number(field(before->entry, "CreateIndex")) : 0;
  uint64_t modified = before ? number(field(before->entry, "ModifyIndex")) : 0;
  if (request->op == "delete") {
    if (!store::opaque_delete(txn, kType, id)) return true;
    txn.bump_named("config-entries");
    note_gateway_change(txn, &*before, nullptr);
    return true;
  }
  if (request->op == "upsert-cas" && number(field(request->entry, "ModifyIndex")) != modified) return false;
  if (request->op != "upsert" && request->op != "upsert-cas") {
    return Error{"invalid config entry operation type: " + request->op};
  }
  stamp(txn, request->entry, created);
  store::opaque_put(txn, kType, id, write_config_entry(*request));
  txn.bump_named("config-entries");
  note_gateway_change(txn, before ? &*before : nullptr, &*request);
  return true;
}

// --- Connect CA ---

bool set_roots(WriteTxn& txn, const ValueMap& request) {
  if (txn.tables().named_index(kRoots) != number(field(request, "Index"))) return false;
  std::vector<std::string> old;
  store::opaque_list(txn, MessageType::kConnectCA, nullptr,
                     [&](std::string_view id, const store::OpaqueRecord&) { old.emplace_back(id); });
  const ValueList* roots = field(request, "Roots").list();
  for (size_t i = 0; roots != nullptr && i < roots->size(); i++) {
    const ValueMap* root = (*roots)[i].map();
    if (root == nullptr) continue;
    std::erase(old, text(field(*root, "ID")));
    put(txn, MessageType::kConnectCA, *root);
  }
  for (const std::string& id : old) store::opaque_delete(txn, MessageType::kConnectCA, id);
  txn.bump_named(kRoots);
  return true;
}

bool set_ca_config(WriteTxn& txn, const ValueMap& request) {
  const ValueMap* config = field(request, "Config").map();
  if (config == nullptr) return false;
  uint64_t expected = number(field(*config, "ModifyIndex"));
  if (expected != 0 && modify_index(txn, MessageType::kConnectCAConfig, "") != expected) return false;
  put(txn, MessageType::kConnectCAConfig, *config);
  return true;
}

std::any apply_connect_ca(WriteTxn& txn, const ValueMap& request) {
  std::string op = text(field(request, "Op"));
  if (op == "set-roots") return set_roots(txn, request);
  if (op == "set-config") return set_ca_config(txn, request);
  if (op == "set-roots-config") return set_roots(txn, request) && set_ca_config(txn, request);
  if (op == "increment-provider-serial") {
    uint64_t last = txn.tables().named_index(kSerial);
    uint64_t next = last == 0 ? txn.index() : last + 1;
    txn.set_named_index(kSerial, next);
    return next;
  }
  const ValueMap* state = field(request, "ProviderState").map();
  if (state == nullptr) return Error{"Invalid CA operation '" + op + "'"};
  if (op == "set-provider-state") {
    put(txn, MessageType::kConnectCAProviderState, *state);
  } else if (op == "delete-provider-state") {
    if (!store::opaque_delete(txn, MessageType::kConnectCAProviderState, text(field(*state, "ID"))))
      return true;
  } else {
    return Error{"Invalid CA operation '" + op + "'"};
  }
  txn.bump_named(kProvider);
  return true;
}

std::any apply_map(WriteTxn& txn, MessageType type, const ValueMap& request) {
  if (is_acl(type)) return apply_acl(txn, type, request);
  switch (type) {
    case MessageType::kIntention:
      return apply_intention(txn, request);
    case MessageType::kPreparedQuery:
      return apply_prepared_query(txn, request);
    case MessageType::kAutopilot:
      return apply_autopilot(txn, request);
    case MessageType::kFederationState:
      return apply_federation_state(txn, request);
    case MessageType::kConnectCA:
      return apply_connect_ca(txn, request);
    case MessageType::kConnectCALeaf:
      return txn.index();  // only a number for the certificate: Consul keeps no row of it either
    default:
      return Error{"not an opaque type: " + std::to_string(static_cast<int>(type))};
  }
}

}  // namespace

std::any apply_opaque(WriteTxn& txn, MessageType type, std::string_view payload) {
  if (type == MessageType::kConfigEntry) return apply_config_entry(txn, payload);
  auto request = codec::from_msgpack<ValueMap>(payload);
  if (!request) return Error{"failed to decode request: " + request.error().message, ErrorKind::kCorrupt};
  return apply_map(txn, type, *request);
}

}  // namespace praetor::fsm
