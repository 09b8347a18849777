// The agent's telemetry as configured: names, filters and sinks of the process's metrics, and what is
// measured at intervals (docs/telemetry.md).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/metric_sender.h"
#include "agent/runtime_config.h"
#include "base/reactor.h"
#include "base/result.h"

namespace praetor::agent {

class Telemetry {
 public:
  // Before anything that counts is started: names, filters and sinks.
  static Result<std::unique_ptr<Telemetry>> start(const RuntimeConfig& config);
  // Once no thread observes any more.
  ~Telemetry();

  // Measures the process about once a second on the reactor; `observe` sets further gauges that must be asked
  // for. Once.
  void run(Reactor& reactor, std::function<void()> observe);
  // Ends that. Any thread but the reactor's, which must still run. Idempotent.
  void stop();
  // Any thread. Of a reloaded configuration only the filter takes effect, as in Consul.
  void reload(const TelemetryRuntime& config);

 private:
  struct Ticker;
  Telemetry() = default;

  std::shared_ptr<Ticker> ticker_;
  std::unique_ptr<MetricSender> sender_;
};

// An interval's beginning as Consul shows it: "2006-01-02 15:04:05 +0000 UTC".
std::string interval_text(Time start);
// What SIGUSR1 writes: the complete intervals that are kept, one line a metric.
std::string dump_metrics();

}  // namespace praetor::agent
