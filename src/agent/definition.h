// What users write to register services and checks, through the HTTP API (CamelCase, some snake_case) and in
// configuration files (snake_case): one described struct serves both (agent/config_decode.h reads the
// second). Pure values and rules; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/check_spec.h"
#include "base/result.h"
#include "codec/type.h"
#include "model/catalog.h"

namespace praetor::agent {

using codec::Box;
using codec::List;
using codec::Map;

// How to run a check, whoever owns it.
struct CheckSettings {
  std::string name;
  std::string status;
  std::string notes;
  List<std::string> script_args;
  List<std::string> args;  // another name of script_args; empty after normalize()
  std::string http;
  Map<List<std::string>> header;
  std::string method;
  std::string body;
  std::string tcp;
  Duration interval{0};
  std::string alias_node;
  std::string alias_service;
  std::string docker_container_id;
  std::string shell;
  std::string grpc;
  bool grpc_use_tls = false;
  bool tls_skip_verify = false;
  Duration timeout{0};
  Duration ttl{0};
  int64_t success_before_passing = 0;
  int64_t failures_before_critical = 0;
  std::string proxy_http;  // set by the agent when a proxy exposes the check
  std::string proxy_grpc;
  Duration deregister_critical_service_after{0};
  int64_t output_max_size = 0;

  // After decoding: `args` wins over `script_args`.
  void normalize();
  CheckKind kind() const;
  std::string kind_name() const;  // HealthCheck::type
  bool is_script() const { return !script_args.empty(); }
  bool is_exec() const { return is_script() || !docker_container_id.empty(); }
  bool is_alias() const { return !alias_node.empty() || !alias_service.empty(); }
  // The rules of a check's fields (http-api.md 3), without the prefix `Invalid check: `.
  Status validate() const;
};

// A check inside a service definition.
struct CheckType {
  std::string check_id;
  std::string service_id;  // accepted, without meaning
  std::string token;       // configuration files only
  CheckSettings settings;
};
PRAETOR_DESCRIBED(CheckType)

// A check of its own.
struct CheckDefinition {
  std::string id;
  std::string service_id;
  std::string token;
  CheckSettings settings;

  // The ID, or else the name.
  const std::string& effective_id() const { return id.empty() ? settings.name : id; }
  model::HealthCheck health_check(const std::string& node) const;
  CheckType check_type() const;
};
PRAETOR_DESCRIBED(CheckDefinition)

struct ServiceDefinition;

struct ServiceConnectDefinition {
  bool native = false;
  Box<ServiceDefinition> sidecar_service;
};
PRAETOR_DESCRIBED(ServiceConnectDefinition)

struct ServiceDefinition {
  std::string kind;
  std::string id;
  std::string name;
  List<std::string> tags;
  std::string address;
  Map<model::ServiceAddress> tagged_addresses;
  Map<std::string> meta;
  int64_t port = 0;
  Box<CheckType> check;
  List<CheckType> checks;
  Box<model::Weights> weights;
  std::string token;
  bool enable_tag_override = false;
  Box<model::ConnectProxyConfig> proxy;
  Box<ServiceConnectDefinition> connect;

  const std::string& effective_id() const { return id.empty() ? name : id; }
  // Without the sidecar; weights default to 1/1, an upstream's type to "service".
  model::NodeService node_service() const;
  // `check` if it says anything, then `checks`, each normalized and valid; an error has no prefix.
  Result<std::vector<CheckType>> check_types() const;
};
PRAETOR_DESCRIBED(ServiceDefinition)

// The check that a service's n-th (from 1) of `count` checks becomes: default ID and name, status, service
// fields.
model::HealthCheck service_check(const CheckType& check, const model::NodeService& service,
                                 const std::string& node, size_t n, size_t count);

bool is_valid_check_status(std::string_view status);  // passing, warning, critical

// The rules of a service (proxies, gateways, sidecars). Errors are a multi-error text.
Status validate_node_service(const model::NodeService& service, const ServiceDefinition* sidecar);

// Why a name cannot be a label of DNS, as a warning goes on after `will not be discoverable via DNS `; empty
// when it can: letters, digits and dashes, at most 63 (config.md 2).
std::string_view dns_label_problem(std::string_view name);
// Adds lan_ipv4 and wan_ipv4 (or _ipv6) for a service whose address is an IP literal (semantics.md 8).
void add_tagged_addresses(model::NodeService& service);

}  // namespace praetor::agent
