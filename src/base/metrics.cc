#include "base/metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "base/metrics_cells.h"

namespace praetor {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr int kLowestExponent = -14;

std::atomic<uint64_t> g_serial{0};

// The shard that this thread used last. Trivial, so that the hot path needs no guard.
struct Current {
  uint64_t serial = 0;
  MetricShard* shard = nullptr;
};
constinit thread_local Current t_current;
constinit thread_local bool t_ending = false;

// Gives the thread's shards back when it ends.
struct Held {
  std::vector<std::pair<uint64_t, std::shared_ptr<MetricShard>>> shards;
  ~Held() {
    t_ending = true;
    t_current = {};
    for (auto& [serial, shard] : shards) shard->in_use.store(false, std::memory_order_release);
  }
};
thread_local Held t_held;

void append_key(std::string& out, std::string_view name, const std::vector<MetricLabel>& labels) {
  out += name;
  for (const MetricLabel& label : labels) out.append(";").append(label.name).append("=").append(label.value);
}

template <typename Number>
void add_to(std::atomic<Number>& target, Number value) {
  target.store(target.load(kRelaxed) + value, kRelaxed);
}

}  // namespace

double MetricAggregate::deviation() const {
  if (count < 2) return 0;
  auto n = static_cast<double>(count);
  return std::sqrt(std::max(0.0, n * sum_squares - sum * sum) / (n * (n - 1)));
}

size_t MetricHistogram::bin_of(float value) {
  constexpr float kSmallest = 1.0f / (1 << -kLowestExponent);
  if (!(value > kSmallest)) return 0;
  // Exponent and the four highest bits of the fraction.
  size_t bin = (std::bit_cast<uint32_t>(value) >> 19) - (static_cast<size_t>(127 + kLowestExponent) << 4);
  return std::min(bin, kBins - 1);
}

double MetricHistogram::middle_of(size_t bin) {
  return std::ldexp(1.0 + (static_cast<double>(bin % 16) + 0.5) / 16,
                    static_cast<int>(bin / 16) + kLowestExponent);
}

void MetricCell::observe(uint64_t interval, float value, uint32_t times) {
  Bank& bank = banks[interval & 1];
  double wide = value, all = wide * times;
  if (bank.interval.load(kRelaxed) < interval) [[unlikely]] {
    bank.count.store(0, kRelaxed);
    bank.sum.store(0, kRelaxed);
    bank.sum_squares.store(0, kRelaxed);
    bank.min.store(value, kRelaxed);
    bank.max.store(value, kRelaxed);
    bank.interval.store(interval, std::memory_order_release);
  }
  add_to<uint64_t>(bank.count, times);
  add_to(bank.sum, all);
  add_to(bank.sum_squares, all * wide);
  if (value < bank.min.load(kRelaxed)) bank.min.store(value, kRelaxed);
  if (value > bank.max.load(kRelaxed)) bank.max.store(value, kRelaxed);
  add_to<uint64_t>(total_count, times);
  add_to(total_sum, all);
  if (MetricHistogram* bins = histogram.load(std::memory_order_acquire)) bins->add(value, times);
}

MetricShard::~MetricShard() {
  for (auto& cell : cells) delete cell.load();
}

// --- Finding the cell ---

MetricDescriptor* MetricRegistry::Impl::describe(MetricKind kind, std::string_view name,
                                                 std::vector<MetricLabel> labels,
                                                 std::vector<std::string> free_labels) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(kind)));
  append_key(key, name, labels);
  for (const std::string& label : free_labels) key.append(";").append(label);
  std::lock_guard lock(mutex);
  auto [at, fresh] = by_key.try_emplace(key, nullptr);
  if (!fresh) return at->second;
  CHECK(descriptors.size() < kMaxInstruments);
  auto made = std::make_unique<MetricDescriptor>();
  made->owner = this;
  made->id = static_cast<uint16_t>(descriptors.size());
  made->kind = kind;
  made->name = name;
  made->labels = std::move(labels);
  made->free_labels = std::move(free_labels);
  name_descriptor(*made);
  at->second = made.get();
  descriptors.push_back(std::move(made));
  return at->second;
}

void MetricRegistry::Impl::name_descriptor(MetricDescriptor& descriptor) const {
  std::string& name = descriptor.full_name;
  name = naming.prefix;
  auto append = [&](const std::string& part) {
    if (!name.empty() && !part.empty()) name += '.';
    name += part;
  };
  if (descriptor.kind == MetricKind::kGauge) append(naming.hostname);
  append(descriptor.name);
  std::replace(name.begin(), name.end(), ' ', '_');
  descriptor.shown_labels = descriptor.labels;
  for (MetricLabel& label : descriptor.shown_labels)
    if (label.value == kNodeLabel) label.value = naming.node_name;
  descriptor.enabled.store(passes_filter(name), kRelaxed);
}

