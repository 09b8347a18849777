// LocalState's other half: what the catalog lacks, as requests.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/local_state.h"
#include "base/check.h"
#include "base/text.h"
#include "codec/json.h"

namespace praetor::agent {
namespace {

// Numbers in opaque configuration may change their type on the way through the catalog, not their value.
bool same_proxy(const model::ConnectProxyConfig& a, const model::ConnectProxyConfig& b) {
  return a == b || codec::to_json(a) == codec::to_json(b);
}

bool same_service(const model::NodeService& a, const model::NodeService& b) {
  return a.id == b.id && a.service == b.service && a.tags == b.tags && a.address == b.address &&
         a.port == b.port && a.tagged_addresses == b.tagged_addresses && a.weights == b.weights &&
         a.meta == b.meta && a.enable_tag_override == b.enable_tag_override && a.kind == b.kind &&
         a.connect.native == b.connect.native && same_proxy(a.proxy, b.proxy);
}

bool same_check(const model::HealthCheck& a, const model::HealthCheck& b, bool with_output) {
  return a.node == b.node && a.check_id == b.check_id && a.name == b.name && a.status == b.status &&
         a.notes == b.notes && (!with_output || a.output == b.output) && a.service_id == b.service_id &&
         a.service_name == b.service_name && a.service_tags == b.service_tags && a.definition == b.definition;
}

// Did the catalog not know what was to be removed?
bool is_unknown(const Status& result, const char* what) { return contains(result.error().message, what); }

bool is_acl_error(const Status& result) {
  return result.error().kind == ErrorKind::kPermissionDenied ||
         contains(result.error().message, "Permission denied") ||
         contains(result.error().message, "ACL not found");
}

}  // namespace

void LocalState::compare(const CatalogView& view) {
  dirty_services_.clear();
  dirty_checks_.clear();
  compare_node(view);
  compare_items(services_, view.services, model::kConsulServiceID,
                [](LocalService& ours, const model::NodeService& theirs) {
                  // Somebody else may own the tags.
                  if (ours.service.enable_tag_override) ours.service.tags = theirs.tags;
                  return same_service(ours.service, theirs);
                });
  compare_items(checks_, view.checks, model::kSerfHealthCheckID,
                [](LocalCheck& ours, const model::HealthCheck& theirs) {
                  // An output that waits for its time does not count.
                  return same_check(ours.check, theirs, !ours.deferred_until);
                });
}

void LocalState::compare_node(const CatalogView& view) {
  node_failed_ = false;
  node_in_sync_ = view.node && equals_ignore_case(view.node->id, options_.node_id) &&
                  view.node->tagged_addresses == options_.tagged_addresses &&
                  view.node->meta == options_.meta;
}

// `not_ours`: the servers register it themselves.
template <typename Item, typename Record, typename Same>
void LocalState::compare_items(Table<Item>& table, const std::vector<Record>& remote,
                               std::string_view not_ours, const Same& same) {
  std::set<std::string_view> known;
  for (const Record& theirs : remote) {
    known.insert(id_of(theirs));
    auto at = table.find(id_of(theirs));
    if (at == table.end()) {
      if (id_of(theirs) == not_ours) {
        if constexpr (std::is_same_v<Item, LocalCheck>)
          log_.debug("Skipping remote check since it is managed automatically", {{"check", not_ours}});
        continue;
      }
      Item& gone = table[id_of(theirs)];
      record_of(gone) = theirs;
      gone.deleted = true;
      touch(gone);
      continue;
    }
    Item& ours = at->second;
    bool equal = !ours.deleted && same(ours, theirs);
    if (ours.in_flight) continue;  // queued again when it ends
    ours.in_sync = equal;
    if (!equal)
      queue(ours);
    else if constexpr (std::is_same_v<Item, LocalCheck>)
      log_.debug("Check in sync", {{"check", at->first}});
    else
      log_.debug("Service in sync", {{"service", at->first}});
  }
  for (auto at = table.begin(); at != table.end();) {
    Item& ours = at->second;
    if (known.contains(at->first) || ours.in_flight) {
      ++at;
    } else if (ours.deleted) {
      at = table.erase(at);  // gone on both sides
    } else {
      ours.in_sync = false;
      queue(ours);
      ++at;
    }
  }
}

model::RegisterRequest LocalState::node_request(const std::string& token) const {
  model::RegisterRequest request;
  request.datacenter = options_.datacenter;
  request.id = options_.node_id;
  request.node = options_.node;
  request.address = options_.address;
  request.tagged_addresses = options_.tagged_addresses;
  request.node_meta = options_.meta;
  request.write.token = token;
  return request;
}

std::optional<LocalChange> LocalState::take_change() {
  while (!dirty_services_.empty()) {
    std::string id = std::move(dirty_services_.front());
    dirty_services_.pop_front();
    auto at = services_.find(id);
    // An item may stand in the queue twice; one under way is queued again when it ends.
    if (at == services_.end() || at->second.in_sync || at->second.in_flight) continue;
    return service_change(at->second);
  }
  while (!dirty_checks_.empty()) {
    std::string id = std::move(dirty_checks_.front());
    dirty_checks_.pop_front();
    auto at = checks_.find(id);
    if (at == checks_.end() || at->second.in_sync || at->second.in_flight) continue;
    const std::string& owner = at->second.check.service_id;
    auto service = services_.find(owner);
    // Its service is under way and the check needs it there (or goes with it): finish_service queues it.
    if (!owner.empty() && service != services_.end() && service->second.in_flight) continue;
    return check_change(at->second);
  }
  if (!node_in_sync_ && !node_in_flight_ && !node_failed_) return node_change();
  return std::nullopt;
}

// What a change of a service and one of a check have in common; whole for one that is deleted.
template <typename Item>
LocalChange LocalState::begin_change(LocalChange::Kind kind, Item& local) {
  LocalChange change;
  change.kind = kind;
  change.id = id_of(record_of(local));
  change.version = local.version;
  local.in_flight = true;
  const std::string& token = item_token(local.token);
  if (local.deleted) {
    model::DeregisterRequest request;
    request.datacenter = options_.datacenter;
    request.node = options_.node;
    (kind == LocalChange::Kind::kService ? request.service_id : request.check_id) = change.id;
    request.write.token = token;
    change.request = std::move(request);
  } else {
    model::RegisterRequest request = node_request(token);
    request.skip_node_update = node_in_sync_;
    change.request = std::move(request);
  }
  return change;
}

LocalChange LocalState::service_change(LocalService& local) {
  LocalChange change = begin_change(LocalChange::Kind::kService, local);
  if (change.deregisters()) return change;
  auto& request = std::get<model::RegisterRequest>(change.request);
  request.service = local.service;
  for (const LocalCheck* check : checks_of(local.service.id)) {
    if (check->in_sync || check->in_flight || item_token(check->token) != request.write.token) continue;
    LocalCheck& mine = checks_.find(check->check.check_id)->second;
    mine.in_flight = true;
    change.checks.emplace_back(mine.check.check_id, mine.version);
    request.checks.push_back(mine.check);
  }
  // One check travels in the older field, as every server understands.
  if (request.checks.size() == 1) {
    request.check = request.checks[0];
    request.checks = {};
  }
  return change;
}

LocalChange LocalState::check_change(LocalCheck& local) {
  LocalChange change = begin_change(LocalChange::Kind::kCheck, local);
  if (change.deregisters()) return change;
  auto& request = std::get<model::RegisterRequest>(change.request);
  if (const LocalService* owner = service(local.check.service_id)) request.service = owner->service;
  request.check = local.check;
  return change;
}

std::optional<LocalChange> LocalState::node_change() {
  LocalChange change;
  change.kind = LocalChange::Kind::kNode;
  change.request = node_request(tokens_.agent());
  node_in_flight_ = true;
  return change;
}

std::optional<PendingSync> LocalState::pending_service(std::string_view id) const {
  auto at = services_.find(id);
  if (at == services_.end()) return std::nullopt;
  return PendingSync{LocalChange::Kind::kService, at->first, at->second.version};
}

std::optional<PendingSync> LocalState::pending_check(std::string_view id) const {
  auto at = checks_.find(id);
  if (at == checks_.end()) return std::nullopt;
  return PendingSync{LocalChange::Kind::kCheck, at->first, at->second.version};
}

bool LocalState::untried(const PendingSync& pending) const {
  auto among = [&](const auto& table) {
    auto at = table.find(pending.id);
    return at != table.end() && !at->second.in_sync && at->second.tried < pending.version;
  };
  return pending.kind == LocalChange::Kind::kService ? among(services_) : among(checks_);
}

bool LocalState::finish_change(const LocalChange& change, const Status& result) {
  switch (change.kind) {
    case LocalChange::Kind::kService:
      return finish_service(change, result);
    case LocalChange::Kind::kCheck:
      return finish_check(change, result);
    case LocalChange::Kind::kNode:
      return finish_node(change, result);
  }
  return false;
}

bool LocalState::blocked_by_acl(const Status& result, const char* what, const LocalChange& change) const {
  if (result || !is_acl_error(result)) return false;
  const char* verb = change.deregisters() ? "deregistration" : "registration";
  log_.warn(fmt::format("{} {} blocked by ACLs", what, verb), {{to_lower(what), change.id}});
  return true;
}

void LocalState::forget_service(const std::string& id) {
  services_.erase(id);
  // The catalog has removed the service's checks with it.
  auto orphans = orphans_.find(id);
  if (orphans == orphans_.end()) return;
  for (const std::string& check_id : orphans->second) {
    auto at = checks_.find(check_id);
    if (at != checks_.end() && at->second.deleted && !at->second.in_flight &&
        at->second.check.service_id == id)
      checks_.erase(at);
  }
  orphans_.erase(orphans);
}

void LocalState::settle_check(const std::string& id, uint64_t version, bool synced) {
  auto at = checks_.find(id);
  if (at == checks_.end()) return;
  LocalCheck& local = at->second;
  local.in_flight = false;
  local.tried = version;
  local.in_sync = synced && local.version == version;
  if (!local.in_sync && local.version != version) queue(local);
}

bool LocalState::finish_service(const LocalChange& change, const Status& result) {
  auto at = services_.find(change.id);
  CHECK(at != services_.end() && at->second.in_flight);
  LocalService& local = at->second;
  local.in_flight = false;
  local.tried = change.version;
  bool blocked = blocked_by_acl(result, "Service", change);
  bool gone = change.deregisters() && (result || is_unknown(result, "Unknown service"));
  bool settled = result.has_value() || blocked || gone;
  for (const auto& [id, version] : change.checks) settle_check(id, version, settled);
  bool current = local.version == change.version;
  if (result && !change.deregisters()) {
    node_in_sync_ = true;  // every registration carries the node
    log_.info("Synced service", {{"service", change.id}});
  }
  if (gone) log_.info("Deregistered service", {{"service", change.id}});
  if (gone && current) {
    forget_service(change.id);
    return true;
  }
  local.in_sync = settled && current;
  if (!current) queue(local);
  // Checks that waited for the service, those that are to go included.
  for (const LocalCheck* check : checks_of(change.id))
    if (!check->in_sync && !check->in_flight) queue(*check);
  if (auto orphans = orphans_.find(change.id); orphans != orphans_.end())
    for (const std::string& id : orphans->second)
      if (auto check = checks_.find(id);
          check != checks_.end() && check->second.deleted && !check->second.in_flight)
        queue(check->second);
  if (!settled)
    log_.warn(change.deregisters() ? "Deregistering service failed" : "Syncing service failed.",
              {{"service", change.id}, {"error", result.error()}});
  return settled;
}

bool LocalState::finish_check(const LocalChange& change, const Status& result) {
  auto at = checks_.find(change.id);
  CHECK(at != checks_.end() && at->second.in_flight);
  bool blocked = blocked_by_acl(result, "Check", change);
  bool gone = change.deregisters() && (result || is_unknown(result, "Unknown check"));
  bool settled = result.has_value() || blocked || gone;
  bool current = at->second.version == change.version;
  if (result && !change.deregisters()) {
    node_in_sync_ = true;
    log_.info("Synced check", {{"check", change.id}});
  }
  if (gone) log_.info("Deregistered check", {{"check", change.id}});
  if (gone && current) {
    auto orphans = orphans_.find(at->second.check.service_id);
    if (orphans != orphans_.end()) std::erase(orphans->second, change.id);
    checks_.erase(at);
    return true;
  }
  settle_check(change.id, change.version, settled);
  if (!settled)
    log_.warn(change.deregisters() ? "Deregistering check failed." : "Syncing check failed.",
              {{"check", change.id}, {"error", result.error()}});
  return settled;
}

bool LocalState::finish_node(const LocalChange& change, const Status& result) {
  node_in_flight_ = false;
  const auto& sent = std::get<model::RegisterRequest>(change.request);
  bool current = sent.node_meta == options_.meta && sent.tagged_addresses == options_.tagged_addresses;
  if (result) {
    node_in_sync_ = current;
    log_.info("Synced node info");
    return true;
  }
  if (is_acl_error(result)) {
    node_in_sync_ = current;
    log_.warn("Node info update blocked by ACLs", {{"node", options_.node_id}});
    return true;
  }
  node_failed_ = true;
  log_.warn("Syncing node info failed.", {{"error", result.error()}});
  return false;
}

}  // namespace praetor::agent
