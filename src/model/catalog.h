// The records of the catalog: nodes, services and checks, and the requests that write and read them
// (wire.md 5.7, 5.8). JSON order and omissions are those of http-api.md 1.8.
#pragma once

#include <cstdint>
#include <string>

#include "model/common.h"

namespace praetor::model {

inline constexpr const char* kHealthPassing = "passing";
inline constexpr const char* kHealthWarning = "warning";
inline constexpr const char* kHealthCritical = "critical";
inline constexpr const char* kHealthMaintenance = "maintenance";  // aggregated status only
inline constexpr const char* kSerfHealthCheckID = "serfHealth";
inline constexpr const char* kConsulServiceID = "consul";

struct Node {
  std::string id;  // UUID, may be empty for externally registered nodes
  std::string node;
  std::string address;
  std::string datacenter;
  Map<std::string> tagged_addresses;
  Map<std::string> meta;
  RaftIndex indexes;
};
PRAETOR_DESCRIBED(Node)

struct Weights {
  int64_t passing = 0;
  int64_t warning = 0;
  bool operator==(const Weights&) const = default;
};
PRAETOR_DESCRIBED(Weights)

struct ServiceAddress {
  std::string address;
  int64_t port = 0;
  bool operator==(const ServiceAddress&) const = default;
};
PRAETOR_DESCRIBED(ServiceAddress)

struct MeshGatewayConfig {
  std::string mode;
  bool operator==(const MeshGatewayConfig&) const = default;
};
PRAETOR_DESCRIBED(MeshGatewayConfig)

struct ExposePath {
  int64_t listener_port = 0;
  std::string path;
  int64_t local_path_port = 0;
  std::string protocol;
  bool parsed_from_check = false;
  bool operator==(const ExposePath&) const = default;
};
PRAETOR_DESCRIBED(ExposePath)

struct ExposeConfig {
  bool checks = false;
  List<ExposePath> paths;
  bool operator==(const ExposeConfig&) const = default;
};
PRAETOR_DESCRIBED(ExposeConfig)

struct Upstream {
  std::string destination_type;
  std::string destination_namespace;
  std::string destination_name;
  std::string datacenter;
  std::string local_bind_address;
  int64_t local_bind_port = 0;
  Map<Value> config;
  MeshGatewayConfig mesh_gateway;
  List<std::string> ingress_hosts;
  bool operator==(const Upstream&) const = default;
};
PRAETOR_DESCRIBED(Upstream)

struct ConnectProxyConfig {
  std::string destination_service_name;
  std::string destination_service_id;
  std::string local_service_address;
  int64_t local_service_port = 0;
  Map<Value> config;
  List<Upstream> upstreams;
  MeshGatewayConfig mesh_gateway;
  ExposeConfig expose;
  bool operator==(const ConnectProxyConfig&) const = default;
};
PRAETOR_DESCRIBED(ConnectProxyConfig)

struct ServiceConnect {
  bool native = false;
  Value sidecar_service;  // always null in the catalog: the agent resolves sidecars before it registers
  bool operator==(const ServiceConnect&) const = default;
};
PRAETOR_DESCRIBED(ServiceConnect)

// A service instance as its node registers it.
struct NodeService {
  std::string kind;  // "", connect-proxy, mesh-gateway, terminating-gateway, ingress-gateway
  std::string id;
  std::string service;
  List<std::string> tags;
  std::string address;
  Map<ServiceAddress> tagged_addresses;
  Map<std::string> meta;
  int64_t port = 0;
  Box<Weights> weights;
  bool enable_tag_override = false;
  ConnectProxyConfig proxy;
  ServiceConnect connect;
  bool locally_registered_as_sidecar = false;
  RaftIndex indexes;
};
PRAETOR_DESCRIBED(NodeService)

struct HealthCheckDefinition {
  std::string http;
  bool tls_skip_verify = false;
  Map<List<std::string>> header;
  std::string method;
  std::string body;
  std::string tcp;
  Duration interval{0};
  uint64_t output_max_size = 0;
  Duration timeout{0};
  Duration deregister_critical_service_after{0};
  List<std::string> script_args;
  std::string docker_container_id;
  std::string shell;
  std::string grpc;
  bool grpc_use_tls = false;
  std::string alias_node;
  std::string alias_service;
  Duration ttl{0};
  bool operator==(const HealthCheckDefinition&) const = default;
};
PRAETOR_DESCRIBED(HealthCheckDefinition)

struct HealthCheck {
  std::string node;
  std::string check_id;
  std::string name;
  std::string status;
  std::string notes;
  std::string output;
  std::string service_id;
  std::string service_name;
  List<std::string> service_tags;
  std::string type;
  HealthCheckDefinition definition;
  RaftIndex indexes;
};
PRAETOR_DESCRIBED(HealthCheck)

// A service instance joined with its node, as the catalog answers it.
struct ServiceNode {
  std::string id;
  std::string node;
  std::string address;
  std::string datacenter;
  Map<std::string> tagged_addresses;
  Map<std::string> node_meta;
  std::string service_kind;
  std::string service_id;
  std::string service_name;
  List<std::string> service_tags;
  std::string service_address;
  Map<ServiceAddress> service_tagged_addresses;
  Weights service_weights;
  Map<std::string> service_meta;
  int64_t service_port = 0;
  bool service_enable_tag_override = false;
  ConnectProxyConfig service_proxy;
  ServiceConnect service_connect;
  RaftIndex indexes;
};
PRAETOR_DESCRIBED(ServiceNode)

struct CheckServiceNode {
  Box<Node> node;
  Box<NodeService> service;
  List<HealthCheck> checks;
};
PRAETOR_DESCRIBED(CheckServiceNode)

struct NodeServices {
  Box<Node> node;
  Map<NodeService> services;
};
PRAETOR_DESCRIBED(NodeServices)

struct NodeServiceList {
  Box<Node> node;
  List<NodeService> services;
};
PRAETOR_DESCRIBED(NodeServiceList)

// Log message kRegister and Catalog.Register.
struct RegisterRequest {
  std::string datacenter;
  std::string id;
  std::string node;
  std::string address;
  Map<std::string> tagged_addresses;
  Map<std::string> node_meta;
  Box<NodeService> service;
  Box<HealthCheck> check;
  List<HealthCheck> checks;
  bool skip_node_update = false;
  RaftIndex indexes;
  WriteRequest write;
};
PRAETOR_DESCRIBED(RegisterRequest)

// Log message kDeregister and Catalog.Deregister: a service, else a check, else the whole node.
struct DeregisterRequest {
  std::string datacenter;
  std::string node;
  std::string service_id;
  std::string check_id;
  WriteRequest write;
};
PRAETOR_DESCRIBED(DeregisterRequest)

struct NodeSpecificRequest {
  std::string datacenter;
  std::string node;
  QueryOptions options;
};
PRAETOR_DESCRIBED(NodeSpecificRequest)

struct ServiceSpecificRequest {
  std::string datacenter;
  Map<std::string> node_meta_filters;
  std::string service_name;
  std::string service_tag;  // of agents older than 1.4
  List<std::string> service_tags;
  std::string service_address;
  bool tag_filter = false;
  QuerySource source;
  bool connect = false;
  bool ingress = false;
  QueryOptions options;
};
PRAETOR_DESCRIBED(ServiceSpecificRequest)

struct ChecksInStateRequest {
  std::string datacenter;
  Map<std::string> node_meta_filters;
  std::string state;
  QuerySource source;
  QueryOptions options;
};
PRAETOR_DESCRIBED(ChecksInStateRequest)

struct IndexedNodes {
  List<Node> nodes;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedNodes)

struct IndexedServices {
  Map<List<std::string>> services;  // name -> union of the tags
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedServices)

struct IndexedServiceNodes {
  List<ServiceNode> service_nodes;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedServiceNodes)

struct IndexedNodeServices {
  Box<NodeServices> node_services;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedNodeServices)

struct IndexedNodeServiceList {
  NodeServiceList node_services;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedNodeServiceList)

struct IndexedHealthChecks {
  List<HealthCheck> health_checks;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedHealthChecks)

struct IndexedCheckServiceNodes {
  List<CheckServiceNode> nodes;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedCheckServiceNodes)

}  // namespace praetor::model
