#include "daemon/data_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace praetor::daemon {

Result<std::unique_ptr<DataLock>> DataLock::take(const std::string& directory) {
  if (directory.empty()) return nullptr;
  int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(io_error("open " + directory, errno));
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return std::unique_ptr<DataLock>(new DataLock(fd));
  int error = errno;
  ::close(fd);
  if (error == EWOULDBLOCK) return fail("another agent uses the data directory " + directory);
  return fail(io_error("lock " + directory, error));
}

DataLock::~DataLock() { ::close(fd_); }

}  // namespace praetor::daemon
