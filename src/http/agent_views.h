// The agent's own services as /v1/agent shows them (http-api.md 1.8: AgentService).
#pragma once

#include <cstdint>
#include <string>

#include "codec/type.h"
#include "model/catalog.h"

namespace praetor::http {

// The agent's form of an upstream leaves out what is empty.
struct AgentUpstream {
  std::string destination_type, destination_namespace, destination_name, datacenter, local_bind_address;
  int64_t local_bind_port = 0;
  codec::Map<codec::Value> config;
  model::MeshGatewayConfig mesh_gateway;
};
PRAETOR_DESCRIBED(AgentUpstream)

struct AgentProxy {
  std::string destination_service_name, destination_service_id, local_service_address;
  int64_t local_service_port = 0;
  codec::Map<codec::Value> config;
  codec::List<AgentUpstream> upstreams;
  model::MeshGatewayConfig mesh_gateway;
  model::ExposeConfig expose;
};
PRAETOR_DESCRIBED(AgentProxy)

struct AgentConnect {
  bool native = false;
};
PRAETOR_DESCRIBED(AgentConnect)

struct AgentService {
  std::string kind, id, service;
  codec::List<std::string> tags;
  codec::Map<std::string> meta;
  int64_t port = 0;
  std::string address;
  codec::Map<model::ServiceAddress> tagged_addresses;
  model::Weights weights;
  bool enable_tag_override = false;
  std::string content_hash;
  codec::Box<AgentProxy> proxy;
  codec::Box<AgentConnect> connect;
};
PRAETOR_DESCRIBED(AgentService)

AgentService agent_service(const model::NodeService& service);
// Changes with the content; 16 hex digits.
std::string content_hash(const AgentService& service);

}  // namespace praetor::http
