#include "cli/ui.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace praetor::cli {
namespace {

constexpr int kBrokenPipe = 128 + 13;

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      std::_Exit(kBrokenPipe);  // nobody is left to tell; as a process that SIGPIPE ends
    }
    text.remove_prefix(static_cast<size_t>(count));
  }
}

Result<std::string> read_all(int fd, const std::string& name) {
  std::string text;
  char buffer[65536];
  for (;;) {
    ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(io_error("read " + name, errno));
    if (count == 0) return text;
    text.append(buffer, static_cast<size_t>(count));
  }
}

}  // namespace

void ProcessUi::write_out(std::string_view text) { write_all(STDOUT_FILENO, text); }
void ProcessUi::write_err(std::string_view text) { write_all(STDERR_FILENO, text); }
Result<std::string> ProcessUi::read_in() { return read_all(STDIN_FILENO, "/dev/stdin"); }

std::optional<std::string> ProcessUi::env(const std::string& name) const {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

Result<std::string> read_file(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(io_error("open " + path, errno));
  auto text = read_all(fd, path);
  ::close(fd);
  return text;
}

Result<std::string> read_data(const std::string& argument, Ui& ui) {
  if (argument == "-") {
    auto text = ui.read_in();
    if (!text) return fail("Failed to read stdin: " + text.error().message);
    return text;
  }
  if (!argument.starts_with('@')) return argument;
  auto text = read_file(argument.substr(1));
  if (!text) return fail("Failed to read file: " + text.error().message);
  return text;
}

}  // namespace praetor::cli
