#include "agent/check_runner.h"

#include <signal.h>

#include <cstdlib>
#include <map>
#include <unordered_map>

#include "agent/check_alias.h"
#include "agent/check_probe.h"
#include "agent/check_resolver.h"
#include "agent/check_scheduler.h"
#include "agent/check_script.h"
#include "agent/check_tls.h"
#include "base/log.h"

namespace praetor::agent {

namespace {

const Logger& logger() {
  static const Logger log("agent");
  return log;
}

// What an operator reads about one run, before thresholds.
void log_run(const CheckSpec& spec, CheckKind kind, const CheckResult& result) {
  const LogField check{"check", spec.id};
  bool program = kind == CheckKind::kScript || kind == CheckKind::kDocker;
  switch (result.run) {
    case CheckResult::Run::kNotInvoked:
      return logger().error("Check failed to invoke", {check, {"error", result.output}});
    case CheckResult::Run::kTimedOut:
      return logger().warn(
          "Timed out running check",
          {check, {"timeout", spec.timeout > Duration(0) ? spec.timeout : kDefaultScriptTimeout}});
    case CheckResult::Run::kFailed:
      return logger().debug("Check failed", {check, {"error", result.output}});
    case CheckResult::Run::kDone:
      break;
  }
  if (program) logger().trace("Check output", {check, {"output", result.output}});
  if (kind == CheckKind::kTcp && result.status == CheckStatus::kCritical)
    logger().warn("Check socket connection failed", {check, {"error", result.output}});
}

void log_status(const std::string& id, CheckStatus status) {
  if (status == CheckStatus::kCritical) return logger().warn("Check is now critical", {{"check", id}});
  logger().debug("Check status updated", {{"check", id}, {"status", status_name(status)}});
}

void log_held_back(const std::string& id, CheckStatus status, const Thresholds& thresholds) {
  bool failed = status == CheckStatus::kCritical;
  logger().warn(failed ? "Check failed but has not reached failure threshold"
                       : "Check passed but has not reached success threshold",
                {{"check", id},
                 {"status", status_name(status)},
                 {failed ? "failure_count" : "success_count", thresholds.count(status)},
                 {failed ? "failure_threshold" : "success_threshold", thresholds.needed(status)}});
}

constexpr Duration kAliasCalm = std::chrono::milliseconds(10);  // many changes, one look
constexpr size_t kAliasTextRoom = 256;  // for the words around the output of the aliased check

// A TLS library writes to sockets without a word about signals; a peer that closed must not end the agent.
void ignore_broken_pipes() {
  struct sigaction action{};
  if (::sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) ::signal(SIGPIPE, SIG_IGN);
}

std::string docker_host() {
  const char* value = std::getenv("DOCKER_HOST");
  return value == nullptr ? "" : value;
}

}  // namespace

struct CheckRunner::Impl {
  Impl(Reactor& r, CheckHooks h, CheckRunnerOptions o)
      : reactor(r),
        hooks(std::move(h)),
        options(std::move(o)),
        resolver(r),
        scripts(r),
        env{r, resolver, tls, scripts, options.docker_host.empty() ? docker_host() : options.docker_host},
        random(thread_random().next()),
        scheduler(r, random) {}

  struct Entry {
    Entry(CheckSpec s, CheckKind k)
        : spec(std::move(s)),
          kind(k),
          thresholds(spec.success_before_passing, spec.failures_before_critical) {}
    CheckSpec spec;
    CheckKind kind;
    Thresholds thresholds;
    std::unique_ptr<Probe> probe;
    std::unique_ptr<AliasRunner> alias;
    std::optional<TtlState> ttl;
    Reactor::TimerId ttl_timer = 0;
  };

  Reactor& reactor;
  CheckHooks hooks;
  CheckRunnerOptions options;
  CheckResolver resolver;
  TlsContexts tls;
  ScriptHost scripts;
  ProbeEnv env;
  Random random;
  CheckScheduler scheduler;
  CriticalServices critical;
  Reactor::TimerId scan_timer = 0;
  Reactor::TimerId look_timer = 0;
  std::unordered_map<std::string, std::shared_ptr<Entry>> entries;
  std::map<CheckKind, size_t> counts;
  std::map<std::string, std::shared_ptr<Entry>> local_aliases;

