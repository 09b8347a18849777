// What the configuration and the data directory make an agent register: at its start and on reload.
#include <set>

#include "agent/agent.h"
#include "base/text.h"

namespace praetor::agent {
namespace {

const Logger& logger() {
  static const Logger log("agent");
  return log;
}

}  // namespace

Status Agent::start() {
  TRY(check_services(*config_));
  register_services(*config_);
  restore_services();
  // A check of the configuration may belong to a service of the API.
  TRY(check_checks(*config_));
  register_checks(*config_);
  restore_checks();
  started_ = true;
  pump();
  return {};
}

// Refuses what could not be registered.
Status Agent::check_services(const RuntimeConfig& config) const {
  for (const ServiceDefinition& service : config.services) {
    const std::string name = go_quote(service.name);
    if (service.name.empty()) return fail("Failed to register service " + name + ": Service name missing");
    auto checks = service.check_types();
    if (!checks) return fail("Failed to validate checks for service " + name + ": " + checks.error().message);
    for (const CheckType& check : *checks)
      if (Status allowed = may_run(check.settings, Source::kConfiguration); !allowed)
        return fail("Failed to register service " + name + ": " + allowed.error().message);
  }
  return {};
}

Status Agent::check_checks(const RuntimeConfig& config) const {
  std::set<std::string> services;
  for (const ServiceDefinition& service : config.services) services.insert(service.effective_id());
  for (const CheckDefinition& check : config.checks) {
    const std::string start = "Failed to register check '" + check.settings.name + "': ";
    if (check.effective_id().empty()) return fail(start + "CheckID missing");
    if (Status valid = check.settings.validate(); !valid)
      return fail(start + "Check is not valid: " + valid.error().message);
    if (!check.service_id.empty() && !services.contains(check.service_id) &&
        !state_.service(check.service_id))
      return fail(start + "ServiceID " + go_quote(check.service_id) + " does not exist");
    if (Status allowed = may_run(check.settings, Source::kConfiguration); !allowed)
      return fail(start + allowed.error().message);
  }
  return {};
}

void Agent::register_services(const RuntimeConfig& config) {
  for (const ServiceDefinition& service : config.services)
    add_service(service, Source::kConfiguration, true, [name = service.name](const Status& added) {
      if (!added) logger().error("failed to register service", {{"service", name}, {"error", added.error()}});
    });
}

void Agent::register_checks(const RuntimeConfig& config) {
  for (const CheckDefinition& check : config.checks)
    add_check(check, Source::kConfiguration, [name = check.settings.name](const Status& added) {
      if (!added) logger().error("failed to register check", {{"check", name}, {"error", added.error()}});
    });
}

// What the API registered before the last stop, unless configuration files define it now.
void Agent::restore_services() {
  std::set<std::string> services;
  for (const ServiceDefinition& service : config_->services) services.insert(service.effective_id());
  for (const PersistedService& kept :
       data_.load_services([&](const std::string& id) { return services.contains(id); })) {
    model::NodeService service = kept.service;
    service.locally_registered_as_sidecar = kept.locally_registered_as_sidecar;
    if (Status added = state_.add_service(std::move(service), kept.token); !added)
      logger().error("failed to restore service", {{"service", kept.service.id}, {"error", added.error()}});
  }
}

void Agent::restore_checks() {
  std::set<std::string> checks;
  for (const CheckDefinition& check : config_->checks) checks.insert(check.effective_id());
  Work work;  // nothing to write, and nobody who waits
  for (PersistedCheck& kept :
       data_.load_checks([&](const std::string& id) { return checks.contains(id); }, system_clock().wall())) {
    Status added = kept.chk_type
                       ? start_check(work, kept.check, *kept.chk_type, kept.token, Source::kRestored)
                       : state_.add_check(kept.check, kept.token);
    if (added) continue;
    logger().warn("failed to restore check", {{"check", kept.check.check_id}, {"error", added.error()}});
    journal_.append({{KeptKind::kCheck, kept.check.check_id, std::nullopt}}, {});
  }
}

Status Agent::reload(std::shared_ptr<const RuntimeConfig> config) {
  auto refused = [](const char* what, const Status& why) { return fail(what + why.error().message); };
  if (Status good = check_services(*config); !good) return refused("Failed reloading services: ", good);
  if (Status good = check_checks(*config); !good) return refused("Failed reloading checks: ", good);
  sync_.pause();
  std::set<std::string> services, checks;
  for (const ServiceDefinition& service : config->services) services.insert(service.effective_id());
  for (const CheckDefinition& check : config->checks) checks.insert(check.effective_id());
  for (const ServiceDefinition& old : config_->services)
    if (!services.contains(old.effective_id())) remove_service(old.effective_id(), {});
  for (const CheckDefinition& old : config_->checks)
    if (!checks.contains(old.effective_id())) remove_check(old.effective_id(), {});
  config_ = std::move(config);
  state_.set_node_meta(node_meta_of(*config_));
  state_.set_discard_check_output(config_->discard_check_output);
  checks_->reload_tls();
  register_services(*config_);
  register_checks(*config_);
  sync_.resume();
  sync_.compare_now(system_clock().now());
  pump();
  return {};
}

}  // namespace praetor::agent
