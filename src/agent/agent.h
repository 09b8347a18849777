// The agent: what is registered with it, its health checks, and how the catalog learns of both. It is a client
// of the server's endpoints like any other; what it adds is its own memory and the checks.
//
// Everything on the agent's reactor, except post() and the constructor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/anti_entropy.h"
#include "agent/check_runner.h"
#include "agent/local_state.h"
#include "agent/persistence.h"
#include "agent/registration.h"
#include "agent/runtime_config.h"
#include "base/reactor.h"

namespace praetor::server {
class Server;
}

namespace praetor::agent {

// Where a definition comes from: scripts from the API need enable_script_checks, those of configuration files
// may have enable_local_script_checks.
enum class Source { kConfiguration, kApi, kRestored };

class Agent {
 public:
  // `reactor`, `server` and `config` outlive the agent.
  Agent(Reactor& reactor, server::Server& server, std::shared_ptr<const RuntimeConfig> config);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Any thread.
  void post(std::function<void()> task) { reactor_.post(std::move(task)); }
  void after(Duration delay, std::function<void()> task) { reactor_.after(delay, std::move(task)); }
  // Any thread but the reactor's: ends checks and syncing.
  void stop();

  // Registers the configuration's services and checks and starts syncing. An error names the definition that
  // cannot be registered.
  Status start();

  // Takes over a new configuration: its services and checks replace those of the old one, which keep what their
  // checks knew; what the API registered stays. After an error everything is as before.
  Status reload(std::shared_ptr<const RuntimeConfig> config);

  // `replace_checks`: checks that the definition does not name are removed.
  Status add_service(const ServiceDefinition& definition, Source source, bool replace_checks);
  // Unknown ones are fine (as without ACLs in Consul).
  Status remove_service(const std::string& id);
  Status add_check(const CheckDefinition& definition, Source source);
  Status remove_check(const std::string& id);
  // `CheckID "x" does not have associated TTL`.
  Status update_ttl(const std::string& id, std::string_view status, const std::string& output);
  Status set_service_maintenance(const std::string& id, bool enable, const std::string& reason,
                                 const std::string& token);
  void set_node_maintenance(bool enable, const std::string& reason, const std::string& token);

  const LocalState& state() const { return state_; }
  const RuntimeConfig& config() const { return *config_; }
  AgentTokens& tokens() { return tokens_; }
  // Counts for the stats: check_monitors, check_ttls, checks, services.
  void fill_stats(codec::Map<std::string>& stats) const;
  // Runs `callback` once at the next change of a service or its health; for hash-based queries.
  uint64_t notify(std::function<void()> callback);
  void cancel_notify(uint64_t id);

 private:
  Status check_services(const RuntimeConfig& config) const;
  Status check_checks(const RuntimeConfig& config) const;
  Status may_run(const CheckSettings& settings, Source source) const;
  void register_services(const RuntimeConfig& config);
  void register_checks(const RuntimeConfig& config);
  void restore_services();
  void restore_checks();
  void persist_service(const model::NodeService& service, const std::string& token);
  void persist_check(const model::HealthCheck& check, const CheckType* type, const std::string& token);
  void pump();
  void perform(const SyncAction& action);
  void fetch(uint64_t id);
  Status register_service(const model::NodeService& service, const std::vector<CheckType>& checks,
                          const std::string& token, Source source, bool replace_checks);
  Status start_check(const model::HealthCheck& check, const CheckType& type, const std::string& token, Source source);
  void changed();

  Reactor& reactor_;
  server::Server& server_;
  std::shared_ptr<const RuntimeConfig> config_;
  DataDirectory data_;
  AgentTokens tokens_;
  Random random_;
  LocalState state_;
  AntiEntropy sync_;
  std::unique_ptr<CheckRunner> checks_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Reactor::TimerId timer_ = 0;
  bool started_ = false;
  std::map<std::string, bool, std::less<>> is_ttl_;  // running checks
  std::map<std::string, Duration, std::less<>> ttl_of_;
  uint64_t last_notify_ = 0;
  std::map<uint64_t, std::function<void()>> notify_;
};

}  // namespace praetor::agent
