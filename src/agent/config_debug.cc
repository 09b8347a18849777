// RuntimeConfig for /v1/agent/self: what Consul shows, secrets hidden.
#include <fmt/format.h>

#include "agent/config_builder.h"
#include "agent/runtime_config.h"
#include "base/text.h"

namespace praetor::agent {
namespace {

using codec::Kind;
using codec::Type;
using codec::ValueList;
using codec::ValueMap;

constexpr const char* kHidden = "hidden";

bool is_secret(std::string_view name) {
  std::string lower = to_lower(name);
  if (lower == "introtokenfile") return false;
  return contains(lower, "key") || contains(lower, "token") || contains(lower, "secret");
}

// "provider=aws secret_access_key=abc" -> "provider=aws secret_access_key=hidden"
std::string clean_join(const std::string& address) {
  std::vector<std::string> words;
  for (std::string_view word : split(address, ' ')) {
    size_t equals = word.find('=');
    bool secret = equals != std::string_view::npos && is_secret(word.substr(0, equals));
    words.push_back(secret ? std::string(word.substr(0, equals + 1)) + kHidden : std::string(word));
  }
  return join(words, " ");
}

Value ip_bytes(const std::string& text) {
  ValueList list;
  auto ip = IpAddress::parse(text);
  if (!ip) return text;
  for (size_t i = 0; i < 16; ++i) {
    int byte = ip->v6 ? ip->bytes[i] : i < 10 ? 0 : i < 12 ? 255 : ip->bytes[i - 12];
    list.push_back(int64_t{byte});
  }
  return list;
}

Value render(const Type& type, const void* object, std::string_view name);

Value render_struct(const Type& type, const void* object) {
  if (type.name == "SocketAddress") {
    const auto& address = *static_cast<const SocketAddress*>(object);
    if (address.is_unix()) return address.text();
    // Consul prints a null address where there is no listener.
    if (address.port <= 0) return {};
    return "tcp://" + address.text();
  }
  ValueMap map;
  for (const codec::Field& field : type.fields) {
    bool shown = type.name == "Upstream" && field.name == "IngressHosts";
    if ((field.has(codec::kNoJson) && !shown) || field.has(codec::kJsonInputOnly)) continue;
    bool check = type.name == "structs.CheckDefinition";
    if (check && (field.name == "ProxyHTTP" || field.name == "ProxyGRPC")) continue;
    map[field.name] = render(*field.type, field.in(object), field.name);
  }
  if (type.name == "structs.ServiceDefinition" || type.name == "structs.CheckDefinition") {
    ValueMap nothing;
    nothing.make_empty();
    map["EnterpriseMeta"] = nothing;
  }
  if (type.name == "structs.ServiceDefinition" && map["Check"].is_null()) {
    static const CheckType none;
    map["Check"] = render(codec::type_of<CheckType>(), &none, "Check");
  }
  return map;
}

Value render_list(const Type& type, const void* object, std::string_view name) {
  ValueList list;
  list.make_empty();
  for (size_t i = 0; i < type.ops->size(object); ++i) {
    Value one = render(type.element(), type.ops->at(object, i), name);
    if (one.string() != nullptr && (name == "RetryJoinLAN" || name == "RetryJoinWAN"))
      one = clean_join(*one.string());
    // Consul prints these as Go's net.IP: 16 numbers.
    if (one.string() != nullptr && (name == "AutoEncryptIPSAN" || name == "IPSANs"))
      one = ip_bytes(*one.string());
    if (one.string() != nullptr && name == "TLSCipherSuites") one = int64_t{cipher_suite_id(*one.string())};
    list.push_back(std::move(one));
  }
  return list;
}

Value render_map(const Type& type, const void* object, std::string_view name) {
  ValueMap map;
  map.make_empty();
  for (size_t i = 0; i < type.ops->size(object); ++i) {
    std::string_view key = type.ops->key(object, i);
    map[key] = render(type.element(), type.ops->at(object, i), name == "ConnectCAConfig" ? "" : key);
  }
  return map;
}

Value render(const Type& type, const void* object, std::string_view name) {
  switch (type.kind) {
    case Kind::kBool:
      return *static_cast<const bool*>(object);
    case Kind::kInt:
      return *static_cast<const int64_t*>(object);
    case Kind::kFloat:
      return *static_cast<const double*>(object);
    case Kind::kString:
      return is_secret(name) ? kHidden : *static_cast<const std::string*>(object);
    case Kind::kDuration:
      return format_duration(*static_cast<const Duration*>(object));
    case Kind::kAny:
      return *static_cast<const Value*>(object);
    case Kind::kStruct:
      return render_struct(type, object);
    case Kind::kList:
      return render_list(type, object, name);
    case Kind::kMap:
      return render_map(type, object, name);
    case Kind::kPointer:
      return type.ops->size(object) == 0 ? Value() : render(type.element(), type.ops->at(object, 0), name);
    default:
      return {};
  }
}

// The authorizer of auto_config is shown as the auth method it makes.
Value authorizer(const AuthorizerRuntime& given) {
  ValueMap index;
  index["CreateIndex"] = int64_t{0};
  index["ModifyIndex"] = int64_t{0};
  ValueMap method;
  ValueMap nothing;
  nothing.make_empty();
  method["ACLAuthMethodEnterpriseFields"] = nothing;
  method["Config"] = codec::ValueMap(given.method_config);
  for (const char* key : {"Description", "DisplayName", "TokenLocality"}) method[key] = "";
  method["EnterpriseMeta"] = nothing;
  method["MaxTokenTTL"] = "0s";
  method["Name"] = "Auto Config Authorizer";
  method["RaftIndex"] = index;
  method["Type"] = "jwt";
  ValueMap out;
  out["AllowReuse"] = given.allow_reuse;
  out["AuthMethod"] = method;
  ValueList claims;
  claims.make_empty();
  for (const std::string& claim : given.claim_assertions) claims.push_back(claim);
  out["ClaimAssertions"] = claims;
  out["Enabled"] = given.enabled;
  return out;
}

}  // namespace

Value debug_config(const RuntimeConfig& config) {
  Value all = render(codec::type_of<RuntimeConfig>(), &config, "");
  ValueMap& map = *all.map();
  (*map["AutoConfig"].map())["Authorizer"] = authorizer(config.auto_config.authorizer);
  ValueMap nothing;
  nothing.make_empty();
  map["EnterpriseRuntimeConfig"] = nothing;
  // DNS listens on each address twice.
  ValueList dns;
  dns.make_empty();
  for (const char* network : {"tcp://", "udp://"})
    for (const SocketAddress& address : config.dns_addrs) dns.push_back(network + address.text());
  map["DNSAddrs"] = dns;
  // Watches hold commands and tokens: Consul shows only how many there are.
  ValueList watches;
  watches.make_empty();
  for (size_t i = 0; i < config.watches.size(); ++i) watches.push_back(nothing);
  map["Watches"] = watches;
  return all;
}

}  // namespace praetor::agent
