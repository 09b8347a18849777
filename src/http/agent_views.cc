#include "http/agent_views.h"

#include "base/text.h"
#include "codec/json.h"

namespace praetor::http {

PRAETOR_DESCRIBE(AgentUpstream, "Upstream", field("DestinationType", &AgentUpstream::destination_type).omit_empty(),
                 field("DestinationNamespace", &AgentUpstream::destination_namespace).omit_empty(),
                 field("DestinationName", &AgentUpstream::destination_name),
                 field("Datacenter", &AgentUpstream::datacenter).omit_empty(),
                 field("LocalBindAddress", &AgentUpstream::local_bind_address).omit_empty(),
                 field("LocalBindPort", &AgentUpstream::local_bind_port).omit_empty(),
                 field("Config", &AgentUpstream::config).omit_empty(),
                 field("MeshGateway", &AgentUpstream::mesh_gateway))

PRAETOR_DESCRIBE(AgentProxy, "AgentServiceConnectProxyConfig",
                 field("DestinationServiceName", &AgentProxy::destination_service_name).omit_empty(),
                 field("DestinationServiceID", &AgentProxy::destination_service_id).omit_empty(),
                 field("LocalServiceAddress", &AgentProxy::local_service_address).omit_empty(),
                 field("LocalServicePort", &AgentProxy::local_service_port).omit_empty(),
                 field("Config", &AgentProxy::config).omit_empty(),
                 field("Upstreams", &AgentProxy::upstreams).omit_empty(),
                 field("MeshGateway", &AgentProxy::mesh_gateway), field("Expose", &AgentProxy::expose))

PRAETOR_DESCRIBE(AgentConnect, "AgentServiceConnect", field("Native", &AgentConnect::native).omit_empty())

PRAETOR_DESCRIBE(AgentService, "AgentService", field("Kind", &AgentService::kind).omit_empty(),
                 field("ID", &AgentService::id), field("Service", &AgentService::service),
                 field("Tags", &AgentService::tags).flag(codec::kEmptyAsList),
                 field("Meta", &AgentService::meta).flag(codec::kEmptyAsList), field("Port", &AgentService::port),
                 field("Address", &AgentService::address),
                 field("TaggedAddresses", &AgentService::tagged_addresses).omit_empty(),
                 field("Weights", &AgentService::weights),
                 field("EnableTagOverride", &AgentService::enable_tag_override),
                 field("ContentHash", &AgentService::content_hash).omit_empty(),
                 field("Proxy", &AgentService::proxy).omit_empty(), field("Connect", &AgentService::connect).omit_empty())

AgentService agent_service(const model::NodeService& service) {
  AgentService out;
  out.kind = service.kind;
  out.id = service.id;
  out.service = service.service;
  out.tags = service.tags;
  out.meta = service.meta;
  out.port = service.port;
  out.address = service.address;
  out.tagged_addresses = service.tagged_addresses;
  out.weights = service.weights ? *service.weights : model::Weights{1, 1};
  out.enable_tag_override = service.enable_tag_override;
  if (!service.kind.empty()) {
    AgentProxy& proxy = out.proxy.emplace();
    proxy.destination_service_name = service.proxy.destination_service_name;
    proxy.destination_service_id = service.proxy.destination_service_id;
    proxy.local_service_address = service.proxy.local_service_address;
    proxy.local_service_port = service.proxy.local_service_port;
    proxy.config = service.proxy.config;
    proxy.mesh_gateway = service.proxy.mesh_gateway;
    proxy.expose = service.proxy.expose;
    for (const model::Upstream& upstream : service.proxy.upstreams)
      proxy.upstreams.push_back({upstream.destination_type, upstream.destination_namespace, upstream.destination_name,
                                 upstream.datacenter, upstream.local_bind_address, upstream.local_bind_port,
                                 upstream.config, upstream.mesh_gateway});
  }
  if (service.connect.native) out.connect.emplace().native = true;
  return out;
}

std::string content_hash(const AgentService& service) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a over the JSON form
  for (char c : codec::to_json(service)) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(hash >> shift));
  return hex_encode(bytes);
}

}  // namespace praetor::http
