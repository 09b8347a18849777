#include "cli/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/text.h"

extern char** environ;

namespace praetor::cli {
namespace {

constexpr const char* kDefaultShell = "/bin/sh";

// The file that a command without a slash names.
Result<std::string> find_program(const std::string& name) {
  if (name.contains('/')) return name;
  const char* path = std::getenv("PATH");
  for (std::string_view folder : split(path == nullptr ? "" : path, ':')) {
    std::string candidate = (folder.empty() ? "." : std::string(folder)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return fail("exec: " + go_quote(name) + ": executable file not found in $PATH");
}

std::vector<std::string> child_environment(const std::map<std::string, std::string>& extra) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    if (!extra.contains(std::string(text.substr(0, text.find('='))))) result.emplace_back(text);
  }
  for (const auto& [name, value] : extra) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

void write_input(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;  // the child does not want it
    text.remove_prefix(static_cast<size_t>(count));
  }
}

std::string signal_name(int number) {
  switch (number) {  // Go's names, where libc's differ
    case SIGKILL:
      return "killed";
    case SIGTERM:
      return "terminated";
    case SIGINT:
      return "interrupt";
    case SIGHUP:
      return "hangup";
    case SIGQUIT:
      return "quit";
    case SIGABRT:
      return "aborted";
    default: {
      const char* text = ::sigdescr_np(number);
      return text == nullptr ? "signal " + std::to_string(number) : to_lower(text);
    }
  }
}

}  // namespace

Result<pid_t> start_child(const ChildOptions& options) {
  std::vector<std::string> args = options.args;
  if (options.shell) {
    const char* shell = std::getenv("SHELL");
    args = {shell != nullptr && *shell != '\0' ? shell : kDefaultShell, "-c", join(options.args, " ")};
  }
  if (args.empty()) return fail("need an executable to run");
  TRY_ASSIGN(std::string program, find_program(args[0]));
  std::vector<std::string> environment = child_environment(options.environment);

  int input[2] = {-1, -1};
  if (options.input && ::pipe2(input, O_CLOEXEC) != 0) return std::unexpected(io_error("pipe", errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (options.input) {
    posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  } else if (!options.share_input) {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  // The parent ignores SIGPIPE and may catch others: the child starts with the defaults.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (int number : {SIGPIPE, SIGINT, SIGTERM}) sigaddset(&defaults, number);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

  pid_t child = -1;
  int code = ::posix_spawn(&child, program.c_str(), &actions, &attributes, pointers(args).data(),
                           pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (options.input) ::close(input[0]);
  if (code == 0 && options.input) write_input(input[1], *options.input);
  if (options.input) ::close(input[1]);
  if (code != 0) return std::unexpected(io_error("fork/exec " + program, code));
  return child;
}

std::optional<std::string> wait_child(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return io_error("wait", errno).message;
  }
  if (WIFEXITED(status)) {
    int code = WEXITSTATUS(status);
    if (code == 0) return std::nullopt;
    return "exit status " + std::to_string(code);
  }
  return "signal: " + signal_name(WTERMSIG(status)) + (WCOREDUMP(status) ? " (core dumped)" : "");
}

}  // namespace praetor::cli
