// What /v1/agent/services, /v1/agent/service/:id and /v1/agent/checks show (http-api.md 1.8). Pure; any
// thread.
#pragma once

#include <cstdint>
#include <string>

#include "codec/type.h"
#include "model/catalog.h"

namespace praetor::agent {

using codec::Box;
using codec::List;
using codec::Map;

// As model::Upstream, but empty datacenter and config are left out.
struct AgentUpstream {
  std::string destination_type;
  std::string destination_namespace;
  std::string destination_name;
  std::string datacenter;
  std::string local_bind_address;
  int64_t local_bind_port = 0;
  Map<codec::Value> config;
  model::MeshGatewayConfig mesh_gateway;
};
PRAETOR_DESCRIBED(AgentUpstream)

struct AgentProxy {
  std::string destination_service_name;
  std::string destination_service_id;
  std::string local_service_address;
  int64_t local_service_port = 0;
  Map<codec::Value> config;
  List<AgentUpstream> upstreams;
  model::MeshGatewayConfig mesh_gateway;
  model::ExposeConfig expose;
};
PRAETOR_DESCRIBED(AgentProxy)

struct AgentWeights {
  int64_t passing = 0;
  int64_t warning = 0;
};
PRAETOR_DESCRIBED(AgentWeights)

struct AgentConnect {
  bool native = false;
  Box<AgentWeights> sidecar_service;  // always null: only registrations carry one
};
PRAETOR_DESCRIBED(AgentConnect)

struct AgentService {
  std::string kind;
  std::string id;
  std::string service;
  List<std::string> tags;
  Map<std::string> meta;
  int64_t port = 0;
  std::string address;
  Map<model::ServiceAddress> tagged_addresses;
  AgentWeights weights;
  bool enable_tag_override = false;
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
  std::string content_hash;
  Box<AgentProxy> proxy;      // proxies and gateways
  Box<AgentConnect> connect;  // Connect-native services
};
PRAETOR_DESCRIBED(AgentService)

// Without a content hash, as /v1/agent/services lists it.
AgentService agent_service(const model::NodeService& service);
// Consul's own hash of the view (hex): clients that came from a Consul agent go on waiting with theirs.
std::string content_hash(const AgentService& service);
// With its content hash: /v1/agent/service/:id.
AgentService agent_service_with_hash(const model::NodeService& service);
// For /v1/agent/checks: no null lists, no indexes.
model::HealthCheck agent_check(const model::HealthCheck& check);

}  // namespace praetor::agent
