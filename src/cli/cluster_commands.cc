// join, leave, force-leave, reload, event, maint: one request to the agent each.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/api_types.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/event_filters.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

constexpr std::string_view kNodeMaintenance = "_node_maintenance";
constexpr std::string_view kServiceMaintenancePrefix = "_service_maintenance:";

class Join : public FlagCommand {
 public:
  Join()
      : FlagCommand(R"(
Usage: praetor join [options] address ...

  Makes a running agent join the cluster of which each address names a member.
)",
                    HttpFlagSet::kClient) {
    flags_.add_bool("wan", &wan_, "Join the pool of the servers of all datacenters.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.empty()) {
      ui.error("At least one address to join must be specified.");
      ui.error("");
      ui.error(help(ui));
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    size_t joined = 0;
    for (const std::string& address : args) {
      Params params;
      if (wan_) params.emplace("wan", "1");
      auto response = api->put("/v1/agent/join/" + address, std::move(params));
      if (response) {
        ++joined;
      } else {
        ui.error(fmt::format("Error joining address '{}': {}", address, response.error().message));
      }
    }
    if (joined == 0) {
      ui.error("Failed to join any nodes.");
      return 1;
    }
    ui.print(fmt::format("Successfully joined cluster by contacting {} nodes.", joined));
    return 0;
  }

  bool wan_ = false;
};

class Leave : public FlagCommand {
 public:
  Leave()
      : FlagCommand(R"(
Usage: praetor leave [options]

  Makes the agent leave the cluster in good order and shut down.
)",
                    HttpFlagSet::kClient) {}

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (!args.empty()) {
      ui.error("Error found unexpected args: [" + join(args, " ") + "]");
      ui.print(help(ui));
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    if (auto response = api->put("/v1/agent/leave"); !response) {
      ui.error("Error leaving: " + response.error().message);
      return 1;
    }
    ui.print("Graceful leave complete");
    return 0;
  }
};

class ForceLeave : public FlagCommand {
 public:
  ForceLeave()
      : FlagCommand(R"(
Usage: praetor force-leave [options] name

  Moves a member of the cluster into the "left" state: a way to get rid of a
  failed node for good, which agents would otherwise try to reach for days. A
  member that is in fact alive joins again.
)",
                    HttpFlagSet::kClient) {
    flags_.add_bool("prune", &prune_, "Remove the member from the list of members altogether");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.size() != 1) {
      ui.error("A single node name must be specified to force leave.");
      ui.error("");
      ui.error(help(ui));
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    Params params;
    if (prune_) params.emplace("prune", "1");
    if (auto response = api->put("/v1/agent/force-leave/" + args[0], std::move(params)); !response) {
      ui.error("Error force leaving: " + response.error().message);
      return 1;
    }
    return 0;
  }

  bool prune_ = false;
};

class Reload : public FlagCommand {
 public:
  Reload()
      : FlagCommand(R"(
Usage: praetor reload

  Makes the agent read its configuration again, as SIGHUP does.
)",
                    HttpFlagSet::kClient) {}

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    if (auto response = api->put("/v1/agent/reload"); !response) {
      ui.error("Error reloading: " + response.error().message);
      return 1;
    }
    ui.print("Configuration reload triggered");
    return 0;
  }
};

class Event : public FlagCommand {
 public:
  Event()
      : FlagCommand(R"(
Usage: praetor event [options] [payload]

  Fires a user event in the datacenter. It needs a name; the payload is free.
  Regular expressions on nodes, services and tags limit who handles it.
)",
                    HttpFlagSet::kClient) {
    flags_.add_string("name", &name_, "Name of the event.");
    flags_.add_string("node", &node_, "Regular expression that node names match.");
    flags_.add_string("service", &service_, "Regular expression that a service of the node matches.");
    flags_.add_string("tag", &tag_, "Regular expression that a tag of the service matches. Needs -service.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (name_.empty()) return usage_error("Event name must be specified", ui);
    if (args.size() > 1) return usage_error("Too many command line arguments.", ui);
    if (Status status = check_event_filters(node_, service_, tag_); !status) {
      ui.error(status.error().message);
      return 1;
    }
    auto api = open_api(ui);
    if (!api || !agent_answers(*api, ui)) return 1;
    Params params;
    if (!node_.empty()) params.emplace("node", node_);
    if (!service_.empty()) params.emplace("service", service_);
    if (!tag_.empty()) params.emplace("tag", tag_);
    auto response =
        api->put("/v1/event/fire/" + name_, std::move(params), args.empty() ? std::string() : args[0]);
    auto answer = response ? codec::from_json<IdAnswer>(response->body)
                           : Result<IdAnswer>(std::unexpected(response.error()));
    if (!answer) {
      ui.error("Error firing event: " + answer.error().message);
      return 1;
    }
    ui.print("Event ID: " + answer->id);
    return 0;
  }

  int usage_error(std::string_view text, Ui& ui) {
    ui.error(text);
    ui.error("");
    ui.error(help(ui));
    return 1;
  }

  std::string name_, node_, service_, tag_;
};

