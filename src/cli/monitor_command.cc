#include "cli/cancel.h"
#include "cli/command.h"
#include "cli/commands.h"

namespace praetor::cli {
namespace {

class Monitor : public FlagCommand {
 public:
  Monitor()
      : FlagCommand(R"(
Usage: praetor monitor [options]

  Prints the agent's log as it is written, until it is interrupted. The level is
  chosen here: it may be finer than what the agent itself logs.
)",
                    HttpFlagSet::kClient) {
    flags_.add_bool("log-json", &json_, "Print the log as JSON.");
    flags_.add_string("log-level", &level_, "Lowest level that is printed.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    Cancel cancel;
    auto api = open_api(ui, &cancel);
    if (!api) return 1;
    InterruptScope interrupts(cancel);
    Params params = {{"loglevel", level_}};
    if (json_) params.emplace("logjson", "true");
    bool started = false;
    auto response =
        api->stream("/v1/agent/monitor", std::move(params), [&](std::string_view piece) -> Status {
          started = true;
          ui.write_out(piece);
          return {};
        });
    if (cancel.triggered()) return 0;
    if (!response && !started) {
      ui.error("Error starting monitor: " + response.error().message);
      return 1;
    }
    ui.print("");
    ui.print(
        "Remote side ended the monitor! This usually means that the\n"
        "remote side has exited or crashed.");
    return 0;
  }

  bool json_ = false;
  std::string level_ = "INFO";
};

}  // namespace

CommandPtr make_monitor() { return std::make_unique<Monitor>(); }

}  // namespace praetor::cli
