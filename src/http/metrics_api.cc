// GET /v1/agent/metrics and /v1/agent/host (http-api.md 3, docs/telemetry.md).
#include "agent/host_info.h"
#include "agent/process_stats.h"
#include "agent/runtime_config.h"
#include "agent/telemetry.h"
#include "base/metrics.h"
#include "base/text.h"
#include "http/api.h"
#include "http/prometheus_text.h"

namespace praetor::http {
namespace {

struct GaugeRow {
  std::string name;
  float value = 0;
  codec::Map<std::string> labels;
};

struct SampleRow {
  std::string name;
  int64_t count = 0;
  double rate = 0, sum = 0, min = 0, max = 0, mean = 0, stddev = 0;
  codec::Map<std::string> labels;
};

struct MetricsSummary {
  std::string timestamp;
  codec::List<GaugeRow> gauges;
  codec::List<std::string> points;
  codec::List<SampleRow> counters, samples;
};

PRAETOR_DESCRIBED(GaugeRow)
PRAETOR_DESCRIBED(SampleRow)
PRAETOR_DESCRIBED(MetricsSummary)
PRAETOR_DESCRIBE(GaugeRow, "GaugeValue", field("Name", &GaugeRow::name), field("Value", &GaugeRow::value),
                 field("Labels", &GaugeRow::labels))
PRAETOR_DESCRIBE(SampleRow, "SampledValue", field("Name", &SampleRow::name),
                 field("Count", &SampleRow::count), field("Rate", &SampleRow::rate),
                 field("Sum", &SampleRow::sum), field("Min", &SampleRow::min), field("Max", &SampleRow::max),
                 field("Mean", &SampleRow::mean), field("Stddev", &SampleRow::stddev),
                 field("Labels", &SampleRow::labels))
PRAETOR_DESCRIBE(MetricsSummary, "MetricsSummary", field("Timestamp", &MetricsSummary::timestamp),
                 field("Gauges", &MetricsSummary::gauges), field("Points", &MetricsSummary::points),
                 field("Counters", &MetricsSummary::counters), field("Samples", &MetricsSummary::samples))

codec::Map<std::string> label_map(const std::vector<MetricLabel>& labels) {
  codec::Map<std::string> map;
  map.make_empty();
  for (const MetricLabel& label : labels) map[label.name] = label.value;
  return map;
}

codec::List<SampleRow> sample_rows(const std::vector<MetricAggregate>& aggregates) {
  codec::List<SampleRow> rows;
  rows.make_empty();
  for (const MetricAggregate& one : aggregates) {
    double seconds = static_cast<double>(kMetricInterval / std::chrono::seconds(1));
    rows.push_back({one.name, static_cast<int64_t>(one.count), one.sum / seconds, one.sum, one.min, one.max,
                    one.mean(), one.deviation(), label_map(one.labels)});
  }
  return rows;
}

void last_interval(const ApiContext& api, const ExchangePtr& exchange) {
  MetricIntervalView view = MetricRegistry::process().last_interval(system_clock().wall());
  MetricsSummary summary;
  summary.timestamp = agent::interval_text(view.start);
  summary.gauges.make_empty();
  for (const MetricAggregate& one : view.gauges)
    summary.gauges.push_back({one.name, one.value, label_map(one.labels)});
  summary.points.make_empty();
  summary.counters = sample_rows(view.counters);
  summary.samples = sample_rows(view.samples);
  respond_object(api, exchange, summary);
}

// As Prometheus asks by its Accept header alone.
bool accepts_prometheus(std::string_view accept) {
  for (std::string_view type : split(accept, ',')) {
    auto parts = split(type, ';');
    std::string name = to_lower(trim(parts[0]));
    if (name == "application/openmetrics-text") return true;
    if (name == "text/plain" && parts.size() > 1 && trim(parts[1]) == "version=0.4.0") return true;
  }
  return false;
}

std::vector<PrometheusGauge> process_gauges() {
  agent::ProcessStats stats = agent::read_process_stats();
  agent::ProcessLimits limits = agent::read_process_limits();
  auto number = [](uint64_t value) { return static_cast<double>(value); };
  return {
      {"process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", stats.cpu_seconds,
       true},
      {"process_max_fds", "Maximum number of open file descriptors.", number(limits.max_files)},
      {"process_open_fds", "Number of open file descriptors.", number(limits.open_files)},
      {"process_resident_memory_bytes", "Resident memory size in bytes.", number(stats.resident_bytes)},
      {"process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
       stats.start_time_seconds},
      {"process_virtual_memory_bytes", "Virtual memory size in bytes.", number(stats.virtual_bytes)},
      {"process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.",
       number(limits.max_virtual_bytes)},
  };
}

void prometheus(const ApiContext&, const ExchangePtr& exchange) {
  MetricRegistry& registry = MetricRegistry::process();
  if (!registry.keeps_totals())
    return respond_text(exchange, 415, "Prometheus is not enabled since its retention time is not positive");
  Response response =
      Response::text(200, prometheus_text(registry.totals(system_clock().wall()), process_gauges()));
  response.set("Content-Type", kPrometheusContentType);
  exchange->respond(std::move(response));
}

void metrics(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  if (http.parameter("format") == "prometheus" || accepts_prometheus(http.header("Accept")))
    return prometheus(api, exchange);
  last_interval(api, exchange);
}

void host(const ApiContext& api, const ExchangePtr& exchange) {
  respond_object(api, exchange, agent::collect_host_info());
}

}  // namespace

void add_metrics_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/agent/metrics", {Method::kGet}, [&api](const ExchangePtr& e) { metrics(api, e); }});
  router.add({"/v1/agent/host", {Method::kGet}, [&api](const ExchangePtr& e) { host(api, e); }});
}

}  // namespace praetor::http
