// Alias checks: the status of another service or node. A local one looks when the agent's checks change and
// each minute; a remote one follows a blocking query. On the reactor.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "agent/check_runner.h"

namespace praetor::agent {

class AliasRunner {
 public:
  using Report = std::function<void(CheckResult)>;
  virtual ~AliasRunner() = default;  // stops it: no report after that
  virtual void start() = 0;
  // The agent's own checks changed; only for local ones.
  virtual void look(std::span<const AliasedCheck> checks) = 0;
};

// `hooks` outlive the runner.
std::unique_ptr<AliasRunner> make_local_alias(const CheckSpec& spec, Reactor& reactor,
                                              const CheckHooks& hooks, AliasRunner::Report report);
std::unique_ptr<AliasRunner> make_remote_alias(const CheckSpec& spec, Reactor& reactor,
                                               const CheckHooks& hooks, AliasRunner::Report report);

}  // namespace praetor::agent
