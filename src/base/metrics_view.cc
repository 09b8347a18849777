// Adding up what the threads have seen.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/metrics.h"
#include "base/metrics_cells.h"

namespace praetor {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr int64_t kIntervalSeconds = 10;
constexpr int64_t kQuantileSeconds = 10;
constexpr int64_t kQuantileStep = 2;

std::string series_key(const std::string& name, const std::vector<MetricLabel>& labels) {
  std::string key = name;
  for (const MetricLabel& label : labels) key.append(";").append(label.name).append("=").append(label.value);
  return key;
}

void add_bank(const MetricCell::Bank& bank, uint64_t interval, MetricAggregate& out) {
  if (bank.interval.load(std::memory_order_acquire) != interval) return;
  uint64_t count = bank.count.load(kRelaxed);
  if (count == 0) return;
  double min = bank.min.load(kRelaxed), max = bank.max.load(kRelaxed);
  out.min = out.count == 0 ? min : std::min(out.min, min);
  out.max = out.count == 0 ? max : std::max(out.max, max);
  out.count += count;
  out.sum += bank.sum.load(kRelaxed);
  out.sum_squares += bank.sum_squares.load(kRelaxed);
}

// Calls with each cell, its descriptor and its labels. Locks held: the registry's.
template <typename Visit>
void each_cell(MetricRegistry::Impl& registry, Visit visit) {
  for (auto& shard : registry.shards) {
    for (auto& descriptor : registry.descriptors)
      if (const MetricCell* cell = shard->cells[descriptor->id].load(std::memory_order_acquire))
        visit(*cell, *descriptor, descriptor->shown_labels);
    std::lock_guard lock(shard->mutex);
    for (auto& [key, labelled] : shard->labelled)
      visit(labelled->cell, *labelled->descriptor, labelled->labels);
  }
}

MetricHistory::Bins take_bins(const std::vector<uint32_t>& dense) {
  MetricHistory::Bins bins;
  for (size_t i = 0; i < dense.size(); ++i)
    if (dense[i] != 0) bins.emplace_back(static_cast<uint16_t>(i), dense[i]);
  return bins;
}

// One series over all threads.
struct Merged {
  MetricKind kind = MetricKind::kCounter;
  std::string name;
  std::vector<MetricLabel> labels;
  uint64_t count = 0;
  double value = 0;
  std::vector<uint32_t> bins;
  double min = std::numeric_limits<double>::infinity(), max = -min;  // about those of the quantiles' time

  void add(const MetricCell& cell, uint64_t interval, bool with_bins) {
    count += cell.total_count.load(kRelaxed);
    value += cell.total_sum.load(kRelaxed);
    for (const MetricCell::Bank& bank : cell.banks) {
      if (bank.interval.load(std::memory_order_acquire) + 1 < interval || bank.count.load(kRelaxed) == 0)
        continue;
      min = std::min<double>(min, bank.min.load(kRelaxed));
      max = std::max<double>(max, bank.max.load(kRelaxed));
    }
    const MetricHistogram* histogram = cell.histogram.load(std::memory_order_acquire);
    if (!histogram || !with_bins) return;
    bins.resize(MetricHistogram::kBins);
    for (size_t i = 0; i < bins.size(); ++i) bins[i] += histogram->at(i);
  }

  // What came in since `before`.
  void subtract(const MetricHistory::Bins& before) {
    for (auto [bin, value_before] : before)
      if (bin < bins.size()) bins[bin] -= value_before;
  }

  double quantile(double share) const {
    uint64_t all = 0;
    for (uint32_t n : bins) all += n;
    if (all == 0) return std::numeric_limits<double>::quiet_NaN();
    auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(all)));
    uint64_t below = 0;
    for (size_t i = 0; i < bins.size(); ++i) {
      below += bins[i];
      if (below < std::max<uint64_t>(rank, 1)) continue;
      double value_there = MetricHistogram::middle_of(i);
      return min <= max ? std::clamp(value_there, min, max) : value_there;
    }
    return max;
  }
};

