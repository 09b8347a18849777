#include "agent/agent_views.h"

#include <fmt/format.h>

#include <bit>

namespace praetor::agent {

using codec::Kind;
using codec::Type;
using codec::Value;

PRAETOR_DESCRIBE(AgentUpstream, "Upstream",
                 field("DestinationType", &AgentUpstream::destination_type).omit_empty(),
                 field("DestinationNamespace", &AgentUpstream::destination_namespace).omit_empty(),
                 field("DestinationName", &AgentUpstream::destination_name),
                 field("Datacenter", &AgentUpstream::datacenter).omit_empty(),
                 field("LocalBindAddress", &AgentUpstream::local_bind_address).omit_empty(),
                 field("LocalBindPort", &AgentUpstream::local_bind_port).omit_empty(),
                 field("Config", &AgentUpstream::config).omit_empty().no_filter(),
                 field("MeshGateway", &AgentUpstream::mesh_gateway))

PRAETOR_DESCRIBE(AgentProxy, "AgentServiceConnectProxyConfig",
                 field("DestinationServiceName", &AgentProxy::destination_service_name).omit_empty(),
                 field("DestinationServiceID", &AgentProxy::destination_service_id).omit_empty(),
                 field("LocalServiceAddress", &AgentProxy::local_service_address).omit_empty(),
                 field("LocalServicePort", &AgentProxy::local_service_port).omit_empty(),
                 field("Config", &AgentProxy::config).omit_empty().no_filter(),
                 field("Upstreams", &AgentProxy::upstreams).omit_empty(),
                 field("MeshGateway", &AgentProxy::mesh_gateway), field("Expose", &AgentProxy::expose))

PRAETOR_DESCRIBE(AgentWeights, "AgentWeights", field("Passing", &AgentWeights::passing),
                 field("Warning", &AgentWeights::warning))

PRAETOR_DESCRIBE(AgentConnect, "AgentServiceConnect", field("Native", &AgentConnect::native).omit_empty(),
                 field("SidecarService", &AgentConnect::sidecar_service).omit_empty().no_filter())

PRAETOR_DESCRIBE(AgentService, "AgentService", field("Kind", &AgentService::kind).omit_empty(),
                 field("ID", &AgentService::id), field("Service", &AgentService::service),
                 field("Tags", &AgentService::tags).flag(codec::kEmptyAsList),
                 field("Meta", &AgentService::meta).flag(codec::kEmptyAsList),
                 field("Port", &AgentService::port), field("Address", &AgentService::address),
                 field("TaggedAddresses", &AgentService::tagged_addresses).omit_empty(),
                 field("Weights", &AgentService::weights),
                 field("EnableTagOverride", &AgentService::enable_tag_override),
                 field("CreateIndex", &AgentService::create_index).omit_empty().no_filter(),
                 field("ModifyIndex", &AgentService::modify_index).omit_empty().no_filter(),
                 field("ContentHash", &AgentService::content_hash).omit_empty().no_filter(),
                 field("Proxy", &AgentService::proxy).omit_empty(),
                 field("Connect", &AgentService::connect).omit_empty())

namespace {

AgentProxy agent_proxy(const model::ConnectProxyConfig& given) {
  AgentProxy proxy;
  proxy.destination_service_name = given.destination_service_name;
  proxy.destination_service_id = given.destination_service_id;
  proxy.local_service_address = given.local_service_address;
  proxy.local_service_port = given.local_service_port;
  proxy.config = given.config;
  for (const model::Upstream& upstream : given.upstreams)
    proxy.upstreams.push_back({upstream.destination_type, upstream.destination_namespace,
                               upstream.destination_name, upstream.datacenter, upstream.local_bind_address,
                               upstream.local_bind_port, upstream.config, upstream.mesh_gateway});
  proxy.mesh_gateway = given.mesh_gateway;
  proxy.expose = given.expose;
  return proxy;
}

// github.com/mitchellh/hashstructure's hash (FNV-1, 64 bits) over a description: what Consul calls
// ContentHash.
class StructureHash {
 public:
  uint64_t of(const Type& type, const void* object) const {
    switch (type.kind) {
      case Kind::kBool:
        return byte(*static_cast<const bool*>(object));
      case Kind::kInt:
      case Kind::kUint:
        return number(*static_cast<const uint64_t*>(object));  // described here: 8 bytes each
      case Kind::kString:
        return text(*static_cast<const std::string*>(object));
      case Kind::kAny:
        return any(*static_cast<const Value*>(object));
      case Kind::kPointer:
        return type.ops->size(object) == 0 ? number(0) : of(type.element(), type.ops->at(object, 0));
      case Kind::kList:
        return list(type, object);
      case Kind::kMap:
        return map(type, object);
      case Kind::kStruct:
        return structure(type, object);
      default:
        return number(0);
    }
  }

