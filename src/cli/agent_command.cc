// `agent`: hands its arguments to the agent. (`validate` joins here.)
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/help.h"

namespace praetor::agent {
int run_agent(const std::vector<std::string>& args);
}

namespace praetor::cli {
namespace {

class Agent : public Command {
 public:
  std::string help(const Ui& ui) const override {
    return render_help(R"(
Usage: praetor agent [options]

  Runs an agent, a node of the cluster, until it is interrupted.
)",
                       nullptr, ui.program());
  }
  int run(const std::vector<std::string>& args, Ui&) override { return agent::run_agent(args); }
};

}  // namespace

CommandPtr make_agent() { return std::make_unique<Agent>(); }

}  // namespace praetor::cli