  std::unique_ptr<Probe> make_probe(const CheckSpec& spec, CheckKind kind) {
    switch (kind) {
      case CheckKind::kHttp:
        return make_http_probe(spec, env);
      case CheckKind::kTcp:
        return make_tcp_probe(spec, env);
      case CheckKind::kGrpc:
        return make_grpc_probe(spec, env);
      case CheckKind::kScript:
        return make_script_probe(spec, env);
      case CheckKind::kDocker:
        return make_docker_probe(spec, env);
      default:
        return nullptr;
    }
  }

  // Stores a result that counts. The hook may stop the check, and with it what `check_id` refers to.
  void report(const std::string& check_id, const CheckResult& result) {
    const std::string id = check_id;
    critical.on_status(id, result.status, system_clock().now());
    if (hooks.on_result) hooks.on_result(id, result.status, result.output);
  }

  // A probe's result. The hook may stop the check; `entry` stays while its callback runs.
  void take(Entry& entry, const CheckResult& result) {
    log_run(entry.spec, entry.kind, result);
    if (!result.counts_at_once()) {
      if (!entry.thresholds.applies(result.status))
        return log_held_back(entry.spec.id, result.status, entry.thresholds);
      log_status(entry.spec.id, result.status);
    }
    report(entry.spec.id, result);
  }

  void start_probe(const std::shared_ptr<Entry>& entry, CheckKind kind) {
    entry->probe = make_probe(entry->spec, kind);
    scheduler.add(entry->spec.id, std::max(entry->spec.interval, kMinCheckInterval),
                  [this, weak = std::weak_ptr(entry)](const CheckScheduler::Finished& finished) {
                    auto running = weak.lock();
                    if (!running) return;
                    running->probe->run([this, weak, finished](const CheckResult& result) {
                      auto self = weak.lock();
                      if (!self) return;
                      finished();
                      take(*self, result);
                    });
                  });
  }

  void arm_ttl(const std::shared_ptr<Entry>& entry) {
    reactor.cancel(entry->ttl_timer);
    entry->ttl_timer =
        reactor.after(entry->ttl->deadline() - system_clock().now(), [this, weak = std::weak_ptr(entry)] {
          auto self = weak.lock();
          if (!self) return;
          self->ttl_timer = 0;
          // The expired one reports once, and rests until the next update.
          if (auto expired = self->ttl->expire(system_clock().now())) {
            logger().warn("Check missed TTL, is now critical", {{"check", self->spec.id}});
            report(self->spec.id, *expired);
          } else {
            arm_ttl(self);
          }
        });
  }

  void start_alias(const std::shared_ptr<Entry>& entry) {
    const CheckSpec& spec = entry->spec;
    bool local = spec.alias_node.empty() || spec.alias_node == options.node_name;
    // Aliases of each other would feed on their own outputs for ever.
    auto told = [this, id = spec.id, limit = spec.output_max_size + kAliasTextRoom](CheckResult result) {
      if (result.output.size() > limit) result.output.resize(limit);
      report(id, result);
    };
    entry->alias =
        local ? make_local_alias(spec, reactor, hooks, told) : make_remote_alias(spec, reactor, hooks, told);
    if (local) local_aliases[spec.id] = entry;
    entry->alias->start();
  }

  void scan() {
    scan_timer = reactor.after(kDeregisterScanInterval, [this] { scan(); });
    for (const CriticalServices::Due& due : critical.due(system_clock().now()))
      if (hooks.on_deregister) hooks.on_deregister(due);
  }

