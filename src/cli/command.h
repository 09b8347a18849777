// A command of the program: its flags, its help, what it does. Registered in registry.cc.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/api.h"
#include "cli/flags.h"
#include "cli/ui.h"

namespace praetor::cli {

// run() asks for its help text on stderr and exit code 1.
inline constexpr int kShowHelp = -18511;

class Command {
 public:
  virtual ~Command() = default;
  virtual std::string help(const Ui& ui) const = 0;
  // The exit code. One call an object.
  virtual int run(const std::vector<std::string>& args, Ui& ui) = 0;
};

// A command whose arguments start with flags. Derived classes register theirs in the constructor.
class FlagCommand : public Command {
 public:
  std::string help(const Ui& ui) const override;
  int run(const std::vector<std::string>& args, Ui& ui) override;

 protected:
  // `usage`: the text above the options, in which the program is called `praetor`; a literal.
  FlagCommand(std::string_view usage, HttpFlagSet http) : usage_(usage) { http_.add_to(flags_, http); }
  // `args` is what follows the flags.
  virtual int execute(const std::vector<std::string>& args, Ui& ui) = 0;
  // The API client; null after the error was told (exit code 1).
  std::unique_ptr<Api> open_api(Ui& ui, const Cancel* cancel = nullptr);

  // Asks the agent who it is, as some commands do before their work; tells the error.
  static bool agent_answers(Api& api, Ui& ui);

  // After the flags' own text, commands that have it tell the failure once more behind these words.
  void tell_flag_failure(std::string_view words) { flag_failure_words_ = words; }
  void set_flag_failure_code(int code) { flag_failure_code_ = code; }

  FlagSet flags_;
  HttpFlags http_;

 private:
  std::string_view usage_;
  std::string_view flag_failure_words_;
  int flag_failure_code_ = 1;
};

inline constexpr std::string_view kFailedToParseArgs = "Failed to parse args: ";

struct CommandEntry {
  std::string_view name;  // "kv get"
  std::string_view synopsis;
  std::unique_ptr<Command> (*make)();
};

// Sorted by name.
std::span<const CommandEntry> command_entries();

// The whole program: `args` without the program's name. Texts on `ui`; the result is the exit code.
int run_program(const std::vector<std::string>& args, Ui& ui);

// Adds the -namespace flag of Enterprise; its value goes to the API, which refuses it.
void add_namespace_flag(FlagSet& flags, std::optional<std::string>* target);

// `Too many arguments (expected 1, got 2)`.
std::string too_many(size_t expected, size_t got);

}  // namespace praetor::cli
