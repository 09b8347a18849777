#include "agent/telemetry.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <future>

#include "agent/process_stats.h"
#include "base/metrics.h"

namespace praetor::agent {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

void measure_process() {
  static const Gauge threads("runtime.num_goroutines"), alloc("runtime.alloc_bytes"),
      sys("runtime.sys_bytes"), pauses("runtime.total_gc_pause_ns"), runs("runtime.total_gc_runs");
  ProcessStats stats = read_process_stats();
  threads.set(static_cast<float>(stats.threads));
  alloc.set(static_cast<float>(stats.anonymous_bytes));
  sys.set(static_cast<float>(stats.resident_bytes));
  // Nothing is ever collected here; alarms on these stay quiet.
  pauses.set(0);
  runs.set(0);
}

}  // namespace

struct Telemetry::Ticker : std::enable_shared_from_this<Ticker> {
  Ticker(Reactor& r, std::function<void()> o) : reactor(r), observe(std::move(o)) {}

  Reactor& reactor;
  std::function<void()> observe;  // empty once stopped
  Reactor::TimerId timer = 0;

  void tick() {
    if (!observe) return;
    Time now = system_clock().wall();
    MetricRegistry::process().tick(now);
    measure_process();
    observe();
    schedule(now, Duration(0));
  }

  // At the next full second: intervals begin there.
  void schedule(Time now, Duration more) {
    if (!observe) return;
    auto rest = std::chrono::nanoseconds(1'000'000'000 - now.nanoseconds);
    timer = reactor.after(rest + more, [self = shared_from_this()] { self->tick(); });
  }
};

Result<std::unique_ptr<Telemetry>> Telemetry::start(const RuntimeConfig& config) {
  const TelemetryRuntime& settings = config.telemetry;
  std::unique_ptr<Telemetry> telemetry(new Telemetry);
  std::string host = host_name();
  std::vector<MetricDestination> destinations;
  if (!settings.statsite_addr.empty())
    destinations.push_back({MetricProtocol::kStatsite, settings.statsite_addr, {}, {}});
  if (!settings.statsd_addr.empty())
    destinations.push_back({MetricProtocol::kStatsd, settings.statsd_addr, {}, {}});
  if (!settings.dogstatsd_addr.empty())
    destinations.push_back(
        {MetricProtocol::kDogStatsd, settings.dogstatsd_addr, settings.dogstatsd_tags, host});
  bool prometheus = settings.prometheus_retention_time.count() > 0;

  MetricNaming naming;
  naming.prefix = settings.metrics_prefix;
  naming.node_name = config.node_name;
  // Only where metrics leave this machine does it matter whose they are.
  if ((prometheus || !destinations.empty()) && !settings.disable_hostname) naming.hostname = host;
  naming.filter_default = settings.filter_default;
  naming.allowed = settings.allowed_prefixes;
  naming.blocked = settings.blocked_prefixes;
  MetricRegistry& registry = MetricRegistry::process();
  registry.set_naming(std::move(naming));
  if (prometheus) registry.keep_totals(settings.prometheus_retention_time);
  if (!destinations.empty()) {
    auto sender = MetricSender::start(std::move(destinations));
    if (!sender) return fail("failed to initialize telemetry: " + sender.error().message);
    telemetry->sender_ = std::move(*sender);
    registry.set_stream(telemetry->sender_.get());
  }
  return telemetry;
}

void Telemetry::run(Reactor& reactor, std::function<void()> observe) {
  ticker_ = std::make_shared<Ticker>(reactor, std::move(observe));
  // Not at once: an agent that starts has no figures yet.
  reactor.post([ticker = ticker_] { ticker->schedule(system_clock().wall(), std::chrono::seconds(1)); });
}

Telemetry::~Telemetry() {
  if (sender_) MetricRegistry::process().set_stream(nullptr);
}

void Telemetry::stop() {
  auto ticker = std::exchange(ticker_, nullptr);
  if (!ticker) return;
  std::promise<void> done;
  ticker->reactor.post([&] {
    ticker->reactor.cancel(ticker->timer);
    ticker->observe = nullptr;
    done.set_value();
  });
  done.get_future().wait();
}

void Telemetry::reload(const TelemetryRuntime& config) {
  MetricRegistry::process().set_filter(config.filter_default, config.allowed_prefixes,
                                       config.blocked_prefixes);
}

std::string interval_text(Time start) {
  std::string text = format_rfc3339(start);
  text.back() = ' ';
  text[text.find('T')] = ' ';
  return text + "+0000 UTC";
}

std::string dump_metrics() {
  std::string out;
  auto views = MetricRegistry::process().intervals(system_clock().wall());
  views.pop_back();  // the current one is not complete
  for (const MetricIntervalView& view : views) {
    auto line = [&](char kind, const MetricAggregate& one) {
      std::string name = one.name;
      for (const MetricLabel& label : one.labels) name.append(".").append(label.value);
      out += fmt::format("[{}][{}] '{}': ", interval_text(view.start), kind, name);
      if (kind == 'G')
        out += fmt::format("{:.3f}\n", one.value);
      else if (one.deviation() == 0)
        out += fmt::format("Count: {} Sum: {:.3f}\n", one.count, one.sum);
      else
        out += fmt::format("Count: {} Min: {:.3f} Mean: {:.3f} Max: {:.3f} Stddev: {:.3f} Sum: {:.3f}\n",
                           one.count, one.min, one.mean(), one.max, one.deviation(), one.sum);
    };
    for (const MetricAggregate& one : view.gauges) line('G', one);
    for (const MetricAggregate& one : view.counters) line('C', one);
    for (const MetricAggregate& one : view.samples) line('S', one);
  }
  return out;
}

}  // namespace praetor::agent
