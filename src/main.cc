// The program `praetor`; started as `consul` it calls itself that.
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/ui.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::string_view name = argc > 0 ? argv[0] : "";
  name.remove_prefix(name.rfind('/') + 1);
  praetor::cli::ProcessUi ui(name == "consul" ? "consul" : "praetor");
  return praetor::cli::run_program(std::vector<std::string>(argv + 1, argv + argc), ui);
}
