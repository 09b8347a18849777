// The agent's changes: registrations, removals, TTL reports, maintenance, and who waits for them.
#include <algorithm>
#include <set>

#include "agent/agent.h"
#include "base/text.h"

namespace praetor::agent {
namespace {

const Logger& logger() {
  static const Logger log("agent");
  return log;
}

size_t output_limit(const RuntimeConfig& config, const CheckSettings& settings) {
  auto limit = static_cast<size_t>(config.check_output_max_size);
  if (limit == 0) limit = kDefaultCheckOutput;
  if (settings.output_max_size > 0) limit = std::min(limit, static_cast<size_t>(settings.output_max_size));
  return limit;
}

CheckSpec spec_of(const RuntimeConfig& config, const model::HealthCheck& check, const CheckType& type,
                  const std::string& token) {
  const CheckSettings& settings = type.settings;
  CheckSpec spec;
  spec.id = check.check_id;
  spec.service_id = check.service_id;
  spec.args = settings.script_args;
  spec.docker_container_id = settings.docker_container_id;
  spec.shell = settings.shell;
  spec.http = settings.proxy_http.empty() ? settings.http : settings.proxy_http;
  spec.method = settings.method;
  for (const auto& [name, values] : settings.header) spec.header[name] = values;
  spec.body = settings.body;
  spec.tcp = settings.tcp;
  spec.grpc = settings.proxy_grpc.empty() ? settings.grpc : settings.proxy_grpc;
  spec.grpc_use_tls = settings.grpc_use_tls;
  spec.ttl = settings.ttl;
  spec.alias_node = settings.alias_node;
  spec.alias_service = settings.alias_service;
  spec.token = token;
  spec.tls.skip_verify = settings.tls_skip_verify;
  if (config.enable_agent_tls_for_checks) {
    spec.tls.ca_file = config.ca_file;
    spec.tls.ca_path = config.ca_path;
    spec.tls.cert_file = config.cert_file;
    spec.tls.key_file = config.key_file;
    spec.tls.server_name = config.server_name;
  }
  spec.interval = settings.interval;
  spec.timeout = settings.timeout;
  spec.output_max_size = output_limit(config, settings);
  spec.success_before_passing = static_cast<int>(settings.success_before_passing);
  spec.failures_before_critical = static_cast<int>(settings.failures_before_critical);
  if (settings.deregister_critical_service_after.count() > 0)
    spec.deregister_critical_service_after =
        std::max(settings.deregister_critical_service_after, config.check_deregister_interval_min);
  spec.initial_output = check.output;
  return spec;
}

void tell_label(LogLevel level, std::string_view what, std::string_view key, const std::string& name) {
  if (std::string_view problem = dns_label_problem(name); !problem.empty())
    logger().log(level, std::string(what) + " will not be discoverable via DNS " + std::string(problem),
                 {{key, name}});
}

std::string unknown_ttl(const std::string& id) {
  return "CheckID " + go_quote(id) + " does not have associated TTL";
}

}  // namespace

void Agent::finish(Work work, Status status, Done done) {
  if (!status) {
    undo(work);
    if (done) done(status);
  } else if (done || !work.keep.empty()) {
    uint64_t id = ++last_waiting_;
    std::vector<KeptChange> keep = std::move(work.keep);
    waiting_.emplace(id, Waiting{std::move(work), keep.empty(), std::move(done)});
    gather_.arrived();
    if (!keep.empty())
      journal_.append(std::move(keep), [this, alive = alive_, id](const Status& result) {
        if (*alive) kept(id, result);
      });
  }
  pump_soon();
}

void Agent::kept(uint64_t id, const Status& status) {
  auto at = waiting_.find(id);
  if (at == waiting_.end()) return;
  pump_soon();
  if (status) {
    at->second.durable = true;
    return;
  }
  Waiting failed = std::move(at->second);
  waiting_.erase(at);
  gather_.answered(1, system_clock().now());
  undo(failed.work);
  if (failed.done) failed.done(status);
}

// Takes back what was not there before. What a later request made of it stays.
void Agent::undo(const Work& work) {
  Work undone;  // nothing of it is on disk
  for (const std::string& id : work.new_checks) drop_check(undone, id);
  for (const auto& [id, version] : work.new_services)
    if (const LocalService* local = state_.service(id); local && local->version == version)
      drop_service(undone, id);
}

void Agent::answer_waiting(Instant now) {
  std::vector<Waiting> ready;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    Waiting& one = at->second;
    std::erase_if(one.work.told, [this](const PendingSync& pending) { return !state_.untried(pending); });
    if (one.durable && one.work.told.empty()) {
      ready.push_back(std::move(one));
      at = waiting_.erase(at);
    } else {
      ++at;
    }
  }
  if (!ready.empty()) gather_.answered(ready.size(), now);
  for (Waiting& one : ready)
    if (one.done) one.done({});
}

