#include "agent/check_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace praetor::agent {

namespace {
constexpr int kAliasFastRetries = 3;
constexpr Duration kAliasFastDelay = std::chrono::milliseconds(100);
constexpr Duration kAliasMaxDelay = std::chrono::minutes(1);
}  // namespace

Thresholds::Thresholds(int success_before_passing, int failures_before_critical)
    : need_successes_(std::max(success_before_passing, 0)),
      need_failures_(std::max(failures_before_critical, 0)),
      successes_(need_successes_),
      failures_(need_failures_) {}

bool Thresholds::applies(CheckStatus result) {
  bool good = result != CheckStatus::kCritical;
  int& count = good ? successes_ : failures_;
  int need = good ? need_successes_ : need_failures_;
  (good ? failures_ : successes_) = 0;
  if (count <= need) ++count;  // counting further would tell nothing more
  return count >= need;
}

TailBuffer::TailBuffer(size_t limit) : limit_(std::max<size_t>(limit, 1)) {}

void TailBuffer::write(std::string_view bytes) {
  total_ += bytes.size();
  if (bytes.size() >= limit_) {
    ring_.assign(bytes.substr(bytes.size() - limit_));
    start_ = 0;
    return;
  }
  size_t room = std::min(limit_ - ring_.size(), bytes.size());
  ring_.append(bytes.substr(0, room));
  for (char byte : bytes.substr(room)) {
    ring_[start_] = byte;
    start_ = (start_ + 1) % limit_;
  }
}

std::string TailBuffer::tail() const { return ring_.substr(start_) + ring_.substr(0, start_); }

std::string TailBuffer::described() const {
  if (!truncated()) return tail();
  return fmt::format("Captured {} of {} bytes\n...\n{}", ring_.size(), total_, tail());
}

std::string limit_ttl_output(std::string_view output, size_t limit) {
  if (output.size() <= limit) return std::string(output);
  return fmt::format("{} ... (captured {} of {} bytes)", output.substr(0, limit), limit, output.size());
}

TtlState::TtlState(Duration ttl, size_t output_limit, std::string last_output, Instant now)
    : ttl_(ttl), output_limit_(output_limit), last_output_(std::move(last_output)), deadline_(now + ttl) {}

CheckResult TtlState::update(CheckStatus status, std::string_view output, Instant now) {
  last_output_ = limit_ttl_output(output, output_limit_);
  deadline_ = now + ttl_;
  return {status, last_output_};
}

std::optional<CheckResult> TtlState::expire(Instant now) const {
  if (now < deadline_) return std::nullopt;
  if (last_output_.empty()) return CheckResult{CheckStatus::kCritical, "TTL expired"};
  return CheckResult{CheckStatus::kCritical,
                     "TTL expired (last output before timeout follows): " + last_output_};
}

CheckResult aggregate_alias(std::span<const AliasedCheck> checks, std::string_view own_id,
                            std::string_view node, std::string_view service_id, bool service_exists) {
  CheckResult worst{CheckStatus::kPassing, ""};
  bool found = false;
  for (const AliasedCheck& check : checks) {
    if (check.id == own_id || (!node.empty() && !equals_ignore_case(check.node, node))) continue;
    if (!check.service_id.empty() && check.service_id != service_id) continue;
    found = true;
    service_exists = service_exists || check.service_id == service_id;
    if (check.status <= worst.status) continue;
    worst = {check.status, fmt::format("Aliased check \"{}\" failing: {}", check.name, check.output)};
  }
  if (!service_exists)
    return {CheckStatus::kCritical,
            fmt::format("Service {} could not be found on node {}", service_id, node)};
  if (!found) return {CheckStatus::kPassing, "No checks found."};
  if (worst.status == CheckStatus::kPassing) worst.output = "All checks passing.";
  return worst;
}

std::optional<CheckResult> AliasFailures::failed(std::string_view error) {
  ++count_;
  if (count_ < 2) return std::nullopt;
  return CheckResult{CheckStatus::kCritical,
                     fmt::format("Failure checking aliased node or service: {}", error)};
}

Duration AliasFailures::delay() const {
  if (count_ == 0) return Duration::zero();
  if (count_ <= kAliasFastRetries) return kAliasFastDelay;
  int doublings = std::min(count_ - kAliasFastRetries, 6);
  return std::min<Duration>(std::chrono::seconds(1 << doublings), kAliasMaxDelay);
}

void CriticalServices::watch(const std::string& check_id, const std::string& service_id, Duration after) {
  if (after <= Duration::zero() || service_id.empty()) return forget(check_id);
  Watched& watched = watched_[check_id];
  watched.service_id = service_id;
  watched.after = std::max(after, kMinDeregisterAfter);
}

void CriticalServices::forget(const std::string& check_id) { watched_.erase(check_id); }

void CriticalServices::on_status(const std::string& check_id, CheckStatus status, Instant now) {
  auto at = watched_.find(check_id);
  if (at == watched_.end()) return;
  if (status != CheckStatus::kCritical) {
    at->second.critical_since.reset();
  } else if (!at->second.critical_since) {
    at->second.critical_since = now;
  }
}

std::vector<CriticalServices::Due> CriticalServices::due(Instant now) const {
  std::vector<Due> due;
  std::set<std::string_view> services;
  for (const auto& [check_id, watched] : watched_) {
    if (!watched.critical_since || now - *watched.critical_since <= watched.after) continue;
    if (services.insert(watched.service_id).second)
      due.push_back({watched.service_id, check_id, watched.after});
  }
  return due;
}

}  // namespace praetor::agent
