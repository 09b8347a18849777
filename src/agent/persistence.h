// What the agent keeps in its data directory (config.md 8, semantics.md 4), in Consul's own files and
// formats: a directory can be taken over from a Consul agent and given back. One thread, but for what says
// otherwise; every call does file I/O: while an agent runs its journal (journal.h) is what writes here.
//
// Writes are atomic: a file is whole or absent after a crash.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/definition.h"
#include "agent/tokens.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"

namespace praetor::agent {

struct PersistedService {
  std::string token;
  model::NodeService service;
  std::string source;  // "remote": by API; "local": by the agent itself
  bool locally_registered_as_sidecar = false;
};
PRAETOR_DESCRIBED(PersistedService)

struct PersistedCheck {
  model::HealthCheck check;
  Box<CheckType> chk_type;  // null for maintenance checks
  std::string token;
  std::string source;
};
PRAETOR_DESCRIBED(PersistedCheck)

// A TTL check's last report, until it expires.
struct PersistedCheckState {
  std::string check_id;
  std::string output;
  std::string status;
  int64_t expires = 0;  // seconds since 1970
};
PRAETOR_DESCRIBED(PersistedCheckState)

// One of the files above, as it is to be.
enum class KeptKind : uint8_t { kService, kCheck, kCheckState };
struct KeptChange {
  KeptKind kind = KeptKind::kService;
  std::string id;                      // of the service or check
  std::optional<std::string> content;  // absent: there is to be no file
};
KeptChange kept(const PersistedService& service);
KeptChange kept(const PersistedCheck& check);
KeptChange kept(const PersistedCheckState& state);

class DataDirectory {
 public:
  // With an empty path nothing is kept and nothing found (-dev).
  DataDirectory(std::string path, Logger log) : path_(std::move(path)), log_(std::move(log)) {}
  const std::string& path() const { return path_; }

  // Makes the directory. The text is for the user.
  Status prepare();

  // All synced when it returns without an error. After a crash in between some are there, and when they are
  // many one may be cut short: the caller can write them again (journal.h). Any thread.
  Status write(std::span<const KeptChange> changes) const;

  // What was kept; files that cannot be read are logged and left. What `is_configured` names is defined by
  // configuration files now: it is purged.
  using IsConfigured = std::function<bool(const std::string& id)>;
  std::vector<PersistedService> load_services(const IsConfigured& is_configured);
  // A check comes back critical (nothing is healthy until seen so), unless its saved state still holds.
  std::vector<PersistedCheck> load_checks(const IsConfigured& is_configured, Time now);
  // Absent, or expired (and then removed): nothing.
  std::optional<PersistedCheckState> load_check_state(std::string_view check_id, Time now);

  // The configured ID (which is not kept), or the one kept, or a new one that is kept from now on: the host's
  // when there is one (agent/host_id.h), a random one otherwise.
  Result<std::string> node_id(const std::string& configured, const std::string& of_host, Random& random);

  // Tokens set by the API; those found override configured ones, with a warning.
  void load_tokens(AgentTokens& tokens);
  Status save_tokens(const AgentTokens& tokens);

 private:
  std::string file(KeptKind kind, std::string_view id) const;
  Status make_folder(const std::string& folder) const;
  Status write_one(const KeptChange& change, bool whole) const;
  // Of one of the agent's own files.
  Status save(const std::string& name, std::string_view text) const;
  Status remove(const std::string& path) const;

  std::string path_;
  Logger log_;
};

}  // namespace praetor::agent
