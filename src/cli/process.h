// Child processes of commands: handlers of `watch`, the child of `lock`.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace praetor::cli {

struct ChildOptions {
  std::vector<std::string> args;
  // Runs the arguments, joined by blanks, in $SHELL (default /bin/sh) -c.
  bool shell = false;
  // The child's standard input: this text, or the parent's own, or nothing.
  std::optional<std::string> input;
  bool share_input = false;
  std::map<std::string, std::string> environment;  // on top of the parent's
};

// Starts the child with the parent's stdout and stderr. Errors are Go's:
// `fork/exec /x: no such file or directory`, `exec: "x": executable file not found in $PATH`.
// A text as input is written before this returns (or until the child closes its end); the process must ignore
// SIGPIPE for that.
Result<pid_t> start_child(const ChildOptions& options);

// Waits for the end: nothing after exit code 0, else `exit status 3`, `signal: killed`.
std::optional<std::string> wait_child(pid_t child);

}  // namespace praetor::cli
