#include "agent/check_alias.h"

namespace praetor::agent {

namespace {

constexpr Duration kRefresh = std::chrono::minutes(1);

class LocalAlias final : public AliasRunner {
 public:
  LocalAlias(const CheckSpec& spec, Reactor& reactor, const CheckHooks& hooks, Report report)
      : reactor_(reactor),
        hooks_(hooks),
        id_(spec.id),
        service_(spec.alias_service),
        report_(std::move(report)) {}
  ~LocalAlias() override { reactor_.cancel(timer_); }

  void start() override { arm(Duration::zero()); }

  void look(std::span<const AliasedCheck> checks) override {
    bool exists = service_.empty() || !hooks_.local_service_exists || hooks_.local_service_exists(service_);
    Report report = report_;  // reporting may destroy this
    report(aggregate_alias(checks, id_, "", service_, exists));
  }

 private:
  void arm(Duration delay) {
    timer_ = reactor_.after(delay, [this] {
      arm(kRefresh);
      if (hooks_.local_checks) look(hooks_.local_checks());
    });
  }

  Reactor& reactor_;
  const CheckHooks& hooks_;
  std::string id_;
  std::string service_;
  Report report_;
  Reactor::TimerId timer_ = 0;
};

class RemoteAlias final : public AliasRunner {
 public:
  RemoteAlias(const CheckSpec& spec, Reactor& reactor, const CheckHooks& hooks, Report report)
      : reactor_(reactor), hooks_(hooks), report_(std::move(report)) {
    query_.node = spec.alias_node;
    query_.service_id = spec.alias_service;
    query_.token = spec.token;
    query_.max_wait = kRefresh;
  }
  ~RemoteAlias() override { reactor_.cancel(timer_); }

  void start() override { arm(Duration::zero()); }
  void look(std::span<const AliasedCheck>) override {}

 private:
  void arm(Duration delay) {
    timer_ = reactor_.after(delay, [this] {
      timer_ = 0;
      ask();
    });
  }

  void ask() {
    if (!hooks_.query_remote) return;
    std::weak_ptr<RemoteAlias*> weak = self_;
    hooks_.query_remote(query_, [weak](Result<AliasReply> reply) {
      if (auto self = weak.lock()) (*self)->answered(std::move(reply));
    });
  }

  void answered(Result<AliasReply> reply) {
    Report report = report_;  // reporting may destroy this
    if (!reply) {
      std::optional<CheckResult> failed = failures_.failed(reply.error().message);
      query_.min_index = 0;  // after a failure the answer is wanted at once
      arm(failures_.delay());
      if (failed) report(std::move(*failed));
      return;
    }
    failures_.succeeded();
    // An index that went back (a restored snapshot) starts anew; one of 0 would not block.
    query_.min_index = reply->index < query_.min_index ? 0 : std::max<uint64_t>(reply->index, 1);
    CheckResult result = aggregate_alias(reply->checks, /*own_id=*/"", query_.node, query_.service_id,
                                         reply->service_exists || query_.service_id.empty());
    arm(Duration::zero());
    report(std::move(result));
  }

  Reactor& reactor_;
  const CheckHooks& hooks_;
  Report report_;
  AliasQuery query_;
  AliasFailures failures_;
  Reactor::TimerId timer_ = 0;
  std::shared_ptr<RemoteAlias*> self_ = std::make_shared<RemoteAlias*>(this);
};

}  // namespace

std::unique_ptr<AliasRunner> make_local_alias(const CheckSpec& spec, Reactor& reactor,
                                              const CheckHooks& hooks, AliasRunner::Report report) {
  return std::make_unique<LocalAlias>(spec, reactor, hooks, std::move(report));
}

std::unique_ptr<AliasRunner> make_remote_alias(const CheckSpec& spec, Reactor& reactor,
                                               const CheckHooks& hooks, AliasRunner::Report report) {
  return std::make_unique<RemoteAlias>(spec, reactor, hooks, std::move(report));
}

}  // namespace praetor::agent