std::map<std::string, Merged> merge(MetricRegistry::Impl& registry, bool with_bins) {
  std::map<std::string, Merged> all;
  auto at = [&](const MetricDescriptor& descriptor, const std::vector<MetricLabel>& labels) -> Merged& {
    Merged& merged = all[series_key(descriptor.full_name, labels)];
    if (merged.name.empty()) {
      merged.kind = descriptor.kind;
      merged.name = descriptor.full_name;
      merged.labels = labels;
    }
    return merged;
  };
  uint64_t interval = registry.interval.load(kRelaxed);
  each_cell(registry, [&](const MetricCell& cell, const MetricDescriptor& descriptor, const auto& labels) {
    at(descriptor, labels).add(cell, interval, with_bins);
  });
  for (auto& descriptor : registry.descriptors) {
    uint64_t sets = descriptor->gauge_sets.load(kRelaxed);
    if (sets == 0) continue;
    Merged& merged = at(*descriptor, descriptor->shown_labels);
    merged.count = sets;
    merged.value = descriptor->gauge_value.load(kRelaxed);
  }
  return all;
}

// Notes whether the series has moved; forgets what it counted before it was silent for `retention`.
void note_change(MetricHistory& history, const Merged& merged, Time now, int64_t retention_ns) {
  if (merged.count < history.base_count)
    history.base_count = 0, history.base_sum = 0;  // labels swept meanwhile
  if (merged.count != history.seen) {
    history.seen = merged.count;
    history.changed = now;
    history.live = true;
  } else if (history.live && now.unix_nanoseconds() - history.changed.unix_nanoseconds() > retention_ns) {
    history.live = false;
    history.base_count = merged.count;
    history.base_sum = merged.value;
  }
}

void note_bins(MetricHistory& history, const Merged& merged, Time now) {
  if (merged.kind != MetricKind::kSample) return;
  if (history.bins.empty()) history.bins.emplace_back(now, MetricHistory::Bins{});
  while (history.bins.size() > 1 && now.seconds - history.bins.front().first.seconds > kQuantileSeconds)
    history.bins.pop_front();
  if (now.seconds - history.bins.back().first.seconds >= kQuantileStep)
    history.bins.emplace_back(now, take_bins(merged.bins));
}

// Brings the histories up to date; what they were compared with.
std::map<std::string, Merged> look(MetricRegistry::Impl& registry, Time now, bool with_bins) {
  int64_t retention = registry.retention_ns.load(kRelaxed);
  if (retention <= 0) return {};
  auto all = merge(registry, with_bins);
  for (auto& [key, merged] : all) {
    MetricHistory& history = registry.histories[key];
    note_change(history, merged, now, retention);
    if (with_bins) note_bins(history, merged, now);
  }
  // What the shards have forgotten.
  std::erase_if(registry.histories, [&](const auto& entry) { return !all.contains(entry.first); });
  return all;
}

}  // namespace

void MetricRegistry::Impl::advance(Time now) {
  auto number = static_cast<uint64_t>(now.seconds / kIntervalSeconds);
  uint64_t current = interval.load(kRelaxed);
  // A late writer may still finish its observation of the last interval: it is added up at the first look
  // after the next tick, or here when that has not come.
  if (current != 0 && number > current) view(current - 1);
  if (number > current) interval.store(number, std::memory_order_release);
}

