// The services and checks registered with this agent, and which of them the catalog knows (semantics.md 4).
// Pure: events come in, catalog requests go out through take_change(); no threads, no clock, no I/O. One
// thread.
//
// The agent's word is final: the catalog is made equal to it. Only the service `consul` and the check
// `serfHealth` are the servers' own and left alone.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/tokens.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "model/catalog.h"

namespace praetor::agent {

// Limits on what one agent holds; docs/limits.md.
inline constexpr size_t kMaxLocalServices = 100'000;
inline constexpr size_t kMaxLocalChecks = 200'000;

// What the catalog says about this node.
struct CatalogView {
  std::optional<model::Node> node;
  std::vector<model::NodeService> services;
  std::vector<model::HealthCheck> checks;
};

// How far the catalog is behind one service or check.
struct SyncState {
  std::string token;
  bool in_sync = false;
  bool deleted = false;  // gone here, not yet in the catalog
  bool in_flight = false;
  uint64_t version = 0;  // of the last change here
  uint64_t tried = 0;    // the version that the catalog was last asked to take, whatever came of it
};

struct LocalService : SyncState {
  model::NodeService service;
};

struct LocalCheck : SyncState {
  model::HealthCheck check;
  std::optional<Instant> deferred_until;  // only the output changed: told to the catalog then
  std::optional<Instant> critical_since;
};

// One request that brings the catalog closer. Give it back with finish_change.
struct LocalChange {
  enum class Kind : uint8_t { kService, kCheck, kNode };
  Kind kind = Kind::kNode;
  std::string id;
  std::variant<model::RegisterRequest, model::DeregisterRequest> request;
  bool deregisters() const { return request.index() == 1; }

  // Bookkeeping of LocalState.
  uint64_t version = 0;
  std::vector<std::pair<std::string, uint64_t>> checks;  // sent along with a service
};

// A change of a service or check as it stands: has the catalog been asked to take it?
struct PendingSync {
  LocalChange::Kind kind = LocalChange::Kind::kService;
  std::string id;
  uint64_t version = 0;
};

class LocalState {
 public:
  struct Options {
    std::string node;
    std::string node_id;
    std::string datacenter;
    std::string address;
    codec::Map<std::string> tagged_addresses;
    codec::Map<std::string> meta;
    Duration check_update_interval = std::chrono::minutes(5);
    bool discard_check_output = false;
  };
  // `tokens` and `random` outlive the state.
  LocalState(Options options, const AgentTokens& tokens, Random& random, Logger log);

  // Replaces a service of the same ID; always sent to the catalog anew.
  Status add_service(model::NodeService service, std::string token);
  // The service and its checks. `Unknown service "x"` (kNotFound) when there is none.
  Status remove_service(std::string_view id);
  // A check of an unknown service is refused: `ServiceID "x" does not exist`. Replaces a check of the same
  // ID.
  Status add_check(model::HealthCheck check, std::string token);
  Status remove_check(std::string_view id);
  // A result. Unknown checks are ignored: they were removed while the check ran.
  void update_check(std::string_view id, std::string_view status, std::string_view output, Instant now);

  // Reload.
  void set_node_meta(codec::Map<std::string> meta);
  void set_discard_check_output(bool discard) { options_.discard_check_output = discard; }

  // Without deleted ones; null when unknown.
  const LocalService* service(std::string_view id) const;
  const LocalCheck* check(std::string_view id) const;
  void for_each_service(const std::function<void(const LocalService&)>& visit) const;
  void for_each_check(const std::function<void(const LocalCheck&)>& visit) const;
  // The checks of a service; an empty ID means the node's own.
  std::vector<const LocalCheck*> checks_of(std::string_view service_id) const;
  size_t service_count() const { return live_services_; }
  size_t check_count() const { return live_checks_; }
  const Options& options() const { return options_; }

  // Called after a check of the service (empty: of the node) was added, changed status or went away: alias
  // checks and hash-based queries wait for it. Replaces the callback given before.
  void on_health_change(std::function<void(const std::string& service_id)> callback) {
    notify_ = std::move(callback);
  }
  // Called after a service was added, changed or removed.
  void on_service_change(std::function<void(const std::string& service_id)> callback) {
    notify_service_ = std::move(callback);
  }

  // Anti-entropy. `view` is what the catalog says now; what differs becomes a change to take.
  void compare(const CatalogView& view);
  // Deferred outputs whose time has come become changes.
  void release_deferred(Instant now);
  std::optional<Instant> next_deferred() const;
  // Sends the node's own data next time.
  void mark_node_out_of_sync() { node_in_sync_ = false; }
  // The next request, services first. Several may be under way; one item never twice.
  std::optional<LocalChange> take_change();
  // False: the change failed and the item waits for the next compare() or change.
  bool finish_change(const LocalChange& change, const Status& result);
  // For who waits until the catalog has been asked: the latest change of the service (check), also when it is
  // being removed; nothing when there is none.
  std::optional<PendingSync> pending_service(std::string_view id) const;
  std::optional<PendingSync> pending_check(std::string_view id) const;
  // False once that change was tried, with or without success, is known to be in the catalog, or forgotten.
  bool untried(const PendingSync& pending) const;
  bool has_changes() const { return !dirty_services_.empty() || !dirty_checks_.empty() || !node_in_sync_; }

 private:
  template <typename Item>
  using Table = std::map<std::string, Item, std::less<>>;

  static const std::string& id_of(const model::NodeService& service) { return service.id; }
  static const std::string& id_of(const model::HealthCheck& check) { return check.check_id; }
  static model::NodeService& record_of(LocalService& local) { return local.service; }
  static model::HealthCheck& record_of(LocalCheck& local) { return local.check; }
  void touch(LocalService& service);
  void touch(LocalCheck& check);
  void queue(const LocalService& service) { dirty_services_.push_back(service.service.id); }
  void queue(const LocalCheck& check) { dirty_checks_.push_back(check.check.check_id); }
  void compare_node(const CatalogView& view);
  template <typename Item, typename Record, typename Same>
  void compare_items(Table<Item>& table, const std::vector<Record>& remote, std::string_view not_ours,
                     const Same& same);
  const std::string& item_token(const std::string& own) const { return own.empty() ? tokens_.user() : own; }
  model::RegisterRequest node_request(const std::string& token) const;
  template <typename Item>
  LocalChange begin_change(LocalChange::Kind kind, Item& local);
  LocalChange service_change(LocalService& local);
  LocalChange check_change(LocalCheck& local);
  std::optional<LocalChange> node_change();
  void remove_check_entry(LocalCheck& check);
  bool finish_service(const LocalChange& change, const Status& result);
  bool finish_check(const LocalChange& change, const Status& result);
  bool finish_node(const LocalChange& change, const Status& result);
  bool blocked_by_acl(const Status& result, const char* what, const LocalChange& change) const;
  void forget_service(const std::string& id);
  void settle_check(const std::string& id, uint64_t version, bool synced);

  Options options_;
  const AgentTokens& tokens_;
  Random& random_;
  Logger log_;
  Table<LocalService> services_;
  Table<LocalCheck> checks_;
  std::map<std::string, std::vector<std::string>, std::less<>> checks_by_service_;  // live checks
  std::map<std::string, std::vector<std::string>, std::less<>> orphans_;            // deleted checks
  std::deque<std::string> dirty_services_;
  std::deque<std::string> dirty_checks_;
  std::map<Instant, std::vector<std::string>> deferred_;
  size_t live_services_ = 0;
  size_t live_checks_ = 0;
  bool node_in_sync_ = false;
  bool node_in_flight_ = false;
  bool node_failed_ = false;  // not sent again before the next comparison
  uint64_t version_ = 0;
  std::function<void(const std::string&)> notify_;
  std::function<void(const std::string&)> notify_service_;
};

// The worst of the statuses: maintenance, critical, warning, passing; passing without checks (semantics.md
// 5).
class AggregatedStatus {
 public:
  void add(std::string_view check_id, std::string_view status);
  std::string_view text() const;

 private:
  int worst_ = 0;
};

// IDs of maintenance checks, and the checks themselves.
inline constexpr std::string_view kNodeMaintenanceID = "_node_maintenance";
std::string service_maintenance_id(std::string_view service_id);
model::HealthCheck node_maintenance_check(const std::string& node, std::string_view reason);
model::HealthCheck service_maintenance_check(const std::string& node, const model::NodeService& service,
                                             std::string_view reason);

}  // namespace praetor::agent
