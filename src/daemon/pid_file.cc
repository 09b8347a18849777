#include "daemon/pid_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace praetor::daemon {

Result<std::unique_ptr<PidFile>> PidFile::write(const std::string& path) {
  if (path.empty()) return nullptr;
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return fail("Could not open pid file: " + io_error("open " + path, errno).message);
  std::string text = std::to_string(::getpid());
  ssize_t written = ::write(fd, text.data(), text.size());
  int error = errno;
  ::close(fd);
  if (written != static_cast<ssize_t>(text.size()))
    return fail("Could not write to pid file: " + io_error("write " + path, error).message);
  return std::unique_ptr<PidFile>(new PidFile(path));
}

PidFile::~PidFile() { ::unlink(path_.c_str()); }

}  // namespace praetor::daemon