MetricIntervalView MetricRegistry::Impl::gather(uint64_t number) {
  std::map<std::string, MetricAggregate> gauges, counters, samples;
  auto at = [](auto& map, const MetricDescriptor& descriptor,
               const std::vector<MetricLabel>& labels) -> auto& {
    MetricAggregate& out = map[series_key(descriptor.full_name, labels)];
    out.name = descriptor.full_name;
    out.labels = labels;
    return out;
  };
  each_cell(*this, [&](const MetricCell& cell, const MetricDescriptor& descriptor, const auto& labels) {
    const MetricCell::Bank& bank = cell.banks[number & 1];
    if (bank.interval.load(std::memory_order_acquire) != number) return;
    add_bank(bank, number,
             at(descriptor.kind == MetricKind::kSample ? samples : counters, descriptor, labels));
  });
  for (auto& descriptor : descriptors) {
    const auto& bank = descriptor->gauge[number & 1];
    if (descriptor->kind != MetricKind::kGauge || bank.interval.load(std::memory_order_acquire) != number)
      continue;
    at(gauges, *descriptor, descriptor->shown_labels).value = bank.value.load(kRelaxed);
  }
  MetricIntervalView view;
  view.start = Time::from_unix_nanoseconds(static_cast<int64_t>(number) * kIntervalSeconds * 1'000'000'000);
  auto move_out = [](auto& map, std::vector<MetricAggregate>& list) {
    for (auto& [key, aggregate] : map) list.push_back(std::move(aggregate));
  };
  move_out(gauges, view.gauges);
  move_out(counters, view.counters);
  move_out(samples, view.samples);
  return view;
}

// A complete interval is added up once and kept.
MetricIntervalView MetricRegistry::Impl::view(uint64_t number) {
  for (auto& [kept, view] : complete)
    if (kept == number) return view;
  MetricIntervalView view = gather(number);
  if (number < first_interval || number >= interval.load(kRelaxed)) return view;
  complete.emplace_back(number, view);
  if (complete.size() > kMetricIntervals) complete.pop_front();
  return view;
}

void MetricRegistry::tick(Time now) {
  std::lock_guard lock(impl_->mutex);
  uint64_t before = impl_->interval.load(kRelaxed);
  impl_->advance(now);
  if (impl_->interval.load(kRelaxed) == before && before > impl_->first_interval) impl_->view(before - 1);
  look(*impl_, now, now.seconds % kQuantileStep == 0);
}

MetricIntervalView MetricRegistry::last_interval(Time now) {
  std::lock_guard lock(impl_->mutex);
  impl_->advance(now);
  uint64_t current = impl_->interval.load(kRelaxed);
  // Not kept yet: it has just ended, and tick() will look again.
  if (current > impl_->first_interval && !impl_->complete.empty() &&
      impl_->complete.back().first == current - 1)
    return impl_->complete.back().second;
  return impl_->gather(current > impl_->first_interval ? current - 1 : current);
}

std::vector<MetricIntervalView> MetricRegistry::intervals(Time now) {
  std::lock_guard lock(impl_->mutex);
  impl_->advance(now);
  uint64_t current = impl_->interval.load(kRelaxed);
  std::vector<MetricIntervalView> views;
  for (auto& [number, view] : impl_->complete)
    if (number + kMetricIntervals >= current) views.push_back(view);
  bool missing = impl_->complete.empty() || impl_->complete.back().first != current - 1;
  if (current > impl_->first_interval && missing) views.push_back(impl_->gather(current - 1));
  views.push_back(impl_->gather(current));
  return views;
}

std::vector<MetricTotal> MetricRegistry::totals(Time now) {
  std::lock_guard lock(impl_->mutex);
  impl_->advance(now);
  std::vector<MetricTotal> out;
  for (auto& [key, merged] : look(*impl_, now, true)) {
    const MetricHistory& history = impl_->histories.at(key);
    if (!history.live) continue;
    MetricTotal total{merged.kind, merged.name, merged.labels};
    total.count = merged.count - history.base_count;
    total.value = merged.kind == MetricKind::kGauge ? merged.value : merged.value - history.base_sum;
    if (merged.kind == MetricKind::kSample) {
      merged.subtract(history.bins.front().second);
      total.quantile_50 = merged.quantile(0.5);
      total.quantile_90 = merged.quantile(0.9);
      total.quantile_99 = merged.quantile(0.99);
    }
    out.push_back(std::move(total));
  }
  return out;
}

}  // namespace praetor