  void stop(const std::string& id) {
    auto at = entries.find(id);
    if (at == entries.end()) return;
    std::shared_ptr<Entry> entry = std::move(at->second);
    entries.erase(at);
    --counts[entry->kind];
    local_aliases.erase(id);
    scheduler.remove(id);
    critical.forget(id);
    reactor.cancel(entry->ttl_timer);
    if (critical.empty()) {
      reactor.cancel(scan_timer);
      scan_timer = 0;
    }
    // Its own callback may be running: it goes when that has returned.
    reactor.post([entry] {});
    entry->alias.reset();
    entry->probe.reset();
  }

  void look_at_locals() {
    look_timer = 0;
    std::vector<std::weak_ptr<Entry>> aliases;
    for (auto& [id, entry] : local_aliases) aliases.push_back(entry);
    if (aliases.empty() || !hooks.local_checks) return;
    std::vector<AliasedCheck> checks = hooks.local_checks();
    for (auto& weak : aliases)
      if (auto entry = weak.lock(); entry && entry->alias) entry->alias->look(checks);
  }
};

CheckRunner::CheckRunner(Reactor& reactor, CheckHooks hooks, CheckRunnerOptions options)
    : impl_(std::make_unique<Impl>(reactor, std::move(hooks), std::move(options))) {
  ignore_broken_pipes();
}

CheckRunner::~CheckRunner() {
  stop_all();
  impl_->reactor.cancel(impl_->look_timer);
}

Status CheckRunner::start(CheckSpec spec) {
  CheckKind kind = kind_of(spec);
  if (kind == CheckKind::kNone) return fail("Check type is not valid", ErrorKind::kBadRequest);
  stop(spec.id);
  auto entry = std::make_shared<Impl::Entry>(std::move(spec), kind);
  const CheckSpec& s = entry->spec;
  impl_->entries.emplace(s.id, entry);
  ++impl_->counts[kind];
  impl_->critical.watch(s.id, s.service_id, s.deregister_critical_service_after);
  if (!impl_->critical.empty() && impl_->scan_timer == 0)
    impl_->scan_timer = impl_->reactor.after(kDeregisterScanInterval, [impl = impl_.get()] { impl->scan(); });
  if (kind == CheckKind::kTtl) {
    entry->ttl.emplace(s.ttl, s.output_max_size, s.initial_output, system_clock().now());
    impl_->arm_ttl(entry);
  } else if (kind == CheckKind::kAlias) {
    impl_->start_alias(entry);
  } else {
    impl_->start_probe(entry, kind);
  }
  return {};
}

void CheckRunner::stop(const std::string& id) { impl_->stop(id); }

void CheckRunner::stop_all() {
  while (!impl_->entries.empty()) impl_->stop(std::string(impl_->entries.begin()->first));
}

bool CheckRunner::has(const std::string& id) const { return impl_->entries.contains(id); }
size_t CheckRunner::size() const { return impl_->entries.size(); }

size_t CheckRunner::count(CheckKind kind) const {
  auto at = impl_->counts.find(kind);
  return at == impl_->counts.end() ? 0 : at->second;
}

std::optional<Duration> CheckRunner::ttl_of(const std::string& id) const {
  auto at = impl_->entries.find(id);
  if (at == impl_->entries.end() || !at->second->ttl) return std::nullopt;
  return at->second->spec.ttl;
}

Status CheckRunner::update_ttl(const std::string& id, CheckStatus status, const std::string& output) {
  auto at = impl_->entries.find(id);
  if (at == impl_->entries.end() || !at->second->ttl)
    return fail("CheckID \"" + id + "\" does not have associated TTL", ErrorKind::kNotFound);
  std::shared_ptr<Impl::Entry> entry = at->second;
  CheckResult result = entry->ttl->update(status, output, system_clock().now());
  impl_->arm_ttl(entry);
  logger().debug("Check status updated", {{"check", id}, {"status", status_name(status)}});
  impl_->report(id, result);
  return {};
}

void CheckRunner::local_checks_changed() {
  if (impl_->look_timer != 0 || impl_->local_aliases.empty()) return;
  impl_->look_timer = impl_->reactor.after(kAliasCalm, [impl = impl_.get()] { impl->look_at_locals(); });
}

void CheckRunner::reload_tls() { impl_->tls.clear(); }

}  // namespace praetor::agent
