#include <fmt/format.h>

#include "agent/watch_plan.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/cancel.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/process.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

using agent::WatchFiring;
using agent::WatchPlan;
using codec::Value;
using codec::ValueList;
using codec::ValueMap;

class Watch : public FlagCommand {
 public:
  Watch()
      : FlagCommand(R"(
Usage: praetor watch [options] [child...]

  Follows a view of the cluster. With a child, it is run at every change with
  the new result as JSON on its input and the index in CONSUL_INDEX; the watch
  ends when the child fails. Without one, the current result is printed.

      $ praetor watch -type=key -key=app/limit ./reconfigure
      $ praetor watch -type=service -service=web

  The type decides which of the other options are needed or allowed.
)",
                    HttpFlagSet::kClientAndServer) {
    flags_.add_string("key", &key_, "Key to watch, for type 'key'.");
    flags_.add_string("name", &name_, "Name of the events, for type 'event'.");
    flags_.add_string("passingonly", &passing_only_,
                      "Whether only instances count whose checks all pass, for type 'service': "
                      "`[true|false]`. The default is false.");
    flags_.add_string("prefix", &prefix_, "Prefix of the keys, for type 'keyprefix'.");
    flags_.add_string("service", &service_,
                      "Service to watch; needed for type 'service', allowed for 'checks'.");
    flags_.add_bool("shell", &shell_,
                    "Run the child in a shell: the one the SHELL environment variable names.");
    flags_.add_string("state", &state_, "State of the checks, for type 'checks'.");
    flags_.add_list("tag", &tags_, "Tag of the instances, for type 'service'. Several flags must all match.");
    flags_.add_string("type", &type_,
                      "What to watch: key, keyprefix, services, nodes, service, checks or event.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (type_.empty()) {
      ui.error("Watch type must be specified");
      ui.error("");
      ui.error(help(ui));
      return 1;
    }
    auto plan = make_plan();
    if (!plan) {
      ui.error(plan.error().message);
      return 1;
    }
    if (type_ == "connect_roots" || type_ == "connect_leaf" || type_ == "agent_service") {
      ui.error("Type " + type_ + " is not supported in the CLI tool");
      return 1;
    }
    Cancel cancel;
    auto api = open_api(ui, &cancel);
    if (!api || !agent_answers(*api, ui)) return 1;
    InterruptScope interrupts(cancel);
    return run_loop(*plan, *api, args, cancel, ui);
  }

  Result<WatchPlan> make_plan() const {
    ValueMap parameters;
    parameters["type"] = type_;
    auto add = [&parameters](std::string_view name, const std::string& value) {
      if (!value.empty()) parameters[name] = value;
    };
    add("key", key_);
    add("name", name_);
    add("prefix", prefix_);
    add("service", service_);
    add("state", state_);
    if (!tags_.empty()) {
      ValueList tags;
      for (const std::string& tag : tags_) tags.emplace_back(tag);
      parameters["tag"] = Value(std::move(tags));
    }
    if (http_.stale.value_or(false)) parameters["stale"] = true;
    if (!passing_only_.empty()) {
      auto passing = parse_bool(passing_only_);
      if (!passing) return fail("Failed to parse passingonly flag: " + passing.error().message);
      parameters["passingonly"] = *passing;
    }
    return WatchPlan::parse(std::move(parameters));
  }

  int run_loop(WatchPlan& plan, Api& api, const std::vector<std::string>& child, const Cancel& cancel,
               Ui& ui) {
    while (!cancel.triggered()) {
      agent::WatchRequest request = plan.next_request();
      auto response = api.request("GET", request.path, std::move(request.parameters));
      if (cancel.triggered()) return 0;
      Result<std::optional<WatchFiring>> firing = std::nullopt;
      if (response) {
        uint64_t index = parse_uint(response->header("X-Consul-Index")).value_or(0);
        firing = plan.on_response(response->status, index, response->header("X-Consul-ContentHash"),
                                  response->body);
      } else {
        firing = std::unexpected(response.error());
      }
      if (!firing) {
        Duration wait = plan.on_failure();
        report(plan, firing.error().message, wait, ui);
        cancel.wait(wait);
        continue;
      }
      if (!*firing) continue;
      if (child.empty()) {
        ui.print(codec::indent_json((*firing)->document, "", "    "));
        return 0;
      }
      if (!run_handler(child, **firing, ui)) return 1;
    }
    return 0;
  }

  // As the API client library logs.
  static void report(const WatchPlan& plan, const std::string& problem, Duration wait, Ui& ui) {
    Time now = system_clock().wall();
    std::string stamp = format_rfc3339(Time{now.seconds, 0}).substr(0, 19);
    ui.error(fmt::format("{}.{:03}Z [ERROR] watch.watch: Watch errored: type={} error={} retry={}", stamp,
                         now.nanoseconds / 1'000'000, plan.type(), go_quote(problem), format_duration(wait)));
  }

  bool run_handler(const std::vector<std::string>& args, const WatchFiring& firing, Ui& ui) const {
    ChildOptions options;
    options.args = args;
    options.shell = shell_;
    options.input = firing.document + "\n";
    options.environment["CONSUL_INDEX"] = std::to_string(firing.index);
    auto child = start_child(options);
    if (!child) {
      ui.error("Error starting handler: " + child.error().message);
      return false;
    }
    if (auto failure = wait_child(*child)) {
      ui.error("Error executing handler: " + *failure);
      return false;
    }
    return true;
  }

  std::string key_, name_, passing_only_, prefix_, service_, state_, type_;
  std::vector<std::string> tags_;
  bool shell_ = true;
};

}  // namespace

CommandPtr make_watch() { return std::make_unique<Watch>(); }

}  // namespace praetor::cli
