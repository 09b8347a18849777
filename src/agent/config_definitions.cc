// Services, checks and watches that configuration files define.
#include <fmt/format.h>

#include "agent/config_builder.h"
#include "base/text.h"
#include "model/validate.h"

namespace praetor::agent {
namespace {

// `check` joins `checks`; every check has a bound on its output.
void settle(ServiceDefinition& service, int64_t output_max_size) {
  if (service.check) {
    service.checks.push_back(*service.check);
    service.check.reset();
  }
  for (CheckType& check : service.checks) {
    check.settings.normalize();
    if (check.settings.output_max_size == 0) check.settings.output_max_size = output_max_size;
  }
  if (service.proxy) {
    for (model::Upstream& upstream : service.proxy->upstreams)
      if (upstream.destination_type.empty()) upstream.destination_type = "service";
  }
  if (!service.weights) service.weights = model::Weights{1, 1};
  if (service.connect && service.connect->sidecar_service)
    settle(*service.connect->sidecar_service, output_max_size);
}

bool is_mesh_mode(std::string_view mode) {
  return mode.empty() || mode == "none" || mode == "local" || mode == "remote";
}

}  // namespace

void ConfigBuilder::check_service(const ServiceDefinition& service) {
  if (auto valid = model::validate_service_metadata(service.kind, service.meta, false); !valid)
    replace_error(fmt::format("invalid meta for service {}: {}", service.name, valid.error().message));
  if (auto valid = model::validate_weights(*service.weights); !valid)
    replace_error(
        fmt::format("Invalid weight definition for service {}: {}", service.name, valid.error().message));
  if (service.proxy) {
    auto check_mode = [&](const std::string& mode) {
      if (!is_mesh_mode(mode)) replace_error(fmt::format("Invalid Mesh Gateway Mode: {}", go_quote(mode)));
    };
    for (const model::Upstream& upstream : service.proxy->upstreams) check_mode(upstream.mesh_gateway.mode);
    check_mode(service.proxy->mesh_gateway.mode);
  }
  if (!service.connect || !service.connect->sidecar_service) return;
  const ServiceDefinition& sidecar = *service.connect->sidecar_service;
  check_service(sidecar);
  if (!sidecar.id.empty()) replace_error("sidecar_service can't specify an ID");
  if (sidecar.connect && sidecar.connect->sidecar_service)
    replace_error("sidecar_service can't have a nested sidecar_service");
}

void ConfigBuilder::build_definitions() {
  config_.check_output_max_size = file_.check_output_max_size.value_or(0);
  config_.check_update_interval = duration("check_update_interval", file_.check_update_interval);
  config_.discard_check_output = file_.discard_check_output.value_or(false);
  config_.enable_remote_script_checks = file_.enable_script_checks.value_or(false);
  config_.enable_local_script_checks =
      file_.enable_local_script_checks.value_or(config_.enable_remote_script_checks);
  config_.services = file_.services;
  for (ServiceDefinition& service : config_.services) {
    settle(service, config_.check_output_max_size);
    check_service(service);
  }
  config_.checks = file_.checks;
  for (CheckDefinition& check : config_.checks) {
    check.settings.normalize();
    if (check.settings.output_max_size == 0) check.settings.output_max_size = config_.check_output_max_size;
  }
  config_.watches = file_.watches;
}

}  // namespace praetor::agent
