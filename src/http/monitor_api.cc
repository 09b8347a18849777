// /v1/agent/monitor: the agent's log as it is written (http-api.md 3).
#include <atomic>

#include "agent/log_sinks.h"
#include "base/log.h"
#include "base/reactor.h"
#include "base/text.h"
#include "http/api.h"

namespace praetor::http {
namespace {

// Moves lines from the sink to the stream, on the connection's reactor.
struct Monitor : std::enable_shared_from_this<Monitor> {
  Reactor& reactor;
  std::shared_ptr<BodyStream> stream;
  std::shared_ptr<agent::MonitorSink> sink;
  std::atomic<bool> scheduled{false};

  explicit Monitor(Reactor& r) : reactor(r) {}
  void wake() {
    if (scheduled.exchange(true)) return;
    reactor.post([self = shared_from_this()] {
      self->scheduled = false;
      for (std::string& line : self->sink->take())
        if (self->stream && !self->stream->write(std::move(line))) self->stream.reset();
    });
  }
};

void monitor(const ApiContext&, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  std::string_view name = http.parameter("loglevel");
  auto level = parse_log_level(name.empty() ? "INFO" : name);
  if (!level) return respond_text(exchange, 400, "Bad request: Unknown log level: " + std::string(name));
  auto watching = std::make_shared<Monitor>(exchange->reactor());
  watching->sink =
      std::make_shared<agent::MonitorSink>(http.has("logjson"), [weak = std::weak_ptr(watching)] {
        if (auto self = weak.lock()) self->wake();
      });
  exchange->on_cancel([watching] {
    LogHub::process().remove(watching->sink.get());
    watching->stream.reset();
  });
  watching->stream = exchange->respond_stream({});
  LogHub::process().add(watching->sink, *level);
}

}  // namespace

void add_monitor_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/agent/monitor", {Method::kGet}, [&api](const ExchangePtr& e) { monitor(api, e); }});
}

}  // namespace praetor::http
