#include "agent/registration.h"

#include <fmt/format.h>

#include <set>

#include "base/host_port.h"
#include "base/text.h"
#include "model/validate.h"

namespace praetor::agent {
namespace {

Status valid_statuses(const std::vector<CheckType>& checks, ErrorKind kind, const char* prefix) {
  for (const CheckType& check : checks)
    if (!check.settings.status.empty() && !is_valid_check_status(check.settings.status))
      return fail(fmt::format("{}Status for checks must 'passing', 'warning', 'critical'", prefix), kind);
  return {};
}

// The port that the sidecar has already, or the first that no service of the agent uses.
Result<int64_t> choose_port(const std::string& id, PortRange range, const ForEachService& for_each_service) {
  std::set<int64_t> used;
  int64_t present = 0;
  for_each_service([&](const model::NodeService& service) {
    if (service.id == id) present = service.port;
    used.insert(service.port);
  });
  if (present > 0 && present >= range.first && present <= range.last) return present;
  if (!range.enabled()) return fail("auto-assignment disabled in config");
  for (int64_t port = range.first; port <= range.last; ++port)
    if (!used.contains(port)) return port;
  return fail(fmt::format("none left in the configured range [{}, {}]", range.first, range.last));
}

void fill_from_parent(model::NodeService& sidecar, const model::NodeService& parent) {
  sidecar.kind = "connect-proxy";
  sidecar.id = sidecar_id(parent.id);
  sidecar.locally_registered_as_sidecar = true;
  if (sidecar.service.empty()) sidecar.service = parent.service + "-sidecar-proxy";
  if (sidecar.tags.empty()) sidecar.tags = parent.tags;
  if (sidecar.meta.empty()) sidecar.meta = parent.meta;
  if (sidecar.address.empty()) sidecar.address = parent.address;
  model::ConnectProxyConfig& proxy = sidecar.proxy;
  if (proxy.destination_service_name.empty()) proxy.destination_service_name = parent.service;
  if (proxy.destination_service_id.empty()) proxy.destination_service_id = parent.id;
  if (proxy.local_service_address.empty()) proxy.local_service_address = "127.0.0.1";
  if (proxy.local_service_port < 1) proxy.local_service_port = parent.port;
}

std::vector<CheckType> default_checks(const model::NodeService& sidecar, const model::NodeService& parent) {
  CheckType listening;
  listening.settings.name = "Connect Sidecar Listening";
  listening.settings.tcp = join_host_port(sidecar.proxy.local_service_address, std::to_string(sidecar.port));
  listening.settings.interval = std::chrono::seconds(10);
  CheckType alias;
  alias.settings.name = "Connect Sidecar Aliasing " + parent.id;
  alias.settings.alias_service = parent.id;
  return {listening, alias};
}

Result<SidecarRegistration> make_sidecar(const ServiceDefinition& definition,
                                         const ServiceRegistration& parent, PortRange range,
                                         const ForEachService& for_each_service) {
  const std::string prefix = "Bad request: Invalid SidecarService: ";
  SidecarRegistration sidecar;
  auto checks = definition.check_types();
  if (!checks) return fail("Bad request: Invalid check in sidecar_service: " + checks.error().message);
  sidecar.checks = std::move(*checks);
  TRY(valid_statuses(sidecar.checks, ErrorKind::kInternal, "Bad request: "));
  sidecar.service = definition.node_service();
  fill_from_parent(sidecar.service, parent.service);
  sidecar.token = definition.token.empty() ? parent.token : definition.token;
  if (auto valid = model::validate_service_metadata(sidecar.service.kind, sidecar.service.meta, false);
      !valid)
    return fail(prefix + valid.error().message);
  if (sidecar.service.weights) {
    if (auto valid = model::validate_weights(*sidecar.service.weights); !valid)
      return fail(prefix + valid.error().message);
  }
  if (sidecar.service.port < 1) {
    auto port = choose_port(sidecar.service.id, range, for_each_service);
    if (!port) return fail(prefix + "no port provided for sidecar_service and " + port.error().message);
    sidecar.service.port = *port;
  }
  if (sidecar.checks.empty()) sidecar.checks = default_checks(sidecar.service, parent.service);
  return sidecar;
}

}  // namespace

std::string sidecar_id(const std::string& service_id) { return service_id + "-sidecar-proxy"; }

Result<ServiceRegistration> prepare_service(const ServiceDefinition& definition, PortRange sidecar_ports,
                                            const ForEachService& for_each_service) {
  auto bad = [](std::string text) { return fail(std::move(text), ErrorKind::kBadRequest); };
  if (definition.name.empty()) return bad("Missing service name");
  const std::string& address = definition.address;
  if (address == "0.0.0.0" || address == "::" || address == "[::]") return bad("Invalid service address");
  ServiceRegistration registration;
  registration.service = definition.node_service();
  registration.token = definition.token;
  if (auto valid = model::validate_weights(*registration.service.weights); !valid)
    return bad("Invalid Weights: " + valid.error().message);
  if (auto valid = model::validate_service_metadata(definition.kind, definition.meta, false); !valid)
    return bad("Invalid Service Meta: " + valid.error().message);
  const ServiceDefinition* sidecar = definition.connect ? definition.connect->sidecar_service.get() : nullptr;
  TRY(validate_node_service(registration.service, sidecar));
  auto checks = definition.check_types();
  if (!checks) return bad("Invalid check: " + checks.error().message);
  registration.checks = std::move(*checks);
  TRY(valid_statuses(registration.checks, ErrorKind::kBadRequest, ""));
  if (sidecar != nullptr) {
    TRY_ASSIGN(registration.sidecar, make_sidecar(*sidecar, registration, sidecar_ports, for_each_service));
    add_tagged_addresses(registration.sidecar->service);
  }
  add_tagged_addresses(registration.service);
  return registration;
}

Result<CheckRegistration> prepare_check(const CheckDefinition& definition, const std::string& node) {
  auto bad = [](std::string text) { return fail(std::move(text), ErrorKind::kBadRequest); };
  CheckDefinition copy = definition;
  copy.settings.normalize();
  if (copy.settings.name.empty()) return bad("Missing check name");
  if (!copy.settings.status.empty() && !is_valid_check_status(copy.settings.status))
    return bad("Bad check status");
  if (auto valid = copy.settings.validate(); !valid) return bad("Invalid check: " + valid.error().message);
  CheckRegistration registration;
  registration.check = copy.health_check(node);
  registration.type = copy.check_type();
  registration.token = copy.token;
  return registration;
}

}  // namespace praetor::agent
