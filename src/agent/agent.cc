#include "agent/agent.h"

#include <future>
#include <set>

#include "base/text.h"
#include "raft/gathering.h"
#include "server/catalog.h"
#include "server/gateway.h"
#include "store/catalog_read.h"
#include "store/store.h"

namespace praetor::agent {

codec::Map<std::string> node_meta_of(const RuntimeConfig& config) {
  codec::Map<std::string> meta = config.node_meta;
  meta["consul-network-segment"] = config.segment_name;
  return meta;
}

namespace {

const Logger& logger() {
  static const Logger log("agent");
  return log;
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

}  // namespace

Agent::Agent(Reactor& reactor, server::Gateway& gateway, std::shared_ptr<const RuntimeConfig> config)
    : reactor_(reactor),
      gateway_(gateway),
      config_(std::move(config)),
      data_(config_->dev_mode ? "" : config_->data_dir, Logger("agent")),
      random_(thread_random().next()),
      state_(state_options(*config_), tokens_, random_, Logger("agent")),
      sync_(state_, tokens_, random_, AntiEntropyOptions{.interval = config_->ae_interval},
            system_clock().now(), Logger("agent.anti_entropy")),
      journal_(data_, [this](std::function<void()> task) { reactor_.post(std::move(task)); }, Logger("agent"),
               {}) {
  checks_ = std::make_unique<CheckRunner>(
      reactor_, make_hooks(), CheckRunnerOptions{.node_name = config_->node_name, .docker_host = {}});
  auto on_change = [this](const std::string&) {
    if (checks_) checks_->local_checks_changed();
    changed();
  };
  state_.on_health_change(on_change);
  state_.on_service_change(on_change);
}

CheckHooks Agent::make_hooks() {
  CheckHooks hooks;
  hooks.on_result = [this](const std::string& id, CheckStatus status, const std::string& output) {
    state_.update_check(id, status_name(status), output, system_clock().now());
    pump_soon();
  };
  hooks.on_deregister = [this](const CriticalServices::Due& due) {
    remove_service(due.service_id, [due](const Status& removed) {
      if (removed)
        logger().info("Check for service has been critical for too long; deregistered service",
                      {{"service", due.service_id}, {"check", due.check_id}});
      else
        logger().error("unable to deregister service after check has been critical for too long",
                       {{"service", due.service_id}, {"check", due.check_id}, {"error", removed.error()}});
    });
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
  hooks.query_remote = [this](const AliasQuery& query, auto answer) {
    query_remote(query, std::move(answer));
  };
  hooks.local_service_exists = [this](const std::string& id) { return state_.service(id) != nullptr; };
  return hooks;
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
  journal_.close();
}

Status Agent::open() { return journal_.open(); }

void Agent::changed() {
  auto due = std::exchange(notify_, {});
  for (auto& [id, callback] : due) callback();
}

uint64_t Agent::notify(std::function<void()> callback) {
  notify_.emplace(++last_notify_, std::move(callback));
  return last_notify_;
}

void Agent::cancel_notify(uint64_t id) { notify_.erase(id); }

void Agent::server_up() {
  reactor_.post([this, alive = alive_] {
    if (*alive) leader_changed();
  });
}

void Agent::leader_changed() {
  sync_.server_up(system_clock().now());
  if (started_) pump_soon();
}

void Agent::pump_soon() {
  if (std::exchange(pump_posted_, true)) return;
  reactor_.post([this, alive = alive_] {
    if (*alive) pump();
  });
}

void Agent::pump() {
  pump_posted_ = false;
  if (!started_) return journal_.commit();
  Instant now = system_clock().now();
  answer_waiting(now);
  Instant due = gather_.due();
  if (due > now && due != Instant::max()) return wake_at(due, now);
  journal_.commit();
  gather_.sent(now);
  {
    raft::Gathering together;
    while (auto action = sync_.next(now)) perform(*action);
  }
  wake_at(sync_.wake_at(), now);
}

void Agent::wake_at(std::optional<Instant> at, Instant now) {
  if (at == timer_at_) return;
  reactor_.cancel(timer_);
  timer_ = 0;
  timer_at_ = at;
  if (!at) return;
  timer_ = reactor_.after(std::max(*at - now, Duration(0)), [this] {
    timer_ = 0;
    timer_at_.reset();
    pump();
  });
}

void Agent::perform(const SyncAction& action) {
  if (std::holds_alternative<FetchCatalog>(action.what)) return fetch(action.id);
  const auto& change = std::get<LocalChange>(action.what);
  auto done = [this, alive = alive_, id = action.id](Status result) {
    if (!*alive) return;
    sync_.finish_change(id, result, system_clock().now());
    pump_soon();
  };
  auto told = [done](const Result<server::Nothing>& reply) {
    done(reply ? Status() : Status(fail(reply.error())));
  };
  if (const auto* request = std::get_if<model::RegisterRequest>(&change.request))
    gateway_.call<model::RegisterRequest, server::Nothing>(reactor_, server::kCatalogRegister, *request,
                                                           told);
  else
    gateway_.call<model::DeregisterRequest, server::Nothing>(
        reactor_, server::kCatalogDeregister, std::get<model::DeregisterRequest>(change.request), told);
}

void Agent::fetch(uint64_t id) {
  auto failed = [this, id](const Error& error) {
    sync_.finish_fetch(id, fail(error), system_clock().now());
    pump_soon();
  };
  model::NodeSpecificRequest request;
  request.datacenter = config_->datacenter;
  request.node = config_->node_name;
  request.options.allow_stale = true;
  request.options.token = tokens_.agent();
  auto view = std::make_shared<CatalogView>();
  auto take_checks = [this, alive = alive_, id, view, failed](Result<model::IndexedHealthChecks> checks) {
    if (!*alive) return;
    if (!checks) return failed(checks.error());
    for (model::HealthCheck& check : checks->health_checks) view->checks.push_back(std::move(check));
    sync_.finish_fetch(id, std::move(*view), system_clock().now());
    pump_soon();
  };
  auto take_services = [this, alive = alive_, view, failed, request,
                        take_checks](Result<model::IndexedNodeServiceList> reply) {
    if (!*alive) return;
    if (!reply) return failed(reply.error());
    if (reply->node_services.node) view->node = std::move(*reply->node_services.node);
    for (model::NodeService& service : reply->node_services.services)
      view->services.push_back(std::move(service));
    gateway_.read<model::NodeSpecificRequest, model::IndexedHealthChecks>(reactor_, server::kHealthNodeChecks,
                                                                          request, take_checks);
  };
  gateway_.read<model::NodeSpecificRequest, model::IndexedNodeServiceList>(
      reactor_, server::kCatalogNodeServiceList, request, take_services);
}

}  // namespace praetor::agent
