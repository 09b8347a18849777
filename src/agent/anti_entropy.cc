#include "agent/anti_entropy.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace praetor::agent {

int sync_scale(size_t cluster_size) {
  constexpr double kThreshold = 128;
  if (static_cast<double>(cluster_size) <= kThreshold) return 1;
  return static_cast<int>(std::ceil(std::log2(static_cast<double>(cluster_size)) - std::log2(kThreshold))) +
         1;
}

AntiEntropy::AntiEntropy(LocalState& state, const AgentTokens& tokens, Random& random,
                         AntiEntropyOptions options, Instant now, Logger log)
    : state_(state),
      tokens_(tokens),
      random_(random),
      options_(options),
      log_(std::move(log)),
      compare_at_(now) {}

Duration AntiEntropy::stagger(Duration base) {
  auto bound = base.count() * sync_scale(cluster_size_);
  return Duration(static_cast<int64_t>(random_.below(static_cast<uint64_t>(std::max<int64_t>(bound, 0)))));
}

std::optional<SyncAction> AntiEntropy::next(Instant now) {
  if (paused()) return std::nullopt;
  state_.release_deferred(now);
  if (!fetching_ && compare_at_ <= now) {
    fetching_ = true;
    fetch_id_ = ++last_id_;
    return SyncAction{fetch_id_, FetchCatalog{tokens_.agent()}};
  }
  if (in_flight_.size() >= options_.max_in_flight) return std::nullopt;
  std::optional<LocalChange> change = state_.take_change();
  if (!change) return std::nullopt;
  uint64_t id = ++last_id_;
  in_flight_.emplace(id, *change);
  return SyncAction{id, std::move(*change)};
}

std::optional<Instant> AntiEntropy::wake_at() const {
  if (paused()) return std::nullopt;
  std::optional<Instant> at = state_.next_deferred();
  if (!fetching_) at = at ? std::min(*at, compare_at_) : compare_at_;
  return at;
}

void AntiEntropy::failed(Instant now) {
  healthy_ = false;
  Instant retry = now + options_.retry_interval + stagger(options_.retry_interval);
  // The first failure decides: a thousand failed requests make one comparison.
  if (compare_at_ > retry || compare_at_ <= now) compare_at_ = retry;
}

void AntiEntropy::finish_fetch(uint64_t id, Result<CatalogView> view, Instant now) {
  CHECK(fetching_ && id == fetch_id_);
  fetching_ = false;
  if (!view) {
    log_.error("failed to sync remote state", {{"error", view.error()}});
    return failed(now);
  }
  state_.compare(*view);
  healthy_ = true;
  compare_at_ = now + options_.interval + stagger(options_.interval);
}

void AntiEntropy::finish_change(uint64_t id, const Status& result, Instant now) {
  auto at = in_flight_.find(id);
  CHECK(at != in_flight_.end());
  bool settled = state_.finish_change(at->second, result);
  in_flight_.erase(at);
  if (settled) return;
  log_.error("failed to sync changes", {{"error", result.error()}});
  failed(now);
}

void AntiEntropy::resume() {
  CHECK(pauses_ > 0);
  --pauses_;
}

void AntiEntropy::server_up(Instant now) {
  Instant at = now + stagger(options_.server_up_stagger);
  compare_at_ = std::min(compare_at_, at);
}

}  // namespace praetor::agent
