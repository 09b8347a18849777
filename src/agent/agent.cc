#include "agent/agent.h"

#include <future>
#include <set>

#include "base/text.h"
#include "server/catalog.h"
#include "server/server.h"
#include "store/catalog_read.h"
#include "store/store.h"

namespace praetor::agent {
namespace {

const Logger& logger() {
  static const Logger log("agent");
  return log;
}

// What every agent says of itself, besides what its operator wants to say.
codec::Map<std::string> node_meta_of(const RuntimeConfig& config) {
  codec::Map<std::string> meta = config.node_meta;
  meta["consul-network-segment"] = config.segment_name;
  return meta;
}

LocalState::Options state_options(const RuntimeConfig& config) {
  LocalState::Options options;
  options.node = config.node_name;
  options.node_id = config.node_id;
  options.datacenter = config.datacenter;
  options.address = config.advertise_addr_lan;
  options.tagged_addresses = config.tagged_addresses;
  options.meta = node_meta_of(config);
  options.check_update_interval = config.check_update_interval;
  options.discard_check_output = config.discard_check_output;
  return options;
}

void tell_label(LogLevel level, std::string_view what, std::string_view key, const std::string& name) {
  if (std::string_view problem = dns_label_problem(name); !problem.empty())
    logger().log(level, std::string(what) + " will not be discoverable via DNS " + std::string(problem),
                 {{key, name}});
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

}  // namespace

Agent::Agent(Reactor& reactor, server::Server& server, std::shared_ptr<const RuntimeConfig> config)
    : reactor_(reactor),
      server_(server),
      config_(std::move(config)),
      data_(config_->dev_mode ? "" : config_->data_dir, Logger("agent")),
      random_(thread_random().next()),
      state_(state_options(*config_), tokens_, random_, Logger("agent")),
      sync_(state_, tokens_, random_, AntiEntropyOptions{.interval = config_->ae_interval},
            system_clock().now(), Logger("agent.anti_entropy")) {
  CheckHooks hooks;
  hooks.on_result = [this](const std::string& id, CheckStatus status, const std::string& output) {
    state_.update_check(id, status_name(status), output, system_clock().now());
    pump();
  };
  hooks.on_deregister = [this](const CriticalServices::Due& due) {
    logger().info("check has been critical for too long, deregistering its service",
                  {{"check", due.check_id}, {"service", due.service_id}});
    (void)remove_service(due.service_id);
  };
  hooks.local_checks = [this] {
    std::vector<AliasedCheck> list;
    state_.for_each_check([&](const LocalCheck& local) {
      AliasedCheck check;
      check.service_id = local.check.service_id;
      check.id = local.check.check_id;
      check.name = local.check.name;
      check.status = status_of(local.check.status);
      check.output = local.check.output;
      list.push_back(std::move(check));
    });
    return list;
  };
  hooks.local_service_exists = [this](const std::string& id) { return state_.service(id) != nullptr; };
  checks_ = std::make_unique<CheckRunner>(
      reactor_, std::move(hooks), CheckRunnerOptions{.node_name = config_->node_name, .docker_host = {}});
  state_.on_health_change([this](const std::string&) {
    if (checks_) checks_->local_checks_changed();
    changed();
  });
  state_.on_service_change([this](const std::string&) {
    if (checks_) checks_->local_checks_changed();
    changed();
  });
}

Agent::~Agent() = default;

void Agent::stop() {
  std::promise<void> done;
  auto end = [&] {
    *alive_ = false;
    started_ = false;
    reactor_.cancel(timer_);
    checks_.reset();
    done.set_value();
  };
  reactor_.post(end);
  done.get_future().wait();
}

void Agent::register_services(const RuntimeConfig& config) {
  for (const ServiceDefinition& service : config.services)
    if (Status added = add_service(service, Source::kConfiguration, true); !added)
      logger().error("failed to register service", {{"service", service.name}, {"error", added.error()}});
}

void Agent::register_checks(const RuntimeConfig& config) {
  for (const CheckDefinition& check : config.checks)
    if (Status added = add_check(check, Source::kConfiguration); !added)
      logger().error("failed to register check", {{"check", check.settings.name}, {"error", added.error()}});
}

Status Agent::start() {
  TRY(check_services(*config_));
  register_services(*config_);
  restore_services();
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
    if (auto prepared = prepare_check(check, config.node_name); !prepared && check.settings.status.empty()) {
      std::string why = prepared.error().message;
      constexpr std::string_view kPrefix = "Invalid check: ";
      return fail(start +
                  (why.starts_with(kPrefix) ? "Check is not valid: " + why.substr(kPrefix.size()) : why));
    }
    if (!check.service_id.empty() && !services.contains(check.service_id) &&
        !state_.service(check.service_id))
      return fail(start + "ServiceID " + go_quote(check.service_id) + " does not exist");
    if (Status allowed = may_run(check.settings, Source::kConfiguration); !allowed)
      return fail(start + allowed.error().message);
  }
  return {};
}

Status Agent::reload(std::shared_ptr<const RuntimeConfig> config) {
  auto refused = [](const char* what, const Status& why) {
    return fail(std::string(what) + why.error().message);
  };
  if (Status good = check_services(*config); !good) return refused("Failed reloading services: ", good);
  if (Status good = check_checks(*config); !good) return refused("Failed reloading checks: ", good);
  sync_.pause();
  std::set<std::string> services, checks;
  for (const ServiceDefinition& service : config->services) services.insert(service.effective_id());
  for (const CheckDefinition& check : config->checks) checks.insert(check.effective_id());
  for (const ServiceDefinition& old : config_->services)
    if (!services.contains(old.effective_id())) (void)remove_service(old.effective_id());
  for (const CheckDefinition& old : config_->checks)
    if (!checks.contains(old.effective_id())) (void)remove_check(old.effective_id());
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
  Time now = system_clock().wall();
  for (PersistedCheck& kept :
       data_.load_checks([&](const std::string& id) { return checks.contains(id); }, now)) {
    Status added = kept.chk_type ? start_check(kept.check, *kept.chk_type, kept.token, Source::kRestored)
                                 : state_.add_check(kept.check, kept.token);
    if (added) continue;
    logger().warn("failed to restore check", {{"check", kept.check.check_id}, {"error", added.error()}});
    (void)data_.remove_check(kept.check.check_id);
  }
}

void Agent::persist_service(const model::NodeService& service, const std::string& token) {
  Status saved =
      data_.save(PersistedService{token, service, "remote", service.locally_registered_as_sidecar});
  if (!saved)
    logger().error("failed to persist service", {{"service", service.id}, {"error", saved.error()}});
}

void Agent::persist_check(const model::HealthCheck& check, const CheckType* type, const std::string& token) {
  PersistedCheck kept{check, {}, token, "remote"};
  if (type) kept.chk_type = *type;
  Status saved = data_.save(kept);
  if (!saved)
    logger().error("failed to persist check", {{"check", check.check_id}, {"error", saved.error()}});
}

void Agent::changed() {
  auto due = std::exchange(notify_, {});
  for (auto& [id, callback] : due) callback();
}

uint64_t Agent::notify(std::function<void()> callback) {
  notify_.emplace(++last_notify_, std::move(callback));
  return last_notify_;
}

void Agent::cancel_notify(uint64_t id) { notify_.erase(id); }

void Agent::pump() {
  if (!started_) return;
  Instant now = system_clock().now();
  while (auto action = sync_.next(now)) perform(*action);
  reactor_.cancel(timer_);
  timer_ = 0;
  if (auto at = sync_.wake_at())
    timer_ = reactor_.after(std::max(*at - now, Duration(0)), [this] { pump(); });
}

void Agent::perform(const SyncAction& action) {
  if (std::holds_alternative<FetchCatalog>(action.what)) return fetch(action.id);
  const auto& change = std::get<LocalChange>(action.what);
  auto done = [this, alive = alive_, id = action.id](Status result) {
    if (!*alive) return;
    sync_.finish_change(id, result, system_clock().now());
    pump();
  };
  if (const auto* request = std::get_if<model::RegisterRequest>(&change.request))
    server::catalog_register(server_, reactor_, *request, done);
  else
    server::catalog_deregister(server_, reactor_, std::get<model::DeregisterRequest>(change.request), done);
}

void Agent::fetch(uint64_t id) {
  model::QueryOptions options;
  options.allow_stale = true;
  server_.when_readable(reactor_, options, [this, alive = alive_, id](Status readable) {
    if (!*alive) return;
    Instant now = system_clock().now();
    if (!readable) {
      sync_.finish_fetch(id, fail(readable.error()), now);
    } else {
      CatalogView out;
      store::View view = server_.store().view();
      store::NodeServicesRef services;
      store::node_services(*view, config_->node_name, nullptr, services);
      if (services.node) out.node = *services.node;
      for (const store::ServiceRecord* record : services.services) out.services.push_back(record->service);
      std::vector<const model::HealthCheck*> checks;
      store::node_checks(*view, config_->node_name, nullptr, checks);
      for (const model::HealthCheck* check : checks) out.checks.push_back(*check);
      sync_.finish_fetch(id, std::move(out), now);
    }
    // From a fresh turn: this may run inside pump().
    reactor_.post([this, alive] {
      if (*alive) pump();
    });
  });
}

Status Agent::add_service(const ServiceDefinition& definition, Source source, bool replace_checks) {
  PortRange sidecars{config_->connect_sidecar_min_port, config_->connect_sidecar_max_port};
  TRY_ASSIGN(ServiceRegistration registration,
             prepare_service(definition, sidecars, [this](const ServiceVisitor& visit) {
               state_.for_each_service([&](const LocalService& local) { visit(local.service); });
             }));
  TRY(register_service(registration.service, registration.checks, registration.token, source,
                       replace_checks));
  if (registration.sidecar)
    TRY(register_service(registration.sidecar->service, registration.sidecar->checks,
                         registration.sidecar->token, source, replace_checks));
  pump();
  return {};
}

Status Agent::register_service(const model::NodeService& service, const std::vector<CheckType>& checks,
                               const std::string& token, Source source, bool replace_checks) {
  tell_label(LogLevel::kWarn, "Service name", "service", service.service);
  for (const std::string& tag : service.tags) tell_label(LogLevel::kDebug, "Service tag", "tag", tag);
  // What the checks knew stays with them when their service is registered again.
  std::map<std::string, model::HealthCheck> before;
  for (const LocalCheck* local : state_.checks_of(service.id)) before[local->check.check_id] = local->check;
  TRY(state_.add_service(service, token));
  if (source == Source::kApi) persist_service(service, token);
  std::set<std::string> kept;
  for (size_t i = 0; i < checks.size(); ++i) {
    model::HealthCheck check = service_check(checks[i], service, config_->node_name, i + 1, checks.size());
    kept.insert(check.check_id);
    if (auto known = before.find(check.check_id);
        known != before.end() && checks[i].settings.status.empty()) {
      check.status = known->second.status;
      check.output = known->second.output;
    }
    TRY(start_check(check, checks[i], token, source));
  }
  if (!replace_checks) return {};
  for (const auto& [id, check] : before)
    if (!kept.contains(id) && id != service_maintenance_id(service.id)) (void)remove_check(id);
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

Status Agent::start_check(const model::HealthCheck& check, const CheckType& type, const std::string& token,
                          Source source) {
  TRY(may_run(type.settings, source));
  std::string own = type.token.empty() ? token : type.token;
  TRY(state_.add_check(check, own));
  if (source == Source::kApi) persist_check(check, &type, own);
  CheckSpec spec = spec_of(*config_, check, type, own);
  if (kind_of(spec) == CheckKind::kNone) return {};
  is_ttl_[check.check_id] = kind_of(spec) == CheckKind::kTtl;
  if (kind_of(spec) == CheckKind::kTtl) ttl_of_[check.check_id] = spec.ttl;
  return checks_->start(std::move(spec));
}

Status Agent::remove_service(const std::string& id) {
  for (const std::string& one : {id, sidecar_id(id)}) {
    const LocalService* local = state_.service(one);
    if (!local) continue;
    if (one != id && !local->service.locally_registered_as_sidecar) continue;
    for (const LocalCheck* check : state_.checks_of(one)) {
      checks_->stop(check->check.check_id);
      is_ttl_.erase(check->check.check_id);
      (void)data_.remove_check(check->check.check_id);
      (void)data_.remove_check_state(check->check.check_id);
    }
    (void)data_.remove_service(one);
    TRY(state_.remove_service(one));
  }
  pump();
  return {};
}

Status Agent::add_check(const CheckDefinition& definition, Source source) {
  TRY_ASSIGN(CheckRegistration registration, prepare_check(definition, config_->node_name));
  // As in Consul, where only the API's checks show how they run.
  if (source == Source::kConfiguration) registration.check.type.clear();
  if (!registration.check.service_id.empty()) {
    const LocalService* service = state_.service(registration.check.service_id);
    if (!service) return fail("ServiceID " + go_quote(registration.check.service_id) + " does not exist");
    registration.check.service_name = service->service.service;
    registration.check.service_tags = service->service.tags;
  }
  if (const LocalCheck* known = state_.check(registration.check.check_id);
      known && registration.type.settings.status.empty()) {
    registration.check.status = known->check.status;
    registration.check.output = known->check.output;
  }
  TRY(start_check(registration.check, registration.type, registration.token, source));
  pump();
  return {};
}

Status Agent::remove_check(const std::string& id) {
  checks_->stop(id);
  is_ttl_.erase(id);
  (void)data_.remove_check(id);
  (void)data_.remove_check_state(id);
  if (state_.check(id)) TRY(state_.remove_check(id));
  pump();
  return {};
}

Status Agent::update_ttl(const std::string& id, std::string_view status, const std::string& output) {
  auto known = is_ttl_.find(id);
  if (known == is_ttl_.end() || !known->second)
    return fail("CheckID " + go_quote(id) + " does not have associated TTL");
  TRY(checks_->update_ttl(id, status_of(status), output));
  // A restart within the time must not forget the report.
  auto ttl = ttl_of_.find(id);
  Time until = system_clock().wall();
  if (ttl != ttl_of_.end())
    until.seconds += std::chrono::duration_cast<std::chrono::seconds>(ttl->second).count();
  return data_.save(PersistedCheckState{id, output, std::string(status), until.seconds});
}

Status Agent::set_service_maintenance(const std::string& id, bool enable, const std::string& reason,
                                      const std::string& token) {
  const LocalService* service = state_.service(id);
  if (!service) return fail("No service registered with ID " + go_quote(id), ErrorKind::kNotFound);
  std::string check_id = service_maintenance_id(id);
  if (!enable) return remove_check(check_id);
  if (state_.check(check_id)) return {};
  model::HealthCheck check = service_maintenance_check(config_->node_name, service->service, reason);
  TRY(state_.add_check(check, token));
  persist_check(check, nullptr, token);
  pump();
  return {};
}

void Agent::set_node_maintenance(bool enable, const std::string& reason, const std::string& token) {
  if (!enable) {
    (void)remove_check(std::string(kNodeMaintenanceID));
    return;
  }
  if (state_.check(kNodeMaintenanceID)) return;
  model::HealthCheck check = node_maintenance_check(config_->node_name, reason);
  (void)state_.add_check(check, token);
  persist_check(check, nullptr, token);
  pump();
}

void Agent::fill_stats(codec::Map<std::string>& stats) const {
  size_t ttls = 0;
  for (const auto& [id, ttl] : is_ttl_) ttls += ttl ? 1 : 0;
  stats["check_monitors"] = "0";
  stats["check_ttls"] = std::to_string(ttls);
  stats["checks"] = std::to_string(state_.check_count());
  stats["services"] = std::to_string(state_.service_count());
}

}  // namespace praetor::agent