class Maint : public FlagCommand {
 public:
  Maint()
      : FlagCommand(R"(
Usage: praetor maint [options]

  Puts the node, or with -service one service of the agent, into maintenance
  mode: a critical check is added, so that DNS and queries for healthy instances
  leave it out. It stays over restarts until it is disabled.

  Without -enable or -disable it shows what is in maintenance; nothing if
  nothing is.
)",
                    HttpFlagSet::kClient) {
    flags_.add_bool("disable", &disable_, "End maintenance mode.");
    flags_.add_bool("enable", &enable_, "Begin maintenance mode.");
    flags_.add_string("reason", &reason_, "Why, for the notes of the check.");
    flags_.add_string("service", &service_, "ID of the service, instead of the whole node.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    std::string problem;
    if (enable_ && disable_) {
      problem = "Only one of -enable or -disable may be provided";
    } else if (!enable_ && !reason_.empty()) {
      problem = "Reason may only be provided with -enable";
    } else if (!enable_ && !disable_ && !service_.empty()) {
      problem = "Service requires either -enable or -disable";
    }
    if (!problem.empty()) {
      ui.error(problem);
      return 1;
    }
    auto api = open_api(ui);
    if (!api || (!enable_ && !disable_ && !agent_answers(*api, ui))) return 1;
    return enable_ || disable_ ? change(*api, ui) : show(*api, ui);
  }

  int change(Api& api, Ui& ui) {
    Params params = {{"enable", enable_ ? "true" : "false"}};
    if (enable_) params.emplace("reason", reason_);
    std::string kind = service_.empty() ? "node" : "service";
    std::string path =
        service_.empty() ? "/v1/agent/maintenance" : "/v1/agent/service/maintenance/" + service_;
    if (auto response = api.put(path, std::move(params)); !response) {
      ui.error(fmt::format("Error {} {} maintenance: {}", enable_ ? "enabling" : "disabling", kind,
                           response.error().message));
      return 1;
    }
    std::string state = enable_ ? "enabled" : "disabled";
    ui.print(service_.empty() ? "Node maintenance is now " + state
                              : fmt::format("Service maintenance is now {} for \"{}\"", state, service_));
    return 0;
  }

  static int show(Api& api, Ui& ui) {
    auto response = api.get("/v1/agent/checks");
    auto checks = response ? codec::from_json<Map<AgentCheck>>(response->body)
                           : Result<Map<AgentCheck>>(std::unexpected(response.error()));
    if (!checks) {
      ui.error("Error getting checks: " + checks.error().message);
      return 1;
    }
    for (const auto& [id, check] : *checks) {
      if (check.check_id == kNodeMaintenance) {
        ui.print("Node:\n  Name:   " + check.node + "\n  Reason: " + check.notes + "\n");
      } else if (check.check_id.starts_with(kServiceMaintenancePrefix)) {
        ui.print("Service:\n  ID:     " + check.service_id + "\n  Reason: " + check.notes + "\n");
      }
    }
    return 0;
  }

  bool enable_ = false;
  bool disable_ = false;
  std::string reason_;
  std::string service_;
};

}  // namespace

CommandPtr make_join() { return std::make_unique<Join>(); }
CommandPtr make_leave() { return std::make_unique<Leave>(); }
CommandPtr make_force_leave() { return std::make_unique<ForceLeave>(); }
CommandPtr make_reload() { return std::make_unique<Reload>(); }
CommandPtr make_event() { return std::make_unique<Event>(); }
CommandPtr make_maint() { return std::make_unique<Maint>(); }

}  // namespace praetor::cli