 private:
  static void add(uint64_t& hash, uint8_t value) {
    hash *= 1099511628211ULL;
    hash ^= value;
  }
  static constexpr uint64_t kStart = 14695981039346656037ULL;

  static uint64_t text(std::string_view value) {
    uint64_t hash = kStart;
    for (char c : value) add(hash, static_cast<uint8_t>(c));
    return hash;
  }
  static uint64_t byte(bool value) {
    uint64_t hash = kStart;
    add(hash, value ? 1 : 0);
    return hash;
  }
  static void add_number(uint64_t& hash, uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8)
      add(hash, static_cast<uint8_t>(value >> shift));  // little endian
  }
  static uint64_t number(uint64_t value) {
    uint64_t hash = kStart;
    add_number(hash, value);
    return hash;
  }
  static uint64_t ordered(uint64_t a, uint64_t b) {
    uint64_t hash = kStart;
    add_number(hash, a);
    add_number(hash, b);
    return hash;
  }

  uint64_t list(const Type& type, const void* object) const {
    uint64_t hash = 0;
    for (size_t i = 0; i < type.ops->size(object); ++i)
      hash = ordered(hash, of(type.element(), type.ops->at(object, i)));
    return hash;
  }
  uint64_t map(const Type& type, const void* object) const {
    uint64_t hash = 0;
    for (size_t i = 0; i < type.ops->size(object); ++i)
      hash ^= ordered(text(type.ops->key(object, i)), of(type.element(), type.ops->at(object, i)));
    return hash;
  }
  uint64_t structure(const Type& type, const void* object) const {
    uint64_t hash = text(type.name);
    for (const codec::Field& field : type.fields)
      hash ^= ordered(text(field.name), of(*field.type, field.in(object)));
    return hash;
  }
  uint64_t any(const Value& value) const {
    if (const std::string* string = value.string()) return text(*string);
    if (const bool* boolean = value.boolean()) return byte(*boolean);
    if (const auto* integer = std::get_if<int64_t>(&value.data))
      return number(static_cast<uint64_t>(*integer));
    if (const auto* whole = std::get_if<uint64_t>(&value.data)) return number(*whole);
    if (const auto* real = std::get_if<double>(&value.data)) return number(std::bit_cast<uint64_t>(*real));
    if (const codec::ValueList* items = value.list()) return list(codec::type_of<codec::ValueList>(), items);
    if (const codec::ValueMap* entries = value.map()) return map(codec::type_of<codec::ValueMap>(), entries);
    return number(0);
  }
};

}  // namespace

AgentService agent_service(const model::NodeService& given) {
  AgentService view;
  view.kind = given.kind;
  view.id = given.id;
  view.service = given.service;
  view.tags = given.tags;
  view.meta = given.meta;
  view.port = given.port;
  view.address = given.address;
  view.tagged_addresses = given.tagged_addresses;
  view.weights =
      given.weights ? AgentWeights{given.weights->passing, given.weights->warning} : AgentWeights{1, 1};
  view.enable_tag_override = given.enable_tag_override;
  view.create_index = given.indexes.create_index;
  view.modify_index = given.indexes.modify_index;
  bool has_proxy = given.kind == "connect-proxy" || given.kind == "mesh-gateway" ||
                   given.kind == "terminating-gateway" || given.kind == "ingress-gateway";
  if (has_proxy) view.proxy = agent_proxy(given.proxy);
  if (given.connect.native) view.connect = AgentConnect{true, {}};
  return view;
}

std::string content_hash(const AgentService& service) {
  AgentService bare = service;
  bare.content_hash.clear();
  return fmt::format("{:x}", StructureHash().of(codec::type_of<AgentService>(), &bare));
}

AgentService agent_service_with_hash(const model::NodeService& service) {
  AgentService view = agent_service(service);
  view.content_hash = content_hash(view);
  return view;
}

model::HealthCheck agent_check(const model::HealthCheck& check) {
  model::HealthCheck view = check;
  if (view.service_tags.is_nil()) view.service_tags.make_empty();
  view.indexes = {};
  return view;
}

}  // namespace praetor::agent
