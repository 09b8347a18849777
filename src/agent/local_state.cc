#include "agent/local_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace praetor::agent {

LocalState::LocalState(Options options, const AgentTokens& tokens, Random& random, Logger log)
    : options_(std::move(options)), tokens_(tokens), random_(random), log_(std::move(log)) {}

void LocalState::touch(LocalService& local) {
  local.version = ++version_;
  local.in_sync = false;
  queue(local);
}

void LocalState::touch(LocalCheck& local) {
  local.version = ++version_;
  local.in_sync = false;
  local.deferred_until.reset();
  queue(local);
}

Status LocalState::add_service(model::NodeService service, std::string token) {
  if (service.service.empty()) return fail("no service");
  if (service.id.empty()) service.id = service.service;
  auto [at, fresh] = services_.try_emplace(service.id);
  LocalService& local = at->second;
  if (fresh && live_services_ >= kMaxLocalServices) {
    services_.erase(at);
    return fail(fmt::format("this agent holds {} services already, the most it may", kMaxLocalServices));
  }
  if (fresh || local.deleted) ++live_services_;
  local.service = std::move(service);
  local.token = std::move(token);
  local.deleted = false;
  touch(local);
  if (notify_service_) notify_service_(local.service.id);
  return {};
}

Status LocalState::remove_service(std::string_view id) {
  auto at = services_.find(id);
  if (at == services_.end() || at->second.deleted)
    return fail(fmt::format("Unknown service {}. Ensure that the service ID is passed, not the service name.",
                            go_quote(id)),
                ErrorKind::kNotFound);
  LocalService& local = at->second;
  local.deleted = true;
  --live_services_;
  touch(local);
  // The catalog removes the checks with the service; they go after it in case it does not know the service.
  for (const LocalCheck* check : checks_of(id))
    remove_check_entry(checks_.find(check->check.check_id)->second);
  if (notify_service_) notify_service_(std::string(id));
  return {};
}

Status LocalState::add_check(model::HealthCheck check, std::string token) {
  if (!check.service_id.empty()) {
    const LocalService* owner = service(check.service_id);
    if (owner == nullptr) return fail(fmt::format("ServiceID {} does not exist", go_quote(check.service_id)));
    check.service_name = owner->service.service;
    check.service_tags = owner->service.tags;
  }
  check.node = options_.node;
  if (options_.discard_check_output) check.output.clear();
  auto [at, fresh] = checks_.try_emplace(check.check_id);
  LocalCheck& local = at->second;
  if (fresh && live_checks_ >= kMaxLocalChecks) {
    checks_.erase(at);
    return fail(fmt::format("this agent holds {} checks already, the most it may", kMaxLocalChecks));
  }
  bool replaced = !fresh && !local.deleted;
  if (replaced) {
    // Registering again must not make a healthy service flap.
    check.status = local.check.status;
    check.output = local.check.output;
    if (local.check.service_id != check.service_id) remove_check_entry(local);
  } else {
    local.critical_since.reset();
  }
  if (local.deleted)
    if (auto orphans = orphans_.find(local.check.service_id); orphans != orphans_.end())
      std::erase(orphans->second, check.check_id);
  if (fresh || local.deleted) {
    ++live_checks_;
    checks_by_service_[check.service_id].push_back(check.check_id);
  }
  local.check = std::move(check);
  local.token = std::move(token);
  local.deleted = false;
  touch(local);
  if (notify_) notify_(local.check.service_id);
  return {};
}

void LocalState::remove_check_entry(LocalCheck& local) {
  local.deleted = true;
  --live_checks_;
  auto owner = checks_by_service_.find(local.check.service_id);
  if (owner != checks_by_service_.end()) {
    std::erase(owner->second, local.check.check_id);
    if (owner->second.empty()) checks_by_service_.erase(owner);
  }
  if (!local.check.service_id.empty()) orphans_[local.check.service_id].push_back(local.check.check_id);
  touch(local);
  if (notify_) notify_(local.check.service_id);
}

Status LocalState::remove_check(std::string_view id) {
  auto at = checks_.find(id);
  if (at == checks_.end() || at->second.deleted)
    return fail(fmt::format("Unknown check {}", go_quote(id)), ErrorKind::kNotFound);
  remove_check_entry(at->second);
  return {};
}

