// What the adapters of the check types have in common: a probe looks once at what it checks and reports a
// result.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/check_resolver.h"
#include "agent/check_spec.h"
#include "agent/check_state.h"
#include "agent/check_tls.h"
#include "base/reactor.h"

namespace praetor::agent {

class ScriptHost;

// Owned by the runner; outlives its probes.
struct ProbeEnv {
  Reactor& reactor;
  CheckResolver& resolver;
  TlsContexts& tls;
  ScriptHost& scripts;
  std::string docker_host;  // as DOCKER_HOST; empty is the default unix socket
};

// Everything on the reactor. Destroying a probe cancels it.
class Probe {
 public:
  using Done = std::function<void(CheckResult)>;
  virtual ~Probe() = default;
  // `done` runs exactly once unless the probe is destroyed first, and may destroy the probe. It may run
  // before run() returns. No second run before it.
  virtual void run(Done done) = 0;
};

std::unique_ptr<Probe> make_http_probe(const CheckSpec& spec, ProbeEnv& env);
std::unique_ptr<Probe> make_tcp_probe(const CheckSpec& spec, ProbeEnv& env);
std::unique_ptr<Probe> make_grpc_probe(const CheckSpec& spec, ProbeEnv& env);
std::unique_ptr<Probe> make_script_probe(const CheckSpec& spec, ProbeEnv& env);
std::unique_ptr<Probe> make_docker_probe(const CheckSpec& spec, ProbeEnv& env);

}  // namespace praetor::agent
