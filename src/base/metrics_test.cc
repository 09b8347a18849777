#include "base/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

namespace praetor {
namespace {

// The registry's own start lies in the present: tests count from there.
struct MetricsTest : testing::Test {
  MetricRegistry registry;
  Time start = system_clock().wall();
  Time at(int64_t seconds) const {
    Time time = start;
    time.seconds = (start.seconds / 10) * 10 + seconds;
    return time;
  }
  const MetricAggregate* find(const std::vector<MetricAggregate>& list, std::string_view name) const {
    for (const MetricAggregate& one : list)
      if (one.name == name) return &one;
    return nullptr;
  }
  const MetricTotal* find(const std::vector<MetricTotal>& list, std::string_view name) const {
    for (const MetricTotal& one : list)
      if (one.name == name) return &one;
    return nullptr;
  }
};

TEST_F(MetricsTest, FirstIntervalIsShownWhileItRuns) {
  Counter counter(registry, "rpc.query");
  Sample sample(registry, "kvs.apply");
  Gauge gauge(registry, "raft.last_index");
  counter.add();
  counter.add(2);
  for (float value : {1.0f, 2.0f, 6.0f}) sample.observe(value);
  gauge.set(4);
  gauge.set(5);
  MetricIntervalView view = registry.last_interval(at(1));
  EXPECT_EQ(view.start.seconds % 10, 0);
  const MetricAggregate* counted = find(view.counters, "consul.rpc.query");
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->count, 2u);
  EXPECT_EQ(counted->sum, 3);
  const MetricAggregate* sampled = find(view.samples, "consul.kvs.apply");
  ASSERT_TRUE(sampled);
  EXPECT_EQ(sampled->count, 3u);
  EXPECT_EQ(sampled->min, 1);
  EXPECT_EQ(sampled->max, 6);
  EXPECT_EQ(sampled->mean(), 3);
  EXPECT_NEAR(sampled->deviation(), std::sqrt(7.0), 1e-9);
  ASSERT_TRUE(find(view.gauges, "consul.raft.last_index"));
  EXPECT_EQ(find(view.gauges, "consul.raft.last_index")->value, 5);
}

TEST_F(MetricsTest, LaterTheLastCompleteIntervalIsShown) {
  Counter counter(registry, "a");
  registry.tick(at(10));
  counter.add();
  registry.tick(at(19));
  EXPECT_TRUE(registry.last_interval(at(19)).counters.empty());
  registry.tick(at(20));
  counter.add(7);
  EXPECT_EQ(find(registry.last_interval(at(20)).counters, "consul.a")->sum, 1);
  registry.tick(at(21));
  EXPECT_EQ(find(registry.last_interval(at(29)).counters, "consul.a")->sum, 1);
  EXPECT_EQ(find(registry.last_interval(at(30)).counters, "consul.a")->sum, 7);
  EXPECT_TRUE(registry.last_interval(at(40)).counters.empty());
}

TEST_F(MetricsTest, AMinuteIsKept) {
  Counter counter(registry, "a");
  for (int i = 1; i <= 9; ++i) {
    registry.tick(at(i * 10));
    counter.add(static_cast<float>(i));
    registry.tick(at(i * 10 + 1));
  }
  auto views = registry.intervals(at(91));
  ASSERT_EQ(views.size(), kMetricIntervals + 1);
  for (size_t i = 0; i < views.size(); ++i)
    EXPECT_EQ(find(views[i].counters, "consul.a")->sum, 3.0 + static_cast<double>(i));
}

TEST_F(MetricsTest, EqualInstrumentsAreOne) {
  Counter(registry, "a", {{"op", "set"}}).add();
  Counter(registry, "a", {{"op", "set"}}).add();
  Counter(registry, "a", {{"op", "get"}}).add();
  MetricIntervalView view = registry.last_interval(at(1));
  ASSERT_EQ(view.counters.size(), 2u);
  EXPECT_EQ(view.counters[0].labels, (std::vector<MetricLabel>{{"op", "get"}}));
  EXPECT_EQ(view.counters[1].sum, 2);
}

TEST_F(MetricsTest, LabelsComeWithTheObservation) {
  LabelledCounter queries(registry, "catalog.service.query", {"service"});
  queries.add({"web"});
  queries.add({"db"});
  queries.add({"web"});
  MetricIntervalView view = registry.last_interval(at(1));
  ASSERT_EQ(view.counters.size(), 2u);
  EXPECT_EQ(view.counters[0].labels, (std::vector<MetricLabel>{{"service", "db"}}));
  EXPECT_EQ(view.counters[1].labels, (std::vector<MetricLabel>{{"service", "web"}}));
  EXPECT_EQ(view.counters[1].count, 2u);
}

TEST_F(MetricsTest, LabelsHaveALimitAndOldOnesMakeRoom) {
  LabelledCounter queries(registry, "q", {"service"});
  for (size_t i = 0; i < kMaxLabelSets; ++i) queries.add({std::to_string(i)});
  EXPECT_EQ(registry.dropped_observations(), 0u);
  queries.add({"one too many"});
  EXPECT_EQ(registry.dropped_observations(), 1u);
  queries.add({"7"});  // known: still counted
  EXPECT_EQ(registry.dropped_observations(), 1u);
  registry.tick(at(200));
  queries.add({"one too many"});
  EXPECT_EQ(registry.dropped_observations(), 1u);
}

TEST_F(MetricsTest, ThreadsAreAddedUpAndEndedOnesStay) {
  Counter counter(registry, "a");
  Sample sample(registry, "s");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        counter.add();
        sample.observe(static_cast<float>(i));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::thread([&] { counter.add(); }).join();
  MetricIntervalView view = registry.last_interval(at(1));
  EXPECT_EQ(find(view.counters, "consul.a")->count, 4001u);
  EXPECT_EQ(find(view.samples, "consul.s")->max, 999);
}

TEST_F(MetricsTest, NamesCarryPrefixHostAndNode) {
  Counter counter(registry, "client.api.catalog_nodes", {{"node", std::string(kNodeLabel)}});
  Gauge gauge(registry, "a b");
  registry.set_naming({.prefix = "site", .hostname = "vm", .node_name = "n1"});
  counter.add();
  gauge.set(1);
  MetricIntervalView view = registry.last_interval(at(1));
  EXPECT_EQ(view.counters[0].name, "site.client.api.catalog_nodes");
  EXPECT_EQ(view.counters[0].labels, (std::vector<MetricLabel>{{"node", "n1"}}));
  EXPECT_EQ(view.gauges[0].name, "site.vm.a_b");
}

TEST_F(MetricsTest, TheLongestPrefixDecidesAndBlockingWins) {
  registry.set_naming({.filter_default = true,
                       .allowed = {"consul.http.GET", "consul.both"},
                       .blocked = {"consul.http", "consul.both"}});
  Counter get(registry, "http.GET.x"), put(registry, "http.PUT.x"), other(registry, "rpc"),
      both(registry, "both");
  for (const Counter* one : {&get, &put, &other, &both}) one->add();
  auto counters = registry.last_interval(at(1)).counters;
  EXPECT_TRUE(find(counters, "consul.http.GET.x"));
  EXPECT_FALSE(find(counters, "consul.http.PUT.x"));
  EXPECT_TRUE(find(counters, "consul.rpc"));
  EXPECT_FALSE(find(counters, "consul.both"));

  registry.set_filter(false, {"consul.rpc"}, {});
  registry.tick(at(10));
  for (const Counter* one : {&get, &put, &other, &both}) one->add();
  counters = registry.last_interval(at(20)).counters;
  ASSERT_EQ(counters.size(), 1u);
  EXPECT_EQ(counters[0].name, "consul.rpc");
}

TEST_F(MetricsTest, TotalsGoOnUntilAnInstrumentIsSilent) {
  Counter counter(registry, "a"), other(registry, "b");
  counter.add();
  EXPECT_TRUE(registry.totals(at(1)).empty());  // nobody wants them
  registry.keep_totals(std::chrono::seconds(60));
  for (int second = 1; second < 50; ++second) registry.tick(at(second));
  counter.add(2);
  other.add();
  EXPECT_EQ(find(registry.totals(at(50)), "consul.a")->value, 3);
  registry.tick(at(100));
  other.add();
  registry.tick(at(111));
  EXPECT_FALSE(find(registry.totals(at(111)), "consul.a"));
  EXPECT_TRUE(find(registry.totals(at(111)), "consul.b"));
  counter.add(5);
  EXPECT_EQ(find(registry.totals(at(112)), "consul.a")->value, 5);
}

TEST_F(MetricsTest, QuantilesAreThoseOfTheLastTenSeconds) {
  registry.keep_totals(std::chrono::seconds(600));
  Sample sample(registry, "s");
  for (int i = 1; i <= 1000; ++i) sample.observe(static_cast<float>(i));
  auto totals = registry.totals(at(1));
  const MetricTotal* total = find(totals, "consul.s");
  ASSERT_TRUE(total);
  EXPECT_EQ(total->count, 1000u);
  EXPECT_NEAR(total->quantile_50, 500, 20);
  EXPECT_NEAR(total->quantile_90, 900, 30);
  EXPECT_NEAR(total->quantile_99, 990, 32);
  for (int second = 2; second <= 14; ++second) registry.tick(at(second));
  totals = registry.totals(at(15));
  total = find(totals, "consul.s");
  EXPECT_EQ(total->count, 1000u);
  EXPECT_TRUE(std::isnan(total->quantile_50));
  for (int second = 15; second <= 30; ++second) registry.tick(at(second));
  sample.observe(0.25f);
  totals = registry.totals(at(31));
  EXPECT_EQ(find(totals, "consul.s")->quantile_50, 0.25);
}

TEST_F(MetricsTest, AStreamSeesEachObservation) {
  struct Seen : MetricStream {
    void observed(MetricKind, std::string_view name, const std::vector<MetricLabel>& labels,
                  float value) override {
      text.append(name).append(" ");
      for (const auto& label : labels) text.append(label.value).append(" ");
      text += std::to_string(static_cast<int>(value)) + "\n";
    }
    std::string text;
  } seen;
  registry.set_naming({.node_name = "n1"});
  registry.set_stream(&seen);
  Counter(registry, "c", {{"node", std::string(kNodeLabel)}}).add(2);
  Gauge(registry, "g").set(3);
  Sample(registry, "s").observe(4);
  LabelledCounter(registry, "l", {"service", "tag"}).add({"web", "a"});
  registry.set_stream(nullptr);
  Counter(registry, "c").add();
  EXPECT_EQ(seen.text, "consul.c n1 2\nconsul.g 3\nconsul.s 4\nconsul.l web a 1\n");
}

}  // namespace
}  // namespace praetor
