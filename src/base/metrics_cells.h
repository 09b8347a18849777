// Inside the registry of metrics: the cells that threads write. Not for other code than base/metrics*.cc.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"

namespace praetor {

// A histogram of values that grow by a sixteenth of a power of two: quantiles are off by 3 % at most.
class MetricHistogram {
 public:
  static constexpr size_t kBins = 576;  // 2^-14 .. 2^22
  static size_t bin_of(float value);
  static double middle_of(size_t bin);

  void add(float value, uint32_t times) {
    auto& bin = bins_[bin_of(value)];
    bin.store(bin.load(std::memory_order_relaxed) + times, std::memory_order_relaxed);
  }
  uint32_t at(size_t bin) const { return bins_[bin].load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<uint32_t>, kBins> bins_{};
};

// One thread writes, others read. Two banks: while one interval is written, the one before it can be read.
struct alignas(64) MetricCell {
  struct Bank {
    std::atomic<uint64_t> interval{0};  // which one it holds
    std::atomic<uint64_t> count{0};
    std::atomic<double> sum{0}, sum_squares{0};
    std::atomic<float> min{0}, max{0};
  };
  Bank banks[2];
  std::atomic<uint64_t> total_count{0};
  std::atomic<double> total_sum{0};
  std::atomic<MetricHistogram*> histogram{nullptr};  // owned; set once

  ~MetricCell() { delete histogram.load(); }
  void observe(uint64_t interval, float value, uint32_t times);
};

struct MetricDescriptor {
  MetricRegistry::Impl* owner = nullptr;
  uint16_t id = 0;
  MetricKind kind = MetricKind::kCounter;
  std::string name;
  std::vector<MetricLabel> labels;       // as given
  std::vector<std::string> free_labels;  // of a LabelledCounter
  std::atomic<bool> enabled{true};       // the filter lets it pass

  // As shown; guarded by the registry's mutex, and steady once a stream is set.
  std::string full_name;
  std::vector<MetricLabel> shown_labels;

  // Gauges have no cells: the last value set is what counts, whoever set it.
  struct GaugeBank {
    std::atomic<uint64_t> interval{0};
    std::atomic<float> value{0};
  };
  GaugeBank gauge[2];
  std::atomic<float> gauge_value{0};
  std::atomic<uint64_t> gauge_sets{0};
};

// The cell of one set of free labels.
struct LabelledCell {
  MetricDescriptor* descriptor = nullptr;
  std::vector<MetricLabel> labels;
  MetricCell cell;
};

// What one thread writes. Outlives the thread: its counts stay, and the next new thread goes on with it.
struct MetricShard {
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  ~MetricShard();

  std::atomic<bool> in_use{true};
  std::array<std::atomic<MetricCell*>, kMaxInstruments> cells{};  // owned
  // The owning thread reads without the lock and changes with it; others read with it.
  std::mutex mutex;
  std::unordered_map<std::string, std::unique_ptr<LabelledCell>, Hash, std::equal_to<>> labelled;
};

// What totals() remembers of a series.
struct MetricHistory {
  using Bins = std::vector<std::pair<uint16_t, uint32_t>>;  // only those that are not empty
  uint64_t seen = 0;                                        // observations at the last look
  uint64_t base_count = 0;                                  // what lies before it came back
  double base_sum = 0;
  Time changed;
  bool live = false;
  std::deque<std::pair<Time, Bins>> bins;  // looks back ten seconds
};

struct MetricRegistry::Impl {
  uint64_t serial = 0;  // tells registries apart, also when one lies where another did
  std::atomic<uint64_t> interval{0};
  std::atomic<MetricStream*> stream{nullptr};
  std::atomic<uint64_t> dropped{0};
  std::atomic<int64_t> retention_ns{0};  // of totals; 0: they are not kept

  std::mutex mutex;  // guards what follows; taken before a shard's
  MetricNaming naming;
  std::vector<std::unique_ptr<MetricDescriptor>> descriptors;
  std::map<std::string, MetricDescriptor*> by_key;
  std::vector<std::shared_ptr<MetricShard>> shards;
  uint64_t first_interval = 0;
  std::deque<std::pair<uint64_t, MetricIntervalView>> complete;
  std::map<std::string, MetricHistory> histories;

  MetricDescriptor* describe(MetricKind kind, std::string_view name, std::vector<MetricLabel> labels,
                             std::vector<std::string> free_labels);
  void name_descriptor(MetricDescriptor& descriptor) const;
  bool passes_filter(std::string_view full_name) const;

  // The calling thread's; null when the thread is ending.
  MetricShard* shard();
  MetricShard* find_shard();
  MetricCell* make_cell(MetricShard& shard, const MetricDescriptor& descriptor);
  // Null when there is no room for another set of labels.
  LabelledCell* labelled_cell(MetricShard& shard, MetricDescriptor& descriptor,
                              std::initializer_list<std::string_view> values);
  void sweep(MetricShard& shard);

  void advance(Time now);  // lock held, as below
  MetricIntervalView gather(uint64_t number);
  MetricIntervalView view(uint64_t number);
};

}  // namespace praetor
