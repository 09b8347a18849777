// Runs an agent's health checks: schedules them, applies thresholds and reports every result that counts.
//
// Everything on the reactor that it was made with, callbacks included, the destructor too (or once the
// reactor has stopped). A callback may start and stop checks. Definitions are taken as they are: whoever
// calls start() has validated them and has decided whether scripts are allowed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/check_spec.h"
#include "agent/check_state.h"
#include "base/random.h"
#include "base/reactor.h"
#include "base/result.h"

namespace praetor::agent {

// What an alias of another node asks: a blocking, stale query for the checks of a node.
struct AliasQuery {
  std::string node;
  std::string service_id;  // also: whether the node has this service
  std::string token;
  uint64_t min_index = 0;  // 0 answers at once
  Duration max_wait{0};
};
struct AliasReply {
  uint64_t index = 0;
  std::vector<AliasedCheck> checks;
  bool service_exists = false;
};

struct CheckHooks {
  // A status to store. It is called also when nothing changed: whoever stores decides what is worth a sync.
  std::function<void(const std::string& check_id, CheckStatus status, const std::string& output)> on_result;
  // A check of the service has been critical for longer than its deregister_critical_service_after.
  std::function<void(const CriticalServices::Due& due)> on_deregister;

  // For aliases of local services: the checks of this agent, and whether it has the service.
  std::function<std::vector<AliasedCheck>()> local_checks;
  std::function<bool(const std::string& service_id)> local_service_exists;
  // For aliases of other nodes; answers once, on the reactor. Unset: those aliases stay as they are.
  std::function<void(const AliasQuery& query, std::function<void(Result<AliasReply>)> answer)> query_remote;
};

struct CheckRunnerOptions {
  std::string node_name;    // an alias of this node's own services is local
  std::string docker_host;  // empty: DOCKER_HOST of the environment, or the default unix socket
};

class CheckRunner {
 public:
  CheckRunner(Reactor& reactor, CheckHooks hooks, CheckRunnerOptions options = {});
  ~CheckRunner();
  CheckRunner(const CheckRunner&) = delete;
  CheckRunner& operator=(const CheckRunner&) = delete;

  // Replaces a check of the same id. Errors: a check without a type.
  Status start(CheckSpec spec);
  void stop(const std::string& id);
  void stop_all();
  bool has(const std::string& id) const;
  size_t size() const;
  size_t count(CheckKind kind) const;
  // Nothing for what is no TTL check.
  std::optional<Duration> ttl_of(const std::string& id) const;

  // A client's report on a TTL check; its result goes through on_result before this returns.
  // Errors: the check is unknown, or not a TTL check.
  Status update_ttl(const std::string& id, CheckStatus status, const std::string& output);

  // Checks or services of this agent changed: local aliases look again within milliseconds
  // (once for many calls).
  void local_checks_changed();
  // TLS files were read anew (reload).
  void reload_tls();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor::agent
