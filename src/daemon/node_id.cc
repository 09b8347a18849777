#include "daemon/node_id.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/random.h"
#include "base/text.h"
#include "base/uuid.h"

namespace praetor::daemon {

Result<std::string> ensure_node_id(const agent::RuntimeConfig& config) {
  if (!config.node_id.empty()) return config.node_id;
  if (config.dev_mode || config.data_dir.empty()) return make_uuid(thread_random());
  std::string path = config.data_dir + "/node-id";
  if (std::ifstream file(path); file) {
    std::stringstream text;
    text << file.rdbuf();
    std::string id = to_lower(trim(text.str()));
    if (is_uuid(id)) return id;
    return fail("Failed to setup node ID: the file " + path + " does not hold a UUID; restore it or remove it");
  }
  ::mkdir(config.data_dir.c_str(), 0755);
  std::string id = make_uuid(thread_random());
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return fail(io_error("Failed to setup node ID: open " + path, errno));
  bool written = ::write(fd, id.data(), id.size()) == static_cast<ssize_t>(id.size()) && ::fsync(fd) == 0;
  int error = errno;
  ::close(fd);
  if (!written) {
    ::unlink(path.c_str());
    return fail(io_error("Failed to setup node ID: write " + path, error));
  }
  return id;
}

}  // namespace praetor::daemon
