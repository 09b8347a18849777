// Sends every observation to statsd, statsite or DogStatsD (docs/telemetry.md). Observing threads only append
// a line to a bounded buffer; one thread sends what has gathered ten times a second.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"

namespace praetor::agent {

// Limits, listed in docs/limits.md.
inline constexpr size_t kMaxUnsentMetricBytes = 1 << 20;  // of one destination; what comes then is dropped
inline constexpr size_t kMaxMetricPacketBytes = 1400;

enum class MetricProtocol : uint8_t {
  kStatsd,     // lines in UDP packets
  kStatsite,   // the same lines over one TCP connection
  kDogStatsd,  // one UDP packet a line, labels as tags
};

struct MetricDestination {
  MetricProtocol protocol = MetricProtocol::kStatsd;
  std::string address;            // host:port
  std::vector<std::string> tags;  // DogStatsD: on every line
  std::string hostname;           // DogStatsD: taken out of the names of gauges
};

// One line without its newline.
std::string metric_line(const MetricDestination& destination, MetricKind kind, std::string_view name,
                        const std::vector<MetricLabel>& labels, float value);

class MetricSender final : public MetricStream {
 public:
  // DogStatsD's address must be known at once (Consul's texts); the others are looked for again and again.
  static Result<std::unique_ptr<MetricSender>> start(std::vector<MetricDestination> destinations);
  // Sends what is left, as far as that is quick.
  ~MetricSender() override;

  void observed(MetricKind kind, std::string_view name, const std::vector<MetricLabel>& labels,
                float value) override;

 private:
  struct Destination;
  explicit MetricSender(std::vector<std::unique_ptr<Destination>> destinations);
  void run();

  std::vector<std::unique_ptr<Destination>> destinations_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace praetor::agent
