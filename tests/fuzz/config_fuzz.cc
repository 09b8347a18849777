// Any text as a configuration file: refused with a text, or built and validated. The first byte chooses JSON
// or HCL.
#include <sys/mman.h>
#include <unistd.h>

#include "agent/config_load.h"
#include "tests/fuzz/target.h"

namespace {

// A file that only this process sees.
class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) { CHECK(fd_ >= 0); }
  ~MemoryFile() { ::close(fd_); }
  void fill(std::string_view bytes) const {
    CHECK(::ftruncate(fd_, 0) == 0);
    CHECK(::pwrite(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace

PRAETOR_FUZZ_TARGET(config) {
  using namespace praetor::agent;
  static const MemoryFile file;
  if (input.empty()) return;
  LoadOptions options;
  options.config_files = {file.path()};
  options.config_format = (input[0] & 1) != 0 ? "hcl" : "json";
  options.dev_mode = (input[0] & 2) != 0;
  file.fill(input.substr(1));
  if (auto loaded = load_config(options)) {
    CHECK(!loaded->config.node_name.empty());
  } else {
    CHECK(!loaded.error().message.empty());
  }
}