void LocalState::update_check(std::string_view id, std::string_view status, std::string_view output,
                              Instant now) {
  auto at = checks_.find(id);
  if (at == checks_.end() || at->second.deleted) return;
  LocalCheck& local = at->second;
  if (options_.discard_check_output) output = "";
  if (status != model::kHealthCritical)
    local.critical_since.reset();
  else if (!local.critical_since)
    local.critical_since = now;
  bool same_status = local.check.status == status;
  if (same_status && local.check.output == output) return;
  local.check.output = output;
  if (!same_status) {
    local.check.status = status;
    touch(local);
    if (notify_) notify_(local.check.service_id);
    return;
  }
  Duration interval = options_.check_update_interval;
  if (interval <= Duration::zero()) return touch(local);
  if (local.deferred_until || !local.in_sync) return;  // goes out with what is coming anyway
  auto random = Duration(static_cast<int64_t>(random_.below(static_cast<uint64_t>(interval.count()))));
  local.deferred_until = now + interval / 2 + random;
  deferred_[*local.deferred_until].push_back(local.check.check_id);
}

void LocalState::release_deferred(Instant now) {
  while (!deferred_.empty() && deferred_.begin()->first <= now) {
    Instant due = deferred_.begin()->first;
    for (const std::string& id : deferred_.begin()->second) {
      auto at = checks_.find(id);
      if (at != checks_.end() && at->second.deferred_until == due) touch(at->second);
    }
    deferred_.erase(deferred_.begin());
  }
}

std::optional<Instant> LocalState::next_deferred() const {
  if (deferred_.empty()) return std::nullopt;
  return deferred_.begin()->first;
}

void LocalState::set_node_meta(codec::Map<std::string> meta) {
  if (options_.meta == meta) return;
  options_.meta = std::move(meta);
  node_in_sync_ = false;
}

const LocalService* LocalState::service(std::string_view id) const {
  auto at = services_.find(id);
  return at == services_.end() || at->second.deleted ? nullptr : &at->second;
}

const LocalCheck* LocalState::check(std::string_view id) const {
  auto at = checks_.find(id);
  return at == checks_.end() || at->second.deleted ? nullptr : &at->second;
}

void LocalState::for_each_service(const std::function<void(const LocalService&)>& visit) const {
  for (const auto& [id, local] : services_)
    if (!local.deleted) visit(local);
}

void LocalState::for_each_check(const std::function<void(const LocalCheck&)>& visit) const {
  for (const auto& [id, local] : checks_)
    if (!local.deleted) visit(local);
}

std::vector<const LocalCheck*> LocalState::checks_of(std::string_view service_id) const {
  std::vector<const LocalCheck*> found;
  auto at = checks_by_service_.find(service_id);
  if (at == checks_by_service_.end()) return found;
  for (const std::string& id : at->second) found.push_back(&checks_.find(id)->second);
  std::sort(found.begin(), found.end(),
            [](const LocalCheck* a, const LocalCheck* b) { return a->check.check_id < b->check.check_id; });
  return found;
}

void AggregatedStatus::add(std::string_view check_id, std::string_view status) {
  int level = 0;
  if (check_id == kNodeMaintenanceID || check_id.starts_with("_service_maintenance:"))
    level = 3;
  else if (status == model::kHealthCritical)
    level = 2;
  else if (status == model::kHealthWarning)
    level = 1;
  worst_ = std::max(worst_, level);
}

std::string_view AggregatedStatus::text() const {
  static constexpr const char* kTexts[] = {model::kHealthPassing, model::kHealthWarning,
                                           model::kHealthCritical, model::kHealthMaintenance};
  return kTexts[worst_];
}

std::string service_maintenance_id(std::string_view service_id) {
  return "_service_maintenance:" + std::string(service_id);
}

namespace {
model::HealthCheck maintenance_check(const std::string& node, std::string_view what,
                                     std::string_view reason) {
  model::HealthCheck check;
  check.node = node;
  check.status = model::kHealthCritical;
  check.type = "maintenance";
  check.notes = reason.empty() ? fmt::format(
                                     "Maintenance mode is enabled for this {}, but no reason was provided. "
                                     "This is a default message.",
                                     what)
                               : std::string(reason);
  return check;
}
}  // namespace

model::HealthCheck node_maintenance_check(const std::string& node, std::string_view reason) {
  model::HealthCheck check = maintenance_check(node, "node", reason);
  check.check_id = kNodeMaintenanceID;
  check.name = "Node Maintenance Mode";
  return check;
}

model::HealthCheck service_maintenance_check(const std::string& node, const model::NodeService& service,
                                             std::string_view reason) {
  model::HealthCheck check = maintenance_check(node, "service", reason);
  check.check_id = service_maintenance_id(service.id);
  check.name = "Service Maintenance Mode";
  check.service_id = service.id;
  check.service_name = service.service;
  check.service_tags = service.tags;
  return check;
}

}  // namespace praetor::agent
