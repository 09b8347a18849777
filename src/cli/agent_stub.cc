// TEMPORARY: stands for the agent until src/agent defines run_agent. Delete this file then (the linker would
// otherwise take it from here).
#include <cstdio>
#include <string>
#include <vector>

namespace praetor::agent {

__attribute__((weak)) int run_agent(const std::vector<std::string>&) {
  std::fputs("==> the agent is not part of this build\n", stderr);
  return 1;
}

}  // namespace praetor::agent
