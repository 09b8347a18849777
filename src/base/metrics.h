// Telemetry: counters, gauges and samples, gathered in intervals of ten seconds (docs/telemetry.md).
//
//   static const Counter queries("rpc.query");
//   queries.add();
//
// An instrument is a name (without the configured prefix) and fixed labels; make it once and keep it. Each
// thread writes cells of its own, so that an observation takes no lock and shares no cache line, and
// allocates nothing after the thread's first one. What reads the cells (the telemetry endpoint, the sinks)
// adds them up. Every function may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace praetor {

// Limits, listed in docs/limits.md. What is past them is not measured; dropped_observations() counts it.
inline constexpr size_t kMaxInstruments = 1024;
inline constexpr size_t kMaxLabelSets = 2048;  // of one thread, over all instruments with free labels

inline constexpr Duration kMetricInterval = std::chrono::seconds(10);
inline constexpr size_t kMetricIntervals = 6;  // complete ones that are kept

enum class MetricKind : uint8_t { kCounter, kGauge, kSample };

struct MetricLabel {
  std::string name;
  std::string value;
  bool operator==(const MetricLabel&) const = default;
};
// As a label's value: the node's name, which is known only once the configuration is read.
inline constexpr std::string_view kNodeLabel = "\x01node";

// Where each single observation also goes (statsd and the like). Called on the observing thread: must be
// quick and must not observe.
class MetricStream {
 public:
  virtual ~MetricStream() = default;
  virtual void observed(MetricKind kind, std::string_view name, const std::vector<MetricLabel>& labels,
                        float value) = 0;
};

struct MetricDescriptor;
struct MetricCell;
class MetricRegistry;

class Counter {
 public:
  explicit Counter(std::string_view name, std::vector<MetricLabel> labels = {});
  Counter(MetricRegistry& registry, std::string_view name, std::vector<MetricLabel> labels = {});
  void add(float value = 1) const;

 private:
  MetricDescriptor* descriptor_;
};

// Times in milliseconds, sizes, or other values whose spread matters.
class Sample {
 public:
  explicit Sample(std::string_view name, std::vector<MetricLabel> labels = {});
  Sample(MetricRegistry& registry, std::string_view name, std::vector<MetricLabel> labels = {});
  // `times` equal observations at once.
  void observe(float value, uint32_t times = 1) const;
  // The milliseconds from `start` to now.
  void since(Instant start) const;

 private:
  MetricDescriptor* descriptor_;
};

class Gauge {
 public:
  explicit Gauge(std::string_view name, std::vector<MetricLabel> labels = {});
  Gauge(MetricRegistry& registry, std::string_view name, std::vector<MetricLabel> labels = {});
  void set(float value) const;

 private:
  MetricDescriptor* descriptor_;
};

// A counter whose labels' values come with each observation (a service's name).
class LabelledCounter {
 public:
  LabelledCounter(std::string_view name, std::vector<std::string> labels);
  LabelledCounter(MetricRegistry& registry, std::string_view name, std::vector<std::string> labels);
  // As many values as there are labels.
  void add(std::initializer_list<std::string_view> values) const;

 private:
  MetricDescriptor* descriptor_;
};

// Measures from its making to its end.
class ScopedTimer {
 public:
  explicit ScopedTimer(const Sample& sample) : sample_(sample), start_(system_clock().now()) {}
  ~ScopedTimer() { sample_.since(start_); }
  ScopedTimer(const ScopedTimer&) = delete;
  ScopedTimer& operator=(const ScopedTimer&) = delete;

 private:
  const Sample& sample_;
  Instant start_;
};

// How metrics are named and which of them are taken.
struct MetricNaming {
  std::string prefix = "consul";
  std::string hostname;  // put before the names of gauges; empty: not
  std::string node_name;
  bool filter_default = true;  // of names that no prefix matches
  // Prefixes of whole names ("consul.http"); the longest that matches decides, and blocking wins a tie.
  std::vector<std::string> allowed;
  std::vector<std::string> blocked;
};

// What was seen of one instrument (with one set of labels) in one interval.
struct MetricAggregate {
  std::string name;
  std::vector<MetricLabel> labels;
  uint64_t count = 0;
  double sum = 0, sum_squares = 0, min = 0, max = 0;
  float value = 0;  // of a gauge

  double mean() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
  double deviation() const;  // of a sample: divided by count - 1
};

// One interval; each list in the order of names and labels.
struct MetricIntervalView {
  Time start;
  std::vector<MetricAggregate> gauges, counters, samples;
};

// What has been seen since the start, or since an instrument came back after it had been silent for long.
struct MetricTotal {
  MetricKind kind = MetricKind::kCounter;
  std::string name;
  std::vector<MetricLabel> labels;
  double value = 0;  // of a gauge or counter; a sample's sum
  uint64_t count = 0;
  // Of a sample's last ten seconds; NaN when there was nothing.
  double quantile_50 = 0, quantile_90 = 0, quantile_99 = 0;
};

class MetricRegistry {
 public:
  MetricRegistry();
  ~MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;
  // The process's own; never destroyed.
  static MetricRegistry& process();

  void set_naming(MetricNaming naming);
  // Only the filter of a reloaded configuration.
  void set_filter(bool filter_default, std::vector<std::string> allowed, std::vector<std::string> blocked);
  // Not owned; must outlive every observation once set. Null: none.
  void set_stream(MetricStream* stream);
  // Keeps what totals() needs from now on; an instrument that is silent for `retention` leaves it.
  void keep_totals(Duration retention);
  bool keeps_totals() const;

  // Moves on to the interval of `now`; about once a second, so that intervals begin on time.
  void tick(Time now);
  // The last complete interval; the current one while it is the first.
  MetricIntervalView last_interval(Time now);
  // The complete intervals that are kept, oldest first, and then the current one.
  std::vector<MetricIntervalView> intervals(Time now);
  // In the order of names and labels. Empty unless keep_totals() was called.
  std::vector<MetricTotal> totals(Time now);
  uint64_t dropped_observations() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor
