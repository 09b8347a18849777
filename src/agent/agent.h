// The agent: what is registered with it, its health checks, and how the catalog learns of both. It is a
// client of the server's endpoints like any other; what it adds is its own memory and the checks.
//
// Everything on the agent's reactor, except post() and the constructor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/anti_entropy.h"
#include "agent/check_runner.h"
#include "agent/gather.h"
#include "agent/journal.h"
#include "agent/local_state.h"
#include "agent/persistence.h"
#include "agent/registration.h"
#include "agent/runtime_config.h"
#include "base/reactor.h"

namespace praetor::server {
class Gateway;
}

namespace praetor::agent {

// Where a definition comes from: scripts from the API need enable_script_checks, those of configuration files
// may have enable_local_script_checks.
enum class Source { kConfiguration, kApi, kRestored };

// What every agent says of itself, besides what its operator wants to say.
codec::Map<std::string> node_meta_of(const RuntimeConfig& config);

class Agent {
 public:
  // `reactor`, `gateway` and `config` outlive the agent.
  Agent(Reactor& reactor, server::Gateway& gateway, std::shared_ptr<const RuntimeConfig> config);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Any thread.
  void post(std::function<void()> task) { reactor_.post(std::move(task)); }
  void after(Duration delay, std::function<void()> task) { reactor_.after(delay, std::move(task)); }
  // Any thread but the reactor's: ends checks and syncing, and writes Consul's files.
  void stop();

  // Takes over what a crash left in the journal. Once, before the reactor has anything to do with the agent.
  // An error is a reason not to start: the journal is damaged, or the disk fails.
  Status open();

  // Registers the configuration's services and checks and starts syncing. An error names the definition that
  // cannot be registered.
  Status start();

  // Takes over a new configuration: its services and checks replace those of the old one, which keep what
  // their checks knew; what the API registered stays. After an error everything is as before.
  Status reload(std::shared_ptr<const RuntimeConfig> config);

  // A server has appeared: the catalog is compared soon. Any thread.
  void server_up();

  // How the changes below end, once each and on the reactor: when the change is durable and the catalog has
  // been asked to take it. Whether the catalog took it is logged, not told (as in Consul): the next
  // comparison mends it. Errors: the request's own, or the disk's; then what would have been new is not
  // there. May be empty.
  using Done = std::function<void(Status)>;

  // `replace_checks`: checks that the definition does not name are removed.
  void add_service(const ServiceDefinition& definition, Source source, bool replace_checks, Done done);
  // Unknown ones are fine (as without ACLs in Consul).
  void remove_service(const std::string& id, Done done);
  void add_check(const CheckDefinition& definition, Source source, Done done);
  void remove_check(const std::string& id, Done done);
  // `CheckID "x" does not have associated TTL`.
  void update_ttl(const std::string& id, std::string_view status, const std::string& output, Done done);
  void set_service_maintenance(const std::string& id, bool enable, const std::string& reason,
                               const std::string& token, Done done);
  void set_node_maintenance(bool enable, const std::string& reason, const std::string& token, Done done);

  // The members that are alive: large clusters compare with the catalog less often.
  void set_cluster_size(size_t nodes) { sync_.set_cluster_size(nodes); }
  // Somebody else leads now: compare soon.
  void leader_changed();

  const LocalState& state() const { return state_; }
  const RuntimeConfig& config() const { return *config_; }
  AgentTokens& tokens() { return tokens_; }
  // Counts for the stats: check_monitors, check_ttls, checks, services.
  void fill_stats(codec::Map<std::string>& stats) const;
  // Runs `callback` once at the next change of a service or its health; for hash-based queries.
  uint64_t notify(std::function<void()> callback);
  void cancel_notify(uint64_t id);

 private:
  // What one request changes.
  struct Work {
    std::vector<KeptChange> keep;                                // to be durable
    std::vector<PendingSync> told;                               // to the catalog
    std::vector<std::pair<std::string, uint64_t>> new_services;  // and version: not there before
    std::vector<std::string> new_checks;
  };
  struct Waiting {
    Work work;
    bool durable = false;
    Done done;
  };

  CheckHooks make_hooks();
  void query_remote(const AliasQuery& query, std::function<void(Result<AliasReply>)> answer);

  // agent_configured.cc
  Status check_services(const RuntimeConfig& config) const;
  Status check_checks(const RuntimeConfig& config) const;
  void register_services(const RuntimeConfig& config);
  void register_checks(const RuntimeConfig& config);
  void restore_services();
  void restore_checks();

  // agent_register.cc
  void finish(Work work, Status status, Done done);
  void kept(uint64_t waiting, const Status& status);
  void undo(const Work& work);
  void answer_waiting(Instant now);
  Status register_service(Work& work, const model::NodeService& service, const std::vector<CheckType>& checks,
                          const std::string& token, Source source, bool replace_checks);
  Status start_check(Work& work, const model::HealthCheck& check, const CheckType& type,
                     const std::string& token, Source source);
  Status may_run(const CheckSettings& settings, Source source) const;
  Status add_maintenance(Work& work, const model::HealthCheck& check, const std::string& token);
  void drop_service(Work& work, const std::string& id);
  void drop_check(Work& work, const std::string& id);

  // Answers who has waited long enough, and hands what has gathered to the journal and the catalog. At the
  // end of a turn of the reactor: once for everything that came in it.
  void pump_soon();
  void pump();
  void wake_at(std::optional<Instant> at, Instant now);
  void perform(const SyncAction& action);
  void fetch(uint64_t id);
  void changed();

  Reactor& reactor_;
  server::Gateway& gateway_;
  std::shared_ptr<const RuntimeConfig> config_;
  DataDirectory data_;
  AgentTokens tokens_;
  Random random_;
  LocalState state_;
  AntiEntropy sync_;
  std::unique_ptr<CheckRunner> checks_;
  Journal journal_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Reactor::TimerId timer_ = 0;
  std::optional<Instant> timer_at_;
  bool pump_posted_ = false;
  bool started_ = false;
  Gather gather_;
  uint64_t last_waiting_ = 0;
  std::map<uint64_t, Waiting> waiting_;
  uint64_t last_notify_ = 0;
  std::map<uint64_t, std::function<void()>> notify_;
};

}  // namespace praetor::agent
