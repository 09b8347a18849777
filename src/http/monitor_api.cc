// /v1/agent/monitor: the agent's log as it is written (http-api.md 3).
#include <atomic>

#include "base/log.h"
#include "base/reactor.h"
#include "base/text.h"
#include "http/api.h"

namespace praetor::http {
namespace {

// Lines under way to one client; more are dropped, so that a slow reader harms nobody.
constexpr size_t kMaxQueuedLines = 512;

class MonitorSink final : public LogSink {
 public:
  MonitorSink(Reactor& reactor, bool json) : reactor_(reactor), json_(json) {}

  // On the reactor, before the sink is added.
  void attach(std::shared_ptr<BodyStream> stream) { stream_ = std::move(stream); }
  // On the reactor: the client is gone.
  void detach() { stream_.reset(); }

  void write(const LogRecord& record) override {
    if (queued_.fetch_add(1) >= kMaxQueuedLines) {
      queued_.fetch_sub(1);
      return;
    }
    std::string line = (json_ ? record.json() : record.text()) + "\n";
    reactor_.post([self = self_.lock(), line = std::move(line)] {
      if (!self) return;
      self->queued_.fetch_sub(1);
      if (self->stream_ && !self->stream_->write(line)) self->detach();
    });
  }
  void remember(const std::shared_ptr<MonitorSink>& self) { self_ = self; }

 private:
  Reactor& reactor_;
  const bool json_;
  std::weak_ptr<MonitorSink> self_;
  std::shared_ptr<BodyStream> stream_;  // on the reactor
  std::atomic<size_t> queued_{0};
};

void monitor(const ApiContext&, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  std::string_view name = http.parameter("loglevel");
  auto level = parse_log_level(name.empty() ? "INFO" : name);
  if (!level) return respond_text(exchange, 400, "Bad request: Unknown log level: " + std::string(name));
  auto sink = std::make_shared<MonitorSink>(exchange->reactor(), http.has("logjson"));
  sink->remember(sink);
  exchange->on_cancel([sink] {
    sink->detach();
    LogHub::process().remove(sink.get());
  });
  Response head;
  sink->attach(exchange->respond_stream(std::move(head)));
  LogHub::process().add(sink, *level);
}

}  // namespace

void add_monitor_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/agent/monitor", {Method::kGet}, [&api](const ExchangePtr& e) { monitor(api, e); }});
}

}  // namespace praetor::http
