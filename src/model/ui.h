// What the web UI asks for: nodes with all they have, services summed up.
#pragma once

#include <cstdint>
#include <string>

#include "model/catalog.h"
#include "model/common.h"

namespace praetor::model {

struct NodeInfo {
  std::string id;
  std::string node;
  std::string address;
  Map<std::string> tagged_addresses;
  Map<std::string> meta;
  List<NodeService> services;
  List<HealthCheck> checks;
};
PRAETOR_DESCRIBED(NodeInfo)

struct IndexedNodeDump {
  List<NodeInfo> dump;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedNodeDump)

struct GatewayConfig {};
PRAETOR_DESCRIBED(GatewayConfig)

struct ServiceSummary {
  std::string kind;
  std::string name;
  List<std::string> tags;   // of all instances, sorted
  List<std::string> nodes;  // one an instance, sorted
  int64_t instance_count = 0;
  List<std::string> proxy_for;
  int64_t checks_passing = 0;
  int64_t checks_warning = 0;
  int64_t checks_critical = 0;
  List<std::string> external_sources;
  GatewayConfig gateway_config;
};
PRAETOR_DESCRIBED(ServiceSummary)

}  // namespace praetor::model
