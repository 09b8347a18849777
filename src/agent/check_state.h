// The rules of health checks without sockets, clocks or threads: thresholds, TTL, alias, output limits and
// the reaping of services that stay critical. Time comes in, statuses and texts come out.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/check_spec.h"
#include "base/clock.h"

namespace praetor::agent {

struct CheckResult {
  CheckStatus status = CheckStatus::kCritical;
  std::string output;
  // A check that could not even be carried out counts at once, whatever the thresholds say.
  enum class Run : uint8_t { kDone, kFailed, kNotInvoked, kTimedOut };
  Run run = Run::kDone;
  bool counts_at_once() const { return run == Run::kNotInvoked || run == Run::kTimedOut; }
  bool operator==(const CheckResult&) const = default;
};

// success_before_passing and failures_before_critical. A warning counts as a success. The very first result
// always applies (as if the thresholds had been reached before).
class Thresholds {
 public:
  Thresholds(int success_before_passing, int failures_before_critical);
  // Whether the result replaces the check's status; if not, status and output stay as they were.
  bool applies(CheckStatus result);
  // In a row so far, and needed.
  int count(CheckStatus result) const { return result != CheckStatus::kCritical ? successes_ : failures_; }
  int needed(CheckStatus result) const {
    return result != CheckStatus::kCritical ? need_successes_ : need_failures_;
  }

 private:
  int need_successes_;
  int need_failures_;
  int successes_;
  int failures_;
};

// Keeps the last `limit` bytes of what is written and counts all of it.
class TailBuffer {
 public:
  explicit TailBuffer(size_t limit);
  void write(std::string_view bytes);
  uint64_t total() const { return total_; }
  bool truncated() const { return total_ > limit_; }
  std::string tail() const;
  // tail(), after `Captured X of Y bytes\n...\n` when something was lost.
  std::string described() const;

 private:
  size_t limit_;
  uint64_t total_ = 0;
  size_t start_ = 0;  // oldest byte once the ring is full
  std::string ring_;
};

// Output that comes in one piece: `<first bytes> ... (captured N of M bytes)`.
std::string limit_ttl_output(std::string_view output, size_t limit);

class TtlState {
 public:
  TtlState(Duration ttl, size_t output_limit, std::string last_output, Instant now);
  // A client's report; the timer starts again. Returns what to store.
  CheckResult update(CheckStatus status, std::string_view output, Instant now);
  Instant deadline() const { return deadline_; }
  // The result once the deadline has passed.
  std::optional<CheckResult> expire(Instant now) const;

 private:
  Duration ttl_;
  size_t output_limit_;
  std::string last_output_;
  Instant deadline_;
};

// One check as an alias sees it.
struct AliasedCheck {
  std::string id;
  std::string name;
  std::string node;        // empty for local checks
  std::string service_id;  // empty: a check of the node, which counts for every alias
  CheckStatus status = CheckStatus::kCritical;
  std::string output;
};

// The status of an alias of `node` (empty: any) and `service_id` (empty: only the node's own checks).
// `service_exists` tells of a service without checks; one that does not exist is critical whatever its node
// says.
// The alias itself (`own_id`) does not count: it would hold itself critical for ever.
CheckResult aggregate_alias(std::span<const AliasedCheck> checks, std::string_view own_id,
                            std::string_view node, std::string_view service_id, bool service_exists);

// How a remote alias that cannot be queried behaves: critical from the second failure on, and ever slower.
class AliasFailures {
 public:
  std::optional<CheckResult> failed(std::string_view error);
  void succeeded() { count_ = 0; }
  Duration delay() const;

 private:
  int count_ = 0;
};

// deregister_critical_service_after: which services have a check that stayed critical for too long.
inline constexpr Duration kDeregisterScanInterval = std::chrono::seconds(30);
inline constexpr Duration kMinDeregisterAfter = std::chrono::minutes(1);

class CriticalServices {
 public:
  // A timeout of 0 forgets the check; one below the minimum is raised to it.
  void watch(const std::string& check_id, const std::string& service_id, Duration after);
  void forget(const std::string& check_id);
  // A status was stored for the check.
  void on_status(const std::string& check_id, CheckStatus status, Instant now);

  struct Due {
    std::string service_id;
    std::string check_id;
    Duration after;
    bool operator==(const Due&) const = default;
  };
  // Each service once. Called every kDeregisterScanInterval.
  std::vector<Due> due(Instant now) const;
  bool empty() const { return watched_.empty(); }

 private:
  struct Watched {
    std::string service_id;
    Duration after;
    std::optional<Instant> critical_since;
  };
  std::map<std::string, Watched> watched_;
};

}  // namespace praetor::agent
