#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "cli/api_types.h"
#include "cli/cancel.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/event_filters.h"
#include "codec/json.h"

namespace praetor::cli {

// What the agents run: the value of <prefix>/<session>/job.
struct ExecJob {
  std::string command;
  List<std::string> args;
  Bytes script;
  Duration wait{0};
};
PRAETOR_DESCRIBED(ExecJob)
PRAETOR_DESCRIBE(ExecJob, "rExecSpec", field("Command", &ExecJob::command).omit_empty(),
                 field("Args", &ExecJob::args).omit_empty(), field("Script", &ExecJob::script).omit_empty(),
                 field("Wait", &ExecJob::wait))

// The payload of the event that starts it.
struct ExecEvent {
  std::string prefix;
  std::string session;
};
PRAETOR_DESCRIBED(ExecEvent)
PRAETOR_DESCRIBE(ExecEvent, "rExecEvent", field("Prefix", &ExecEvent::prefix),
                 field("Session", &ExecEvent::session))

struct ExecServer {
  Box<CatalogNode> node;
};
PRAETOR_DESCRIBED(ExecServer)
PRAETOR_DESCRIBE(ExecServer, "ServiceEntry", field("Node", &ExecServer::node))

namespace {

constexpr std::string_view kEventName = "_rexec";
constexpr std::string_view kSessionTtl = "15s";
constexpr Duration kRenewInterval = std::chrono::seconds(7);
constexpr int kNodeFailed = 2;

// Lines of a node's output, each with the node's name; a final break begins one more, as in Consul.
std::string prefix_lines(std::string_view mark, const std::string& node, std::string_view text) {
  std::string result;
  for (std::string_view line : split(text, '\n')) {
    result += std::string(mark) + node + ": " + std::string(line) + "\n";
  }
  while (result.ends_with(' ') || result.ends_with('\n')) result.pop_back();
  return result + "\n";
}

class Exec : public FlagCommand {
 public:
  Exec()
      : FlagCommand(R"(
Usage: praetor exec [options] [-|command...]

  Runs a command on nodes of the cluster and prints what comes back. Regular
  expressions on nodes, services and tags choose the nodes. The command "-"
  stands for a script on standard input.

  Agents take part only if their disable_remote_exec is false.
)",
                    HttpFlagSet::kClientAndServer) {
    flags_.add_string("node", &node_, "Regular expression that node names match.");
    flags_.add_string("prefix", &prefix_, "Prefix in the KV store under which the job is kept.");
    flags_.add_string("service", &service_, "Regular expression that a service of the node matches.");
    flags_.add_bool("shell", &shell_, "Run the command in a shell.");
    flags_.add_string("tag", &tag_, "Regular expression that a tag of the service matches. Needs -service.");
    flags_.add_bool("verbose", &verbose_, "Say what happens.");
    flags_.add_duration("wait", &wait_, "How long to wait without an answer before the end.");
    flags_.add_duration("wait-repl", &replication_wait_,
                        "How long to wait for the job to be replicated before the nodes are told, as they "
                        "read stale data.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    auto job = make_job(args, ui);
    if (!job) {
      ui.error(job.error().message);
      return 1;
    }
    if (job->command.empty() && job->args.empty() && job->script.empty()) {
      ui.error("Must specify a command to execute");
      ui.error("");
      ui.error(help(ui));
      return 1;
    }
    if (Status status = check_event_filters(node_, service_, tag_); !status) {
      ui.error(status.error().message);
      return 1;
    }
    Cancel cancel;
    auto api = open_api(ui, &cancel);
    if (!api) return 1;
    auto self = who_am_i(*api);
    if (!self) {
      ui.error("Error querying Consul agent: " + self.error().message);
      return 1;
    }
    InterruptScope interrupts(cancel);
    auto result = run_job(*api, *job, *self, cancel, ui);
    clean_up(*api);
    if (!result) ui.error(result.error().message);
    return result.value_or(1);
  }

  Result<ExecJob> make_job(const std::vector<std::string>& args, Ui& ui) const {
    ExecJob job;
    job.wait = wait_;
    if (args.size() == 1 && args[0] == "-") {
      if (!shell_) return fail("Cannot configure -shell=false when reading from stdin");
      auto text = ui.read_in();
      if (!text) return fail("Failed to read stdin: " + text.error().message);
      job.script.assign(text->begin(), text->end());
    } else if (shell_) {
      job.command = join(args, " ");
    } else {
      job.args = List<std::string>(args);
    }
    return job;
  }

  static Result<SelfConfig> who_am_i(Api& api) {
    TRY_ASSIGN(HttpResponse response, api.get("/v1/agent/self"));
    TRY_ASSIGN(SelfAnswer self, codec::from_json<SelfAnswer>(response.body));
    return self.config;
  }

  Result<int> run_job(Api& api, const ExecJob& job, const SelfConfig& self, const Cancel& cancel, Ui& ui) {
    if (Status status = create_session(api, self); !status) {
      return fail("Failed to create session: " + status.error().message);
    }
    say("Created remote execution session: " + session_, ui);
    if (Status status = upload(api, job); !status) {
      return fail("Failed to create job file: " + status.error().message);
    }
    say("Uploaded remote execution spec", ui);
    cancel.wait(replication_wait_);
    auto event = fire(api);
    if (!event) return fail("Failed to fire event: " + event.error().message);
    say("Fired remote execution event: " + *event, ui);
    return follow(api, cancel, ui);
  }

  Status create_session(Api& api, const SelfConfig& self) {
    SessionRequest request;
    request.name = "Remote Exec";
    request.behavior = "delete";
    request.ttl = kSessionTtl;
    if (!api.datacenter().empty() && api.datacenter() != self.datacenter) {
      // A session of another datacenter belongs to one of its servers.
      auto response = api.request("GET", "/v1/health/service/consul", {{"passing", "1"}});
      Status found = response ? require_ok(*response) : Status(std::unexpected(response.error()));
      if (!found) return fail("Failed to find Consul server in remote datacenter: " + found.error().message);
      TRY_ASSIGN(auto servers, codec::from_json<List<ExecServer>>(response->body));
      if (servers.empty() || !servers[0].node)
        return fail("Failed to find Consul server in remote datacenter");
      request.name = fmt::format("Remote Exec via {}@{}", self.node_name, self.datacenter);
      request.node = servers[0].node->node;
      request.checks = List<std::string>();
      request.checks->make_empty();
    }
    TRY_ASSIGN(HttpResponse response, api.put("/v1/session/create", {}, codec::to_json(request) + "\n"));
    TRY_ASSIGN(IdAnswer answer, codec::from_json<IdAnswer>(response.body));
    session_ = answer.id;
    renewed_ = system_clock().now();
    return {};
  }

  std::string folder() const { return prefix_ + "/" + session_ + "/"; }

  Status upload(Api& api, const ExecJob& job) {
    TRY_ASSIGN(HttpResponse response,
               api.put("/v1/kv/" + folder() + "job", {{"acquire", session_}}, codec::to_json(job)));
    if (!contains(response.body, "true")) return fail("failed to acquire key " + folder() + "job");
    return {};
  }

  Result<std::string> fire(Api& api) {
    Params params;
    if (!node_.empty()) params.emplace("node", node_);
    if (!service_.empty()) params.emplace("service", service_);
    if (!tag_.empty()) params.emplace("tag", tag_);
    TRY_ASSIGN(HttpResponse response, api.put("/v1/event/fire/" + std::string(kEventName), std::move(params),
                                              codec::to_json(ExecEvent{prefix_, session_})));
    TRY_ASSIGN(IdAnswer answer, codec::from_json<IdAnswer>(response.body));
    return answer.id;
  }

  // Prints what nodes write under the job until none has for a while.
  Result<int> follow(Api& api, const Cancel& cancel, Ui& ui) {
    Instant start = system_clock().now();
    Instant last_news = start;
    uint64_t index = 0;
    while (!cancel.triggered()) {
      Instant now = system_clock().now();
      renew_session(api, now);
      Duration patience = acknowledged_ > finished_ ? wait_ * 2 : wait_;
      Duration left = last_news + patience - now;
      if (left <= Duration::zero()) break;
      left = std::min(left, kRenewInterval);
      auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
      Params params = {{"keys", ""}, {"wait", std::to_string(milliseconds) + "ms"}};
      if (index != 0) params.emplace("index", std::to_string(index));
      auto response = api.request("GET", "/v1/kv/" + folder(), std::move(params));
      if (!response || response->status != 200) {
        cancel.wait(std::chrono::milliseconds(100));
        continue;
      }
      index = parse_uint(response->header("X-Consul-Index")).value_or(0);
      auto keys = codec::from_json<List<std::string>>(response->body);
      if (keys && take_news(api, *keys, ui)) last_news = system_clock().now();
    }
    if (cancel.triggered()) return 1;
    ui.print(fmt::format("{} / {} node(s) completed / acknowledged", finished_, acknowledged_));
    if (verbose_) {
      std::chrono::duration<double> seconds = system_clock().now() - start;
      ui.print(fmt::format("Completed in {:.2f} seconds", seconds.count()));
    }
    return failed_ > 0 || finished_ < acknowledged_ ? kNodeFailed : 0;
  }

  bool take_news(Api& api, const List<std::string>& keys, Ui& ui) {
    bool news = false;
    std::vector<std::string> exits;
    for (const std::string& key : keys) {
      if (!key.starts_with(folder()) || !seen_.insert(key).second) continue;
      std::string rest = key.substr(folder().size());
      size_t slash = rest.find('/');
      if (slash == std::string::npos) continue;
      news = true;
      if (rest.ends_with("/exit")) exits.push_back(key);
      if (!rest.ends_with("/exit")) take_key(api, key, rest.substr(0, slash), rest.substr(slash + 1), ui);
    }
    for (const std::string& key : exits) {  // after the node's output
      std::string rest = key.substr(folder().size());
      take_key(api, key, rest.substr(0, rest.find('/')), "exit", ui);
    }
    return news;
  }

  void take_key(Api& api, const std::string& key, const std::string& node, const std::string& what, Ui& ui) {
    if (what == "ack") {
      ++acknowledged_;
      if (verbose_) ui.write_out(prefix_lines("==> ", node, "acknowledged"));
      return;
    }
    bool output = what.starts_with("out/");
    if (!output && what != "exit") return;
    auto response = api.request("GET", "/v1/kv/" + key, {{"raw", ""}});
    if (!response || response->status != 200) return;
    if (output) {
      if (!response->body.empty()) {
        ui.write_out(prefix_lines("    ", node, response->body));
      } else if (verbose_) {
        ui.write_out(prefix_lines("==> ", node, "heartbeat received"));
      }
      return;
    }
    ++finished_;
    auto code = parse_int(response->body);
    if (!code || *code != 0) ++failed_;
    ui.write_out(prefix_lines("==> ", node, "finished with exit code " + response->body));
  }

  void renew_session(Api& api, Instant now) {
    if (now - renewed_ < kRenewInterval) return;
    renewed_ = now;
    auto ignored = api.put("/v1/session/renew/" + session_);
  }

  // Best effort: the session's end removes the job as well.
  void clean_up(Api& api) {
    if (session_.empty()) return;
    auto fresh = api.clone(nullptr);
    auto ended = fresh->put("/v1/session/destroy/" + session_);
    auto removed = fresh->del("/v1/kv/" + folder().substr(0, folder().size() - 1), {{"recurse", ""}});
  }

  void say(const std::string& line, Ui& ui) const {
    if (verbose_) ui.print(line);
  }

  std::string node_, service_, tag_;
  std::string prefix_ = "_rexec";
  bool shell_ = true;
  bool verbose_ = false;
  Duration wait_ = std::chrono::seconds(2);
  Duration replication_wait_ = std::chrono::milliseconds(200);

  std::string session_;
  Instant renewed_;
  std::set<std::string> seen_;
  size_t acknowledged_ = 0;
  size_t finished_ = 0;
  size_t failed_ = 0;
};

}  // namespace

CommandPtr make_exec() { return std::make_unique<Exec>(); }

}  // namespace praetor::cli
