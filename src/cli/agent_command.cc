// `agent` and `validate`: both load the agent's configuration.
#include "agent/config_load.h"
#include "cli/agent_watches.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "daemon/run_agent.h"

namespace praetor::cli {
namespace {

// Of an error of FlagSet::parse the line before the list of flags.
std::string cause(const Error& error) { return error.message.substr(0, error.message.find('\n')); }

class AgentCommand final : public Command {
 public:
  AgentCommand() {
    for (const agent::AgentFlag& flag : agent::agent_flags()) {
      if (flag.name == "config-format") {
        flags_.add_string(flag.name, &options_.config_format, flag.help);
        continue;
      }
      // The one flag that other commands have too stands with theirs.
      flags_.set_group(flag.name == "datacenter" ? FlagGroup::kHttp : FlagGroup::kCommand);
      flags_.add_function(
          flag.name, flag.kind == agent::AgentFlagKind::kBool, flag.help,
          [this, name = flag.name](std::string_view text) { return options_.set_flag(name, text); });
    }
  }

  std::string help(const Ui& ui) const override {
    return render_help(R"(
Usage: praetor agent [options]

  Runs an agent until a signal ends it. Every node of a cluster runs one; those
  with -server keep the cluster's state.
)",
                       &flags_, ui.program());
  }

  int run(const std::vector<std::string>& args, Ui& ui) override {
    auto rest = flags_.parse(args);
    if (!rest) {
      ui.write_err(rest.error().message);
      ui.error("==> error parsing flags: " + cause(rest.error()));
      return 1;
    }
    if (!rest->empty()) {
      std::string list;
      for (const std::string& arg : *rest) list += (list.empty() ? "" : " ") + arg;
      ui.error("==> Unexpected extra arguments: [" + list + "]");
      return 1;
    }
    return daemon::run_agent(
        options_, [&ui](std::string_view text) { ui.write_out(text); },
        [&ui](std::string_view text) { ui.write_err(text); },
        [](const agent::RuntimeConfig& config) -> Result<std::shared_ptr<void>> {
          return AgentWatches::start(config);
        });
  }

 private:
  agent::LoadOptions options_;
  FlagSet flags_;
};

class ValidateCommand final : public Command {
 public:
  ValidateCommand() {
    flags_.add_string("config-format", &options_.config_format,
                      "Reads every file as 'hcl' or 'json', whatever its extension.");
    flags_.add_bool("quiet", &quiet_, "Says nothing when all is well.");
  }

  std::string help(const Ui& ui) const override {
    return render_help(R"(
Usage: praetor validate [options] FILE_OR_DIRECTORY...

  Checks files and directories of configuration as "praetor agent" would read
  them, together, and says what is wrong.
)",
                       &flags_, ui.program());
  }

  int run(const std::vector<std::string>& args, Ui& ui) override {
    auto files = flags_.parse(args);
    if (!files) {
      ui.write_err(files.error().message);
      ui.error(cause(files.error()));
      return 1;
    }
    if (files->empty()) {
      ui.error("Must specify at least one config file or directory");
      return 1;
    }
    if (!agent::is_config_format(options_.config_format)) {
      ui.error("-config-format must be either 'hcl' or 'json");
      return 1;
    }
    options_.config_files = *files;
    auto loaded = agent::load_config(options_);
    if (!loaded) {
      ui.error("Config validation failed: " + loaded.error().message);
      return 1;
    }
    if (quiet_) return 0;
    for (const std::string& warning : loaded->warnings) ui.warn(warning);
    ui.print("Configuration is valid!");
    return 0;
  }

 private:
  agent::LoadOptions options_;
  FlagSet flags_;
  bool quiet_ = false;
};

}  // namespace

CommandPtr make_agent() { return std::make_unique<AgentCommand>(); }
CommandPtr make_validate() { return std::make_unique<ValidateCommand>(); }

}  // namespace praetor::cli