bool MetricRegistry::Impl::passes_filter(std::string_view full_name) const {
  bool passes = naming.filter_default;
  size_t longest = 0;
  auto consider = [&](const std::vector<std::string>& prefixes, bool verdict) {
    for (const std::string& prefix : prefixes) {
      if (!full_name.starts_with(prefix) || prefix.size() < longest) continue;
      longest = prefix.size();
      passes = verdict;
    }
  };
  consider(naming.allowed, true);
  consider(naming.blocked, false);
  return passes;
}

MetricShard* MetricRegistry::Impl::shard() {
  if (t_current.serial == serial) [[likely]]
    return t_current.shard;
  return find_shard();
}

MetricShard* MetricRegistry::Impl::find_shard() {
  if (t_ending) return nullptr;
  for (auto& [owner, held] : t_held.shards) {
    if (owner != serial) continue;
    t_current = {serial, held.get()};
    return held.get();
  }
  std::shared_ptr<MetricShard> found;
  {
    std::lock_guard lock(mutex);
    for (auto& candidate : shards) {
      bool expected = false;
      if (!candidate->in_use.compare_exchange_strong(expected, true, std::memory_order_acquire)) continue;
      found = candidate;
      break;
    }
    if (!found) {
      found = std::make_shared<MetricShard>();
      shards.push_back(found);
    }
  }
  t_current = {serial, found.get()};
  t_held.shards.emplace_back(serial, std::move(found));
  return t_current.shard;
}

MetricCell* MetricRegistry::Impl::make_cell(MetricShard& shard, const MetricDescriptor& descriptor) {
  // Under the lock: keep_totals() must not miss the cell.
  std::lock_guard lock(mutex);
  auto cell = std::make_unique<MetricCell>();
  if (descriptor.kind == MetricKind::kSample && retention_ns.load(kRelaxed) > 0)
    cell->histogram.store(new MetricHistogram, kRelaxed);
  shard.cells[descriptor.id].store(cell.get(), std::memory_order_release);
  return cell.release();
}

LabelledCell* MetricRegistry::Impl::labelled_cell(MetricShard& shard, MetricDescriptor& descriptor,
                                                  std::initializer_list<std::string_view> values) {
  thread_local std::string key;
  key.assign(reinterpret_cast<const char*>(&descriptor.id), sizeof descriptor.id);
  for (std::string_view value : values) key.append(value).push_back('\x1f');
  if (auto at = shard.labelled.find(std::string_view(key)); at != shard.labelled.end())
    return at->second.get();
  if (shard.labelled.size() >= kMaxLabelSets) sweep(shard);
  if (shard.labelled.size() >= kMaxLabelSets) return nullptr;
  auto made = std::make_unique<LabelledCell>();
  made->descriptor = &descriptor;
  made->labels = descriptor.labels;
  auto value = values.begin();
  for (const std::string& name : descriptor.free_labels)
    made->labels.push_back({name, std::string(*value++)});
  std::lock_guard lock(shard.mutex);
  return shard.labelled.emplace(key, std::move(made)).first->second.get();
}

