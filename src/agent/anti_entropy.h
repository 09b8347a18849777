// When the agent's state is compared with the catalog, and what is sent (semantics.md 4). Pure: the owner
// asks next() for actions until there is none, performs them, reports back, and calls again at wake_at(). One
// thread.
//
// A local change is one small request, sent at once; comparing everything happens each minute or so, after a
// failure, and when servers come. Requests overlap, so that servers commit many of them together.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <variant>

#include "agent/local_state.h"

namespace praetor::agent {

struct AntiEntropyOptions {
  Duration interval = std::chrono::minutes(1);
  Duration retry_interval = std::chrono::seconds(15);
  Duration server_up_stagger = std::chrono::seconds(3);
  size_t max_in_flight = 128;  // requests under way at a time
};

// Ask the catalog for this node's services and checks (stale reads will do), with the agent's token.
struct FetchCatalog {
  std::string token;
};

struct SyncAction {
  uint64_t id = 0;
  std::variant<FetchCatalog, LocalChange> what;
};

class AntiEntropy {
 public:
  // `state`, `tokens` and `random` outlive this. The first comparison is due at once.
  AntiEntropy(LocalState& state, const AgentTokens& tokens, Random& random, AntiEntropyOptions options,
              Instant now, Logger log);

  // The next thing to do now, or nothing.
  std::optional<SyncAction> next(Instant now);
  // When next() may have something though nothing is reported; absent while paused or only waiting for
  // answers.
  std::optional<Instant> wake_at() const;

  void finish_fetch(uint64_t id, Result<CatalogView> view, Instant now);
  void finish_change(uint64_t id, const Status& result, Instant now);

  // Registration of many things at once, reload: no new requests until as many resumes.
  void pause() { ++pauses_; }
  void resume();
  bool paused() const { return pauses_ > 0; }

  void compare_now(Instant now) { compare_at_ = now; }
  // A server appeared: compare after a short random time.
  void server_up(Instant now);
  // Spreads the comparisons of large clusters.
  void set_cluster_size(size_t nodes) { cluster_size_ = nodes; }

  // Everything that was changed has been told to the catalog.
  bool idle() const { return in_flight_.empty() && !fetching_ && !state_.has_changes(); }
  // The last comparison and what followed went well.
  bool healthy() const { return healthy_; }

 private:
  Duration stagger(Duration base);
  void failed(Instant now);

  LocalState& state_;
  const AgentTokens& tokens_;
  Random& random_;
  AntiEntropyOptions options_;
  Logger log_;
  Instant compare_at_;
  size_t cluster_size_ = 1;
  int pauses_ = 0;
  bool fetching_ = false;
  bool healthy_ = false;
  uint64_t fetch_id_ = 0;
  uint64_t last_id_ = 0;
  std::map<uint64_t, LocalChange> in_flight_;
};

// 1 up to 128 nodes, one more for every doubling after that.
int sync_scale(size_t cluster_size);

}  // namespace praetor::agent
