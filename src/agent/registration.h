// From a service definition to what the agent registers: the rules of PUT /v1/agent/service/register in their
// order, and the expansion of a sidecar (semantics.md 14). Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/definition.h"

namespace praetor::agent {

struct PortRange {
  int64_t first = 0;
  int64_t last = 0;
  bool enabled() const { return first > 0 || last > 0; }
};

struct SidecarRegistration {
  model::NodeService service;
  std::vector<CheckType> checks;
  std::string token;
};

struct ServiceRegistration {
  model::NodeService service;
  std::vector<CheckType> checks;
  std::string token;
  std::optional<SidecarRegistration> sidecar;
};

// Gives the services that the agent has, by ID, for the choice of a sidecar's port.
using ServiceVisitor = std::function<void(const model::NodeService&)>;
using ForEachService = std::function<void(const ServiceVisitor&)>;

// Errors carry the API's text and kind. The definition's token counts: a definition that came by the API gets
// the request's token first (Consul ignores the one in the body).
Result<ServiceRegistration> prepare_service(const ServiceDefinition& definition, PortRange sidecar_ports,
                                            const ForEachService& for_each_service);

struct CheckRegistration {
  model::HealthCheck check;
  CheckType type;
  std::string token;
};
// PUT /v1/agent/check/register. The service, when one is named, must exist: the caller looks.
Result<CheckRegistration> prepare_check(const CheckDefinition& definition, const std::string& node);

std::string sidecar_id(const std::string& service_id);

}  // namespace praetor::agent
