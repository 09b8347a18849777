#include "cli/agent_watches.h"

#include <map>
#include <thread>

#include "agent/watch_plan.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/api.h"
#include "cli/cancel.h"
#include "cli/process.h"
#include "cli/ui.h"

namespace praetor::cli {
namespace {

const Logger& logger() {
  static const Logger log("agent");
  return log;
}

// How a handler is run: a program's arguments (with a shell for the old `handler` text), or an HTTP endpoint.
struct Handler {
  std::vector<std::string> args;
  bool shell = false;
};

Result<Handler> parse_handler(const codec::ValueMap& parameters, bool http) {
  Handler handler;
  const codec::Value* args = parameters.get("args");
  const codec::Value* text = parameters.get("handler");
  if (args && args->string()) {
    handler.args = {*args->string()};  // a configuration's list of one is read as its element
  } else if (args && !args->is_null()) {
    const codec::ValueList* list = args->list();
    if (!list) return fail("Watch args must be a list of strings");
    for (const codec::Value& one : *list) {
      if (!one.string()) return fail("Watch args must be a list of strings");
      handler.args.push_back(*one.string());
    }
  }
  if (text && text->string() && !text->string()->empty()) {
    if (!handler.args.empty()) return fail("Only one watch handler allowed");
    handler.args = {*text->string()};
    handler.shell = true;
  }
  if (http && !handler.args.empty()) return fail("Only one watch handler allowed");
  if (!http && handler.args.empty()) return fail("Must define a watch handler");
  return handler;
}

// The request for a URL; the client connects to its host.
struct Url {
  HttpFlags flags;
  std::string path;
};
Url split_url(const std::string& url) {
  size_t start = url.find("://");
  start = start == std::string::npos ? 0 : start + 3;
  size_t slash = url.find('/', start);
  Url out;
  out.flags.address = url.substr(0, slash);
  out.path = slash == std::string::npos ? "/" : url.substr(slash);
  return out;
}

}  // namespace

struct AgentWatches::Runner {
  agent::WatchPlan plan;
  Handler handler;
  HttpFlags flags;
  Cancel cancel;
  std::thread thread;

  explicit Runner(agent::WatchPlan p) : plan(std::move(p)) {}
  ~Runner() {
    cancel.trigger();
    if (thread.joinable()) thread.join();
  }

  void run() {
    ProcessUi ui("praetor");
    auto api = Api::open(flags, ui, &cancel);
    if (!api) return logger().error("watch cannot start", {{"type", plan.type()}, {"error", api.error()}});
    while (!cancel.triggered()) {
      agent::WatchRequest request = plan.next_request();
      auto response = (*api)->request("GET", request.path, std::move(request.parameters));
      if (cancel.triggered()) return;
      Result<std::optional<agent::WatchFiring>> firing = std::nullopt;
      if (response)
        firing =
            plan.on_response(response->status, parse_uint(response->header("X-Consul-Index")).value_or(0),
                             response->header("X-Consul-ContentHash"), response->body);
      else
        firing = std::unexpected(response.error());
      if (!firing) {
        Duration wait = plan.on_failure();
        logger().error("Watch errored", {{"type", plan.type()}, {"error", firing.error()}, {"retry", wait}});
        cancel.wait(wait);
      } else if (*firing) {
        plan.http_handler() ? post(*plan.http_handler(), **firing) : execute(**firing);
      }
    }
  }

  void execute(const agent::WatchFiring& firing) {
    ChildOptions options;
    options.args = handler.args;
    options.shell = handler.shell;
    options.input = firing.document + "\n";
    options.environment["CONSUL_INDEX"] = std::to_string(firing.index);
    auto child = start_child(options);
    if (!child) return logger().error("Failed to run watch handler", {{"error", child.error()}});
    if (auto failure = wait_child(*child))
      logger().error("Failed to run watch handler", {{"handler", handler.args[0]}, {"error", *failure}});
  }

  void post(const agent::WatchHttpHandler& target, const agent::WatchFiring& firing) {
    Url url = split_url(target.path);
    ProcessUi ui("praetor");
    auto client = Api::open(url.flags, ui, &cancel);
    if (!client) return logger().error("Failed to call watch handler", {{"error", client.error()}});
    HttpRequest request;
    request.method = target.method;
    request.target = url.path;
    request.body = firing.document + "\n";
    std::multimap<std::string, std::string> headers = {{"Content-Type", "application/json"},
                                                       {"X-Consul-Index", std::to_string(firing.index)}};
    for (const auto& [name, values] : target.header)
      for (const std::string& value : values) headers.emplace(name, value);
    request.headers.assign(headers.begin(), headers.end());
    // Endpoints see what Go's client says: that is what they were tried with.
    request.headers.emplace_back("Accept-Encoding", "gzip");
    request.headers.emplace_back("Connection", "close");
    auto response = (*client)->send(request);
    if (!response)
      return logger().error("Failed to call watch handler",
                            {{"url", target.path}, {"error", response.error()}});
    if (response->status < 200 || response->status >= 300)
      logger().error("watch handler failed", {{"url", target.path}, {"status", response->status}});
  }
};

AgentWatches::~AgentWatches() {
  for (auto& runner : runners_) runner->cancel.trigger();
}

Result<std::shared_ptr<AgentWatches>> AgentWatches::start(const agent::RuntimeConfig& config) {
  std::shared_ptr<AgentWatches> watches(new AgentWatches);
  for (const codec::Map<codec::Value>& parameters : config.watches) {
    if (config.http_addrs.empty()) return fail("watch plans require an HTTP or HTTPS endpoint");
    auto plan = agent::WatchPlan::parse(parameters, {"args", "handler"});
    if (!plan) return fail("Failed to parse watch: " + plan.error().message);
    TRY_ASSIGN(Handler handler, parse_handler(parameters, plan->http_handler().has_value()));
    auto runner = std::make_unique<Runner>(std::move(*plan));
    runner->handler = std::move(handler);
    runner->flags.address = config.http_addrs.front().text();
    if (!runner->plan.token().empty()) runner->flags.token = runner->plan.token();
    watches->runners_.push_back(std::move(runner));
  }
  for (auto& runner : watches->runners_) runner->thread = std::thread([raw = runner.get()] { raw->run(); });
  return watches;
}

}  // namespace praetor::cli
