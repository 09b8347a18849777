#include "agent/config_keys.h"

#include <algorithm>
#include <functional>

#include "base/check.h"

namespace praetor::agent {
namespace {

using codec::Kind;
using codec::Type;
using T = KeyTreatment;

constexpr KeyRow kRows[] = {
    {"*", T::kWorks},
    // Step by step: access control, the cluster, TLS, Connect.
    {"acl*", T::kLater},
    {"acl.enabled", T::kRefused},
    {"acl_datacenter", T::kRefused},
    {"acl.disabled_ttl", T::kInternal},
    {"acl.msp_disable_bootstrap", T::kEnterprise},
    {"acl.tokens.managed_service_provider*", T::kEnterprise},
    {"acl_enforce_version_8", T::kNothingToDo},
    {"addresses.https", T::kLater},
    {"addresses.grpc", T::kLater},
    {"audit*", T::kEnterprise},
    {"auto_config*", T::kLater},
    {"auto_encrypt*", T::kLater},
    {"autopilot*", T::kLater},
    {"autopilot.disable_upgrade_migration", T::kEnterprise},
    {"autopilot.redundancy_zone_tag", T::kEnterprise},
    {"autopilot.upgrade_version_tag", T::kEnterprise},
    {"cache*", T::kNothingToDo},
    {"check_deregister_interval_min", T::kInternal},
    {"check_reap_interval", T::kInternal},
    {"ae_interval", T::kInternal},
    {"config_entries*", T::kLater},
    {"connect*", T::kLater},
    {"consul*", T::kInternal},
    {"disable_anonymous_signature", T::kNothingToDo},
    {"disable_coordinates", T::kWorks},
    {"disable_update_check", T::kNothingToDo},
    {"dns_config.prefer_namespace", T::kEnterprise},
    {"enable_acl_replication", T::kLater},
    {"enable_debug", T::kNothingToDo},  // Go's profiler
    {"enable_central_service_config", T::kLater},
    {"limits.https_handshake_timeout", T::kLater},
    {"limits.rpc_*", T::kLater},
    {"non_voting_server", T::kEnterprise},
    {"ports.expose_*", T::kLater},
    {"ports.grpc", T::kLater},
    {"ports.https", T::kRefused},
    {"ports.proxy_*", T::kNothingToDo},
    {"primary_*", T::kLater},
    {"revision", T::kInternal},
    {"segment", T::kRefused},
    {"segments*", T::kRefused},
    {"segment_*", T::kInternal},
    {"snapshot_agent", T::kNothingToDo},
    {"sync_coordinate_*", T::kInternal},
    {"telemetry.circonus_*", T::kLater},
    {"tls_*", T::kLater},
    {"ui", T::kLater},
    {"ui_dir", T::kLater},
    {"verify_*", T::kRefused},
    {"verify_outgoing", T::kLater},
    {"verify_server_hostname", T::kLater},
    {"version*", T::kInternal},
};

bool covers(std::string_view pattern, std::string_view key) {
  if (!pattern.ends_with('*')) return pattern == key;
  std::string_view start = pattern.substr(0, pattern.size() - 1);
  return key.starts_with(start);
}

// A definition has rules of its own (docs/health-checks.md).
bool is_block(const Type& type) {
  return type.kind == Kind::kStruct && type.name != "structs.ServiceDefinition" &&
         type.name != "structs.CheckDefinition";
}

using Visit = std::function<void(const std::string& key, const Type& type, const void* value)>;

// Every leaf below a block; values are null where there is no block (`object` null, or an absent pointer).
void walk(const Type& type, const void* object, const std::string& prefix, const Visit& visit) {
  for (const codec::Field& field : type.fields) {
    std::string key = prefix + std::string(field.name);
    const Type* inner = field.type;
    const void* value = object == nullptr ? nullptr : field.in(object);
    if (inner->kind == Kind::kPointer && is_block(inner->element())) {
      value = value != nullptr && inner->ops->size(value) > 0 ? inner->ops->at(value, 0) : nullptr;
      inner = &inner->element();
    } else if (inner->kind == Kind::kList && is_block(inner->element()) && value == nullptr) {
      inner = &inner->element();
    }
    if (is_block(*inner))
      walk(*inner, value, key + ".", visit);
    else
      visit(key, *inner, value);
  }
}

// Does the value say anything? An optional's false and zero do not.
bool says_something(const Type& type, const void* value) {
  switch (type.kind) {
    case Kind::kPointer:
      return type.ops->size(value) > 0 && says_something(type.element(), type.ops->at(value, 0));
    case Kind::kList:
    case Kind::kMap:
      return type.ops->size(value) > 0;
    case Kind::kBool:
      return *static_cast<const bool*>(value);
    case Kind::kString:
      return !static_cast<const std::string*>(value)->empty();
    default:
      return true;
  }
}

}  // namespace

std::span<const KeyRow> key_rows() { return kRows; }

KeyTreatment treatment_of(std::string_view key) {
  const KeyRow* best = nullptr;
  // A whole key beats any beginning, a longer beginning a shorter one.
  auto weight = [](const KeyRow& row) { return row.pattern.ends_with('*') ? row.pattern.size() : SIZE_MAX; };
  for (const KeyRow& row : kRows)
    if (covers(row.pattern, key) && (best == nullptr || weight(row) > weight(*best))) best = &row;
  CHECK(best != nullptr);  // the first row covers everything
  return best->treatment;
}

std::string_view treatment_name(KeyTreatment treatment) {
  switch (treatment) {
    case T::kWorks:
      return "works";
    case T::kRefused:
      return "refused";
    case T::kLater:
      return "no effect yet";
    case T::kNothingToDo:
      return "nothing to do";
    case T::kInternal:
      return "internal";
    case T::kEnterprise:
      return "Enterprise";
  }
  return "";
}

std::vector<std::string> all_config_keys() {
  std::vector<std::string> keys;
  walk(codec::type_of<ConfigFile>(), nullptr, "",
       [&](const std::string& key, const Type&, const void*) { keys.push_back(key); });
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::vector<std::string> keys_without_effect(const ConfigFile& file) {
  std::vector<std::string> keys;
  walk(codec::type_of<ConfigFile>(), &file, "",
       [&](const std::string& key, const Type& type, const void* value) {
         if (value != nullptr && treatment_of(key) == T::kLater && says_something(type, value))
           keys.push_back(key);
       });
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace praetor::agent