void Agent::add_service(const ServiceDefinition& definition, Source source, bool replace_checks, Done done) {
  PortRange sidecars{config_->connect_sidecar_min_port, config_->connect_sidecar_max_port};
  auto registration = prepare_service(definition, sidecars, [this](const ServiceVisitor& visit) {
    state_.for_each_service([&](const LocalService& local) { visit(local.service); });
  });
  Work work;
  if (!registration) return finish(std::move(work), fail(registration.error()), std::move(done));
  Status added = register_service(work, registration->service, registration->checks, registration->token,
                                  source, replace_checks);
  if (added && registration->sidecar)
    added = register_service(work, registration->sidecar->service, registration->sidecar->checks,
                             registration->sidecar->token, source, replace_checks);
  finish(std::move(work), std::move(added), std::move(done));
}

Status Agent::register_service(Work& work, const model::NodeService& service,
                               const std::vector<CheckType>& checks, const std::string& token, Source source,
                               bool replace_checks) {
  tell_label(LogLevel::kWarn, "Service name", "service", service.service);
  for (const std::string& tag : service.tags) tell_label(LogLevel::kDebug, "Service tag", "tag", tag);
  // What the checks knew stays with them when their service is registered again.
  std::map<std::string, model::HealthCheck> before;
  for (const LocalCheck* local : state_.checks_of(service.id)) before[local->check.check_id] = local->check;
  bool fresh = state_.service(service.id) == nullptr;
  TRY(state_.add_service(service, token));
  auto pending = state_.pending_service(service.id);
  if (fresh) work.new_services.emplace_back(service.id, pending->version);
  work.told.push_back(std::move(*pending));
  if (source == Source::kApi)
    work.keep.push_back(
        agent::kept(PersistedService{token, service, "remote", service.locally_registered_as_sidecar}));
  std::set<std::string> kept;
  for (size_t i = 0; i < checks.size(); ++i) {
    model::HealthCheck check = service_check(checks[i], service, config_->node_name, i + 1, checks.size());
    kept.insert(check.check_id);
    if (auto known = before.find(check.check_id); known != before.end()) {
      check.status = known->second.status;
      check.output = known->second.output;
    }
    TRY(start_check(work, check, checks[i], token, source));
  }
  if (!replace_checks) return {};
  for (const auto& [id, check] : before)
    if (!kept.contains(id) && id != service_maintenance_id(service.id)) drop_check(work, id);
  return {};
}

Status Agent::may_run(const CheckSettings& settings, Source source) const {
  if (!settings.is_exec() || config_->enable_remote_script_checks) return {};
  if (source != Source::kConfiguration)
    return fail(
        "Scripts are disabled on this agent from remote calls; to enable, configure "
        "'enable_script_checks' to true");
  if (config_->enable_local_script_checks) return {};
  return fail(
      "Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or "
      "'enable_local_script_checks' to true");
}

Status Agent::start_check(Work& work, const model::HealthCheck& check, const CheckType& type,
                          const std::string& token, Source source) {
  TRY(may_run(type.settings, source));
  std::string own = type.token.empty() ? token : type.token;
  bool fresh = state_.check(check.check_id) == nullptr;
  TRY(state_.add_check(check, own));
  if (fresh) work.new_checks.push_back(check.check_id);
  work.told.push_back(*state_.pending_check(check.check_id));
  if (source == Source::kApi) work.keep.push_back(agent::kept(PersistedCheck{check, type, own, "remote"}));
  CheckSpec spec = spec_of(*config_, check, type, own);
  if (kind_of(spec) == CheckKind::kNone) return {};
  return checks_->start(std::move(spec));
}

void Agent::drop_check(Work& work, const std::string& id) {
  checks_->stop(id);
  if (!state_.check(id)) return;
  work.keep.push_back({KeptKind::kCheck, id, std::nullopt});
  work.keep.push_back({KeptKind::kCheckState, id, std::nullopt});
  (void)state_.remove_check(id);
  if (auto pending = state_.pending_check(id)) work.told.push_back(std::move(*pending));
}

void Agent::drop_service(Work& work, const std::string& id) {
  if (!state_.service(id)) return;
  for (const LocalCheck* check : state_.checks_of(id)) {
    const std::string& check_id = check->check.check_id;
    checks_->stop(check_id);
    work.keep.push_back({KeptKind::kCheck, check_id, std::nullopt});
    work.keep.push_back({KeptKind::kCheckState, check_id, std::nullopt});
  }
  work.keep.push_back({KeptKind::kService, id, std::nullopt});
  (void)state_.remove_service(id);
  if (auto pending = state_.pending_service(id)) work.told.push_back(std::move(*pending));
}