// Forgets the sets of labels that nobody can see any more.
void MetricRegistry::Impl::sweep(MetricShard& shard) {
  auto seconds = static_cast<uint64_t>(retention_ns.load(kRelaxed) / 1'000'000'000);
  uint64_t kept = std::max<uint64_t>(kMetricIntervals, seconds / 10 + 1) + 1;
  uint64_t now = interval.load(kRelaxed);
  std::lock_guard lock(shard.mutex);
  std::erase_if(shard.labelled, [&](const auto& entry) {
    const MetricCell& cell = entry.second->cell;
    uint64_t last = std::max(cell.banks[0].interval.load(kRelaxed), cell.banks[1].interval.load(kRelaxed));
    return last + kept < now;
  });
}

// --- Instruments ---

namespace {

inline void observe(MetricRegistry::Impl& registry, MetricDescriptor& descriptor, float value,
                    uint32_t times = 1) {
  MetricShard* shard = registry.shard();
  if (!shard) return;
  MetricCell* cell = shard->cells[descriptor.id].load(kRelaxed);
  if (!cell) [[unlikely]]
    cell = registry.make_cell(*shard, descriptor);
  cell->observe(registry.interval.load(kRelaxed), value, times);
  if (MetricStream* stream = registry.stream.load(std::memory_order_acquire)) [[unlikely]]
    for (; times > 0; --times)
      stream->observed(descriptor.kind, descriptor.full_name, descriptor.shown_labels, value);
}

}  // namespace

Counter::Counter(std::string_view name, std::vector<MetricLabel> labels)
    : Counter(MetricRegistry::process(), name, std::move(labels)) {}
Counter::Counter(MetricRegistry& registry, std::string_view name, std::vector<MetricLabel> labels)
    : descriptor_(registry.impl().describe(MetricKind::kCounter, name, std::move(labels), {})) {}
void Counter::add(float value) const {
  if (descriptor_->enabled.load(kRelaxed)) observe(*descriptor_->owner, *descriptor_, value);
}

Sample::Sample(std::string_view name, std::vector<MetricLabel> labels)
    : Sample(MetricRegistry::process(), name, std::move(labels)) {}
Sample::Sample(MetricRegistry& registry, std::string_view name, std::vector<MetricLabel> labels)
    : descriptor_(registry.impl().describe(MetricKind::kSample, name, std::move(labels), {})) {}
void Sample::observe(float value, uint32_t times) const {
  if (descriptor_->enabled.load(kRelaxed)) praetor::observe(*descriptor_->owner, *descriptor_, value, times);
}
void Sample::since(Instant start) const {
  if (!descriptor_->enabled.load(kRelaxed)) return;
  Duration spent = system_clock().now() - start;
  praetor::observe(*descriptor_->owner, *descriptor_, static_cast<float>(spent.count()) / 1e6f);
}

Gauge::Gauge(std::string_view name, std::vector<MetricLabel> labels)
    : Gauge(MetricRegistry::process(), name, std::move(labels)) {}
Gauge::Gauge(MetricRegistry& registry, std::string_view name, std::vector<MetricLabel> labels)
    : descriptor_(registry.impl().describe(MetricKind::kGauge, name, std::move(labels), {})) {}
void Gauge::set(float value) const {
  MetricDescriptor& d = *descriptor_;
  if (!d.enabled.load(kRelaxed)) return;
  uint64_t interval = d.owner->interval.load(kRelaxed);
  d.gauge[interval & 1].value.store(value, kRelaxed);
  d.gauge[interval & 1].interval.store(interval, std::memory_order_release);
  d.gauge_value.store(value, kRelaxed);
  d.gauge_sets.fetch_add(1, kRelaxed);
  if (MetricStream* stream = d.owner->stream.load(std::memory_order_acquire))
    stream->observed(d.kind, d.full_name, d.shown_labels, value);
}

LabelledCounter::LabelledCounter(std::string_view name, std::vector<std::string> labels)
    : LabelledCounter(MetricRegistry::process(), name, std::move(labels)) {}
LabelledCounter::LabelledCounter(MetricRegistry& registry, std::string_view name,
                                 std::vector<std::string> labels)
    : descriptor_(registry.impl().describe(MetricKind::kCounter, name, {}, std::move(labels))) {}
void LabelledCounter::add(std::initializer_list<std::string_view> values) const {
  MetricDescriptor& d = *descriptor_;
  if (!d.enabled.load(kRelaxed)) return;
  CHECK(values.size() == d.free_labels.size());
  MetricShard* shard = d.owner->shard();
  if (!shard) return;
  LabelledCell* cell = d.owner->labelled_cell(*shard, d, values);
  if (!cell) {
    d.owner->dropped.fetch_add(1, kRelaxed);
    return;
  }
  cell->cell.observe(d.owner->interval.load(kRelaxed), 1, 1);
  if (MetricStream* stream = d.owner->stream.load(std::memory_order_acquire))
    stream->observed(d.kind, d.full_name, cell->labels, 1);
}

// --- The registry ---

MetricRegistry::MetricRegistry() : impl_(std::make_unique<Impl>()) {
  impl_->serial = g_serial.fetch_add(1) + 1;
  impl_->advance(system_clock().wall());
  impl_->first_interval = impl_->interval.load();
}

MetricRegistry::~MetricRegistry() = default;

MetricRegistry& MetricRegistry::process() {
  static auto* registry = new MetricRegistry;
  return *registry;
}

void MetricRegistry::set_naming(MetricNaming naming) {
  std::lock_guard lock(impl_->mutex);
  impl_->naming = std::move(naming);
  for (auto& descriptor : impl_->descriptors) impl_->name_descriptor(*descriptor);
}

void MetricRegistry::set_filter(bool filter_default, std::vector<std::string> allowed,
                                std::vector<std::string> blocked) {
  std::lock_guard lock(impl_->mutex);
  impl_->naming.filter_default = filter_default;
  impl_->naming.allowed = std::move(allowed);
  impl_->naming.blocked = std::move(blocked);
  for (auto& descriptor : impl_->descriptors)
    descriptor->enabled.store(impl_->passes_filter(descriptor->full_name), kRelaxed);
}

void MetricRegistry::set_stream(MetricStream* stream) {
  // A descriptor's names are steady from here on; whoever sees the stream sees them.
  std::lock_guard lock(impl_->mutex);
  impl_->stream.store(stream, std::memory_order_release);
}

bool MetricRegistry::keeps_totals() const { return impl_->retention_ns.load(kRelaxed) > 0; }

uint64_t MetricRegistry::dropped_observations() const { return impl_->dropped.load(kRelaxed); }

void MetricRegistry::keep_totals(Duration retention) {
  std::lock_guard lock(impl_->mutex);
  impl_->retention_ns.store(retention.count(), kRelaxed);
  if (retention.count() <= 0) return;
  for (auto& shard : impl_->shards) {
    for (auto& descriptor : impl_->descriptors) {
      MetricCell* cell = shard->cells[descriptor->id].load(std::memory_order_acquire);
      if (cell && descriptor->kind == MetricKind::kSample && !cell->histogram.load(kRelaxed))
        cell->histogram.store(new MetricHistogram, std::memory_order_release);
    }
  }
}

}  // namespace praetor
