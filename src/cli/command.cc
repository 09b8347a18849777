#include "cli/command.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/help.h"

namespace praetor::cli {
namespace {

const CommandEntry* find_entry(std::string_view name) {
  for (const CommandEntry& entry : command_entries()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

// The commands one level under `parent` ("" is the top), as aligned lines.
std::string child_lines(std::string_view parent) {
  std::string prefix = parent.empty() ? "" : std::string(parent) + " ";
  std::vector<std::pair<std::string_view, std::string_view>> rows;
  size_t width = 0;
  for (const CommandEntry& entry : command_entries()) {
    if (!entry.name.starts_with(prefix)) continue;
    std::string_view rest = entry.name.substr(prefix.size());
    if (rest.empty() || rest.contains(' ')) continue;
    rows.emplace_back(rest, entry.synopsis);
    width = std::max(width, rest.size());
  }
  std::string text;
  for (const auto& [name, synopsis] : rows) text += fmt::format("    {:<{}}    {}\n", name, width, synopsis);
  return text;
}

std::string program_usage(const Ui& ui) {
  return fmt::format("Usage: {} [--version] [--help] <command> [<args>]\n\nAvailable commands are:\n{}\n",
                     ui.program(), child_lines(""));
}

std::string command_help(const CommandEntry& entry, const Command& command, const Ui& ui) {
  std::string text = command.help(ui) + "\n";
  if (std::string children = child_lines(entry.name); !children.empty())
    text += "\nSubcommands:\n" + children;
  return text;
}

struct ParsedArgs {
  const CommandEntry* entry = nullptr;
  std::vector<std::string> rest;
  bool has_command = false;
  bool help = false;
  bool version = false;
  bool flags_before = false;
};

bool is_help_flag(std::string_view arg) { return arg == "-h" || arg == "-help" || arg == "--help"; }
bool is_version_flag(std::string_view arg) { return arg == "-v" || arg == "-version" || arg == "--version"; }

// The longest registered command that `words` start with, and how many words it has.
std::pair<const CommandEntry*, size_t> longest_command(std::span<const std::string> words) {
  const CommandEntry* best = nullptr;
  size_t best_count = 0;
  std::string name;
  for (size_t i = 0; i < words.size() && words[i] != ""; ++i) {
    name += (i == 0 ? "" : " ") + words[i];
    const CommandEntry* entry = words[i].contains(' ') ? nullptr : find_entry(name);
    if (entry == nullptr) break;
    best = entry;
    best_count = i + 1;
  }
  return {best, best_count};
}

// A help flag counts wherever it stands before `--`; a version flag only before the command.
ParsedArgs parse_args(const std::vector<std::string>& args) {
  ParsedArgs parsed;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg == "--") break;
    if (is_help_flag(arg)) {
      parsed.help = true;
      continue;
    }
    if (parsed.has_command || arg.empty()) continue;
    if (is_version_flag(arg)) {
      parsed.version = true;
    } else if (arg[0] == '-') {
      parsed.flags_before = true;
    } else {
      parsed.has_command = true;
      auto [entry, count] = longest_command(std::span(args).subspan(i));
      parsed.entry = entry;
      parsed.rest.assign(args.begin() + static_cast<std::ptrdiff_t>(i + std::max<size_t>(count, 1)),
                         args.end());
    }
  }
  return parsed;
}

}  // namespace

std::string FlagCommand::help(const Ui& ui) const { return render_help(usage_, &flags_, ui.program()); }

int FlagCommand::run(const std::vector<std::string>& args, Ui& ui) {
  auto rest = flags_.parse(args);
  if (!rest) {
    const std::string& text = rest.error().message;
    ui.write_err(text);
    if (!flag_failure_words_.empty())
      ui.error(std::string(flag_failure_words_) + text.substr(0, text.find('\n')));
    return flag_failure_code_;
  }
  return execute(*rest, ui);
}

std::unique_ptr<Api> FlagCommand::open_api(Ui& ui, const Cancel* cancel) {
  auto api = Api::open(http_, ui, cancel);
  if (api) return std::move(*api);
  ui.error("Error connecting to Consul agent: " + api.error().message);
  return nullptr;
}

bool FlagCommand::agent_answers(Api& api, Ui& ui) {
  auto response = api.get("/v1/agent/self");
  if (!response) ui.error("Error querying Consul agent: " + response.error().message);
  return response.has_value();
}

void add_namespace_flag(FlagSet& flags, std::optional<std::string>* target) {
  flags.add_value("namespace", target,
                  "Namespace of the request, `default` if not given. Namespaces belong to Consul "
                  "Enterprise: the agent refuses any value.");
}

std::string too_many(size_t expected, size_t got) {
  return fmt::format("Too many arguments (expected {}, got {})", expected, got);
}

int run_program(const std::vector<std::string>& args, Ui& ui) {
  ParsedArgs parsed = parse_args(args);
  if (parsed.version && !parsed.has_command) return find_entry("version")->make()->run({}, ui);
  if (parsed.help && !parsed.has_command) {
    ui.write_out(program_usage(ui));
    return 0;
  }
  if (parsed.entry == nullptr) {
    ui.write_err(program_usage(ui));
    return 127;
  }
  std::unique_ptr<Command> command = parsed.entry->make();
  if (parsed.help) {
    ui.write_out(command_help(*parsed.entry, *command, ui));
    return 0;
  }
  if (parsed.flags_before) {
    ui.write_err(std::string("Invalid flags before the subcommand. If these flags are for\n") +
                 "the subcommand, please put them after the subcommand.\n\n" +
                 command_help(*parsed.entry, *command, ui));
    return 1;
  }
  int code = command->run(parsed.rest, ui);
  if (code != kShowHelp) return code;
  ui.write_err(command_help(*parsed.entry, *command, ui));
  return 1;
}

}  // namespace praetor::cli