void Agent::remove_service(const std::string& id, Done done) {
  Work work;
  if (id.empty()) return finish(std::move(work), fail("ServiceID missing"), std::move(done));
  if (state_.service(id)) {
    drop_service(work, id);
    const LocalService* sidecar = state_.service(sidecar_id(id));
    if (sidecar && sidecar->service.locally_registered_as_sidecar) drop_service(work, sidecar_id(id));
  }
  finish(std::move(work), {}, std::move(done));
}

void Agent::add_check(const CheckDefinition& definition, Source source, Done done) {
  Work work;
  auto registration = prepare_check(definition, config_->node_name);
  if (!registration) return finish(std::move(work), fail(registration.error()), std::move(done));
  model::HealthCheck& check = registration->check;
  if (source == Source::kConfiguration) check.type.clear();  // only the API names the kind
  if (!check.service_id.empty()) {
    const LocalService* service = state_.service(check.service_id);
    if (!service)
      return finish(std::move(work), fail("ServiceID " + go_quote(check.service_id) + " does not exist"),
                    std::move(done));
    check.service_name = service->service.service;
    check.service_tags = service->service.tags;
  }
  if (const LocalCheck* known = state_.check(check.check_id)) {
    check.status = known->check.status;
    check.output = known->check.output;
  }
  Status added = start_check(work, check, registration->type, registration->token, source);
  finish(std::move(work), std::move(added), std::move(done));
}

void Agent::remove_check(const std::string& id, Done done) {
  Work work;
  if (id.empty()) return finish(std::move(work), fail("CheckID missing"), std::move(done));
  drop_check(work, id);
  finish(std::move(work), {}, std::move(done));
}

void Agent::update_ttl(const std::string& id, std::string_view status, const std::string& output, Done done) {
  Work work;
  auto ttl = checks_->ttl_of(id);
  const LocalCheck* local = state_.check(id);
  if (!ttl || !local) return finish(std::move(work), fail(unknown_ttl(id)), std::move(done));
  bool news = local->check.status != status;
  Status updated = checks_->update_ttl(id, status_of(status), output);
  // A restart within the time must not forget the report.
  Time until = system_clock().wall();
  until.seconds += std::chrono::duration_cast<std::chrono::seconds>(*ttl).count();
  KeptChange state = agent::kept(PersistedCheckState{id, output, std::string(status), until.seconds});
  if (news) {
    work.keep.push_back(std::move(state));
    if (auto pending = state_.pending_check(id)) work.told.push_back(std::move(*pending));
  } else {
    journal_.append_later(std::move(state));
  }
  finish(std::move(work), std::move(updated), std::move(done));
}

Status Agent::add_maintenance(Work& work, const model::HealthCheck& check, const std::string& token) {
  if (state_.check(check.check_id)) return {};
  TRY(state_.add_check(check, token));
  work.new_checks.push_back(check.check_id);
  work.told.push_back(*state_.pending_check(check.check_id));
  work.keep.push_back(agent::kept(PersistedCheck{check, {}, token, "remote"}));
  return {};
}

void Agent::set_service_maintenance(const std::string& id, bool enable, const std::string& reason,
                                    const std::string& token, Done done) {
  Work work;
  Status status;
  const LocalService* service = state_.service(id);
  if (!service)
    status = fail("No service registered with ID " + go_quote(id), ErrorKind::kNotFound);
  else if (enable)
    status =
        add_maintenance(work, service_maintenance_check(config_->node_name, service->service, reason), token);
  else
    drop_check(work, service_maintenance_id(id));
  finish(std::move(work), std::move(status), std::move(done));
}

void Agent::set_node_maintenance(bool enable, const std::string& reason, const std::string& token,
                                 Done done) {
  Work work;
  Status status;
  if (enable)
    status = add_maintenance(work, node_maintenance_check(config_->node_name, reason), token);
  else
    drop_check(work, std::string(kNodeMaintenanceID));
  finish(std::move(work), std::move(status), std::move(done));
}

void Agent::fill_stats(codec::Map<std::string>& stats) const {
  stats["check_monitors"] = std::to_string(checks_->count(CheckKind::kScript));
  stats["check_ttls"] = std::to_string(checks_->count(CheckKind::kTtl));
  stats["checks"] = std::to_string(state_.check_count());
  stats["services"] = std::to_string(state_.service_count());
}

}  // namespace praetor::agent
