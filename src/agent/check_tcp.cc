// TCP checks: a connection that opens is a pass.
#include <unistd.h>

#include "agent/check_dial.h"
#include "agent/check_probe.h"

namespace praetor::agent {

namespace {

class TcpProbe final : public Probe {
 public:
  TcpProbe(const CheckSpec& spec, ProbeEnv& env)
      : env_(env),
        target_(spec.tcp),
        timeout_(spec.timeout > Duration::zero() ? spec.timeout : kDefaultCheckTimeout) {}

  void run(Done done) override {
    done_ = std::move(done);
    dial_ = dial_tcp(env_.reactor, env_.resolver, target_, timeout_, [this](const DialResult& result) {
      if (result.fd >= 0) ::close(result.fd);
      CheckResult outcome{CheckStatus::kCritical, result.error};
      if (result.fd >= 0) outcome = {CheckStatus::kPassing, "TCP connect " + target_ + ": Success"};
      dial_.reset();
      Done finished = std::move(done_);
      finished(std::move(outcome));
    });
  }

 private:
  ProbeEnv& env_;
  std::string target_;
  Duration timeout_;
  std::unique_ptr<Dial> dial_;
  Done done_;
};

}  // namespace

std::unique_ptr<Probe> make_tcp_probe(const CheckSpec& spec, ProbeEnv& env) {
  return std::make_unique<TcpProbe>(spec, env);
}

}  // namespace praetor::agent
