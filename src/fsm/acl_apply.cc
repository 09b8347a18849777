#include "fsm/acl_apply.h"

#include <string>
#include <vector>

#include "base/blake2b.h"
#include "codec/msgpack.h"
#include "fsm/opaque_fields.h"
#include "fsm/records.h"
#include "store/opaque.h"

namespace praetor::fsm {
namespace {

using codec::Value;
using codec::ValueList;
using codec::ValueMap;
using model::MessageType;
using store::WriteTxn;

// The names of the index table's rows.
constexpr const char* kBootstrap = "acl-token-bootstrap";
constexpr const char* kTokens = "acl-tokens";

constexpr MessageType kToken = MessageType::kACLTokenSet;

struct ListType {
  MessageType message;
  MessageType record;  // type of its snapshot record
  const char* list;
  const char* index;
  bool deletes;
};
constexpr ListType kListTypes[] = {
    {MessageType::kACLTokenSet, kToken, "Tokens", kTokens, false},
    {MessageType::kACLTokenDelete, kToken, "TokenIDs", kTokens, true},
    {MessageType::kACLPolicySet, MessageType::kACLPolicySet, "Policies", "acl-policies", false},
    {MessageType::kACLPolicyDelete, MessageType::kACLPolicySet, "PolicyIDs", "acl-policies", true},
    {MessageType::kACLRoleSet, MessageType::kACLRoleSet, "Roles", "acl-roles", false},
    {MessageType::kACLRoleDelete, MessageType::kACLRoleSet, "RoleIDs", "acl-roles", true},
    {MessageType::kACLBindingRuleSet, MessageType::kACLBindingRuleSet, "BindingRules", "acl-binding-rules",
     false},
    {MessageType::kACLBindingRuleDelete, MessageType::kACLBindingRuleSet, "BindingRuleIDs",
     "acl-binding-rules", true},
    {MessageType::kACLAuthMethodSet, MessageType::kACLAuthMethodSet, "AuthMethods", "acl-auth-methods",
     false},
    {MessageType::kACLAuthMethodDelete, MessageType::kACLAuthMethodSet, "AuthMethodNames", "acl-auth-methods",
     true},
};

const ListType* list_type(MessageType type) {
  for (const ListType& list : kListTypes)
    if (list.message == type) return &list;
  return nullptr;
}

// --- tokens: known by their secret, stored under their accessor ---

// The id of the record with this secret; empty when there is none. Without an accessor, which only the legacy
// system does, all tokens are looked at.
std::string token_id(WriteTxn& txn, std::string_view accessor, std::string_view secret) {
  for (std::string_view id : {accessor, secret}) {
    const store::OpaqueRecord* record = id.empty() ? nullptr : store::opaque_get(txn, kToken, id);
    if (record != nullptr && text_field(record->payload, "SecretID") == secret) return std::string(id);
  }
  if (!accessor.empty()) return {};
  std::string found;
  store::opaque_list(txn, kToken, nullptr, [&](std::string_view id, const store::OpaqueRecord& record) {
    if (found.empty() && text_field(record.payload, "SecretID") == secret) found = id;
  });
  return found;
}

// A token may get its accessor later than its secret: it leaves the place that it had.
void put_token(WriteTxn& txn, ValueMap token, const std::string& before) {
  uint64_t created = 0;
  if (!before.empty()) {
    created = number_field(store::opaque_get(txn, kToken, before)->payload, "CreateIndex");
    store::opaque_delete(txn, kToken, before);
  }
  stamp(txn, token, created);
  std::string payload = codec::to_msgpack(token);
  store::opaque_put(txn, kToken, opaque_id(kToken, payload), payload);
}

// --- links: the leader leaves only ids in them, and what is stored says also the name of that moment ---

// The number of links that lead somewhere. An error when one does not and the request does not allow that.
Result<size_t> name_links(WriteTxn& txn, ValueMap& record, const char* list, MessageType linked,
                          bool missing) {
  ValueList* links = record[list].list();
  size_t valid = 0;
  for (size_t i = 0; links != nullptr && i < links->size(); i++) {
    ValueMap* link = (*links)[i].map();
    std::string id = link == nullptr ? "" : text(field(*link, "ID"));
    if (id.empty()) return fail("Encountered a link by name in the state store");
    if (const store::OpaqueRecord* found = store::opaque_get(txn, linked, id)) {
      (*link)["Name"] = std::string(text_field(found->payload, "Name"));
      valid++;
    } else if (!missing) {
      const char* what = linked == MessageType::kACLRoleSet ? "role" : "policy";
      return fail(std::string("No such ") + what + " with ID: " + id);
    }
  }
  return valid;
}

bool method_exists(WriteTxn& txn, const ValueMap& record) {
  return store::opaque_get(txn, MessageType::kACLAuthMethodSet, text(field(record, "AuthMethod"))) != nullptr;
}

bool has_items(const ValueMap& map, std::string_view name) {
  const ValueList* list = field(map, name).list();
  return list != nullptr && !list->empty();
}

Status complete_token(WriteTxn& txn, const ValueMap& request, ValueMap& token) {
  bool missing = flag(field(request, "AllowMissingLinks"));
  TRY_ASSIGN(size_t policies, name_links(txn, token, "Policies", MessageType::kACLPolicySet, missing));
  TRY_ASSIGN(size_t roles, name_links(txn, token, "Roles", MessageType::kACLRoleSet, missing));
  std::string method = text(field(token, "AuthMethod"));
  if (!method.empty() && !flag(field(request, "FromReplication")) && !method_exists(txn, token)) {
    return fail("No such auth method with Name: " + method);
  }
  bool privileged =
      policies + roles > 0 || has_items(token, "ServiceIdentities") || has_items(token, "NodeIdentities");
  if (flag(field(request, "ProhibitUnprivileged")) && !privileged) return fail("Token has no privileges");
  return {};
}

// False: compare-and-set found another one.
Result<bool> set_token(WriteTxn& txn, const ValueMap& request, ValueMap token) {
  std::string secret = text(field(token, "SecretID"));
  std::string accessor = text(field(token, "AccessorID"));
  if (secret.empty()) return fail("Missing ACL Token SecretID");
  if (accessor.empty()) return fail("Missing ACL Token AccessorID");
  std::string before = token_id(txn, accessor, secret);
  uint64_t modified = before.empty() ? 0 : modify_index(txn, kToken, before);
  if (flag(field(request, "CAS")) && modified != number(field(token, "ModifyIndex"))) return false;
  TRY(complete_token(txn, request, token));
  put_token(txn, std::move(token), before);
  return true;
}

// --- lists of records set or deleted by id ---

Result<bool> set_record(WriteTxn& txn, const ListType& type, const ValueMap& request, ValueMap record) {
  if (type.record == kToken) return set_token(txn, request, std::move(record));
  std::string id = opaque_id(type.record, codec::to_msgpack(record));
  if (id.empty()) return fail("ACL record without an ID");
  if (flag(field(request, "CAS")) &&
      modify_index(txn, type.record, id) != number(field(record, "ModifyIndex"))) {
    return false;
  }
  if (type.record == MessageType::kACLRoleSet) {
    bool missing = flag(field(request, "AllowMissingLinks"));
    TRY(name_links(txn, record, "Policies", MessageType::kACLPolicySet, missing));
  }
  if (type.record == MessageType::kACLBindingRuleSet && !method_exists(txn, record)) {
    return fail("failed inserting acl binding rule: auth method not found");
  }
  put(txn, type.record, std::move(record));
  return true;
}

void delete_of_method(WriteTxn& txn, MessageType type, std::string_view method, const char* index) {
  std::vector<std::string> doomed;
  store::opaque_list(txn, type, nullptr, [&](std::string_view id, const store::OpaqueRecord& record) {
    if (text_field(record.payload, "AuthMethod") == method) doomed.emplace_back(id);
  });
  for (const std::string& id : doomed) store::opaque_delete(txn, type, id);
  if (!doomed.empty()) txn.bump_named(index);
}

// With an auth method go its binding rules and the tokens that logins by it made. (Links to a deleted policy
// or role stay: whoever reads them leaves them out.)
bool delete_record(WriteTxn& txn, MessageType type, const std::string& id) {
  if (id.empty() || !store::opaque_delete(txn, type, id)) return false;
  if (type == MessageType::kACLAuthMethodSet) {
    delete_of_method(txn, MessageType::kACLBindingRuleSet, id, "acl-binding-rules");
    delete_of_method(txn, kToken, id, kTokens);
  }
  return true;
}

std::any apply_list(WriteTxn& txn, const ListType& type, const ValueMap& request) {
  const ValueList* list = field(request, type.list).list();
  bool changed = false;
  for (size_t i = 0; list != nullptr && i < list->size(); i++) {
    const Value& item = (*list)[i];
    if (type.deletes) {
      changed |= delete_record(txn, type.record, text(item));
    } else if (const ValueMap* record = item.map()) {
      auto set = set_record(txn, type, request, *record);
      if (!set) return std::move(set).error();
      changed |= *set;
    }
  }
  if (changed) txn.bump_named(type.index);
  return {};
}

// --- bootstrap and the legacy system ---

Status may_bootstrap(WriteTxn& txn, uint64_t reset) {
  uint64_t done_at = txn.tables().named_index(kBootstrap);
  if (done_at != 0 && reset == 0) return fail("ACL bootstrap no longer allowed");
  if (done_at != 0 && reset != done_at) return fail("Invalid ACL bootstrap reset index");
  return {};
}

std::any apply_bootstrap(WriteTxn& txn, const ValueMap& request) {
  if (auto may = may_bootstrap(txn, number(field(request, "ResetIndex"))); !may)
    return std::move(may).error();
  if (const ValueMap* token = field(request, "Token").map()) {
    if (auto set = set_token(txn, {}, *token); !set) return std::move(set).error();
  }
  txn.bump_named(kTokens);
  txn.bump_named(kBootstrap);
  return {};
}

Status set_legacy(WriteTxn& txn, const ValueMap& acl) {
  ValueMap token = token_of_legacy(acl);
  std::string secret = text(field(token, "SecretID"));
  if (secret.empty()) return fail("Missing ACL Token SecretID");
  std::string before = token_id(txn, "", secret);
  if (!before.empty()) {
    TRY_ASSIGN(auto old, codec::from_msgpack<ValueMap>(store::opaque_get(txn, kToken, before)->payload));
    if (text(field(old, "Type")).empty() || has_items(old, "Policies") || has_items(old, "Roles") ||
        has_items(old, "ServiceIdentities") || has_items(old, "NodeIdentities")) {
      return fail("failed inserting acl token: cannot use legacy endpoint to modify a non-legacy token");
    }
    token["AccessorID"] = field(old, "AccessorID");
  }
  put_token(txn, std::move(token), before);
  txn.bump_named(kTokens);
  return {};
}

std::any apply_legacy(WriteTxn& txn, const ValueMap& request) {
  std::string op = text(field(request, "Op"));
  const ValueMap none;
  const ValueMap* given = field(request, "ACL").map();
  const ValueMap& acl = given == nullptr ? none : *given;
  std::string secret = text(field(acl, "ID"));
  if (op == "bootstrap-init") return txn.tables().named_index(kBootstrap) == 0;  // only asks
  if (op == "delete") {
    std::string id = secret.empty() ? "" : token_id(txn, "", secret);
    if (!id.empty() && store::opaque_delete(txn, kToken, id)) txn.bump_named(kTokens);
    return {};
  }
  if (op != "set" && op != "force-set" && op != "bootstrap-now") {
    return Error{"Invalid ACL operation '" + op + "'"};
  }
  if (op == "bootstrap-now") {
    if (auto may = may_bootstrap(txn, 0); !may) return std::move(may).error();
  }
  if (auto set = set_legacy(txn, acl); !set) return std::move(set).error();
  if (op == "bootstrap-now") txn.bump_named(kBootstrap);
  return secret;
}

}  // namespace

bool is_acl(MessageType type) {
  return type == MessageType::kACL || type == MessageType::kACLBootstrap || list_type(type) != nullptr;
}

std::any apply_acl(WriteTxn& txn, MessageType type, const ValueMap& request) {
  if (type == MessageType::kACL) return apply_legacy(txn, request);
  if (type == MessageType::kACLBootstrap) return apply_bootstrap(txn, request);
  return apply_list(txn, *list_type(type), request);
}

ValueMap token_of_legacy(const ValueMap& acl) {
  // Go's time.Time of year 1 in its binary form.
  static const std::string no_time("\x01\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff", 15);
  std::string name = text(field(acl, "Name"));
  std::string type = text(field(acl, "Type"));
  std::string rules = text(field(acl, "Rules"));
  return ValueMap{{"AccessorID", ""},
                  {"AuthMethod", ""},
                  {"CreateIndex", number(field(acl, "CreateIndex"))},
                  {"CreateTime", no_time},
                  {"Description", name},
                  {"ExpirationTTL", uint64_t{0}},
                  {"ExpirationTime", Value()},
                  {"Hash", blake2b(name + type + rules + "global", 32)},
                  {"Local", false},
                  {"ModifyIndex", number(field(acl, "ModifyIndex"))},
                  {"NodeIdentities", Value()},
                  {"Policies", Value()},
                  {"Roles", Value()},
                  {"Rules", rules},
                  {"SecretID", text(field(acl, "ID"))},
                  {"ServiceIdentities", Value()},
                  {"Type", type}};
}

}  // namespace praetor::fsm
