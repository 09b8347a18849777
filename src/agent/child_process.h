// A program that runs for the agent (a script check, a job of `consul exec`).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace praetor::agent {

// Starts `program` (looked for in $PATH when it has no slash) in a process group of its own, with default
// signals, nothing to read, and `output` as both outputs. Returns 0 and sets `pid`, or an error number. Any
// thread.
int spawn_group(const std::string& program, const std::vector<std::string>& args, int output, pid_t& pid);

}  // namespace praetor::agent
