#include <algorithm>

#include "cli/api_types.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "codec/json.h"

namespace praetor::cli {

// The part of /v1/agent/self that `info` prints.
struct AgentSelfStats {
  Map<Map<std::string>> stats;
};
PRAETOR_DESCRIBED(AgentSelfStats)
PRAETOR_DESCRIBE(AgentSelfStats, "", field("Stats", &AgentSelfStats::stats))

namespace {

class Info : public FlagCommand {
 public:
  Info()
      : FlagCommand(R"(
Usage: praetor info [options]

  Prints figures about the agent's inner state, for operators.
)",
                    HttpFlagSet::kClient) {}

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    auto response = api->get("/v1/agent/self");
    auto self = response ? codec::from_json<AgentSelfStats>(response->body)
                         : Result<AgentSelfStats>(std::unexpected(response.error()));
    if (!self) {
      ui.error("Error querying agent: " + self.error().message);
      return 1;
    }
    std::string text;
    for (const auto& [group, values] : self->stats) {
      text += group + ":\n";
      for (const auto& [key, value] : values) text += "\t" + key + " = " + value + "\n";
    }
    ui.write_out(text);
    return 0;
  }
};

}  // namespace

CommandPtr make_info() { return std::make_unique<Info>(); }

}  // namespace praetor::cli
