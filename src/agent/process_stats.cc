#include "agent/process_stats.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace praetor::agent {
namespace {

std::string read_small_file(const char* path) {
  std::string text(4096, '\0');
  int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  ssize_t got = ::read(fd, text.data(), text.size());
  ::close(fd);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

uint64_t number(const std::vector<std::string_view>& fields, size_t index) {
  uint64_t value = 0;
  if (index < fields.size())
    std::from_chars(fields[index].data(), fields[index].data() + fields[index].size(), value);
  return value;
}

// Since the epoch; 0 when it cannot be read.
double boot_time() {
  std::string text;
  text.reserve(64 << 10);
  int fd = ::open("/proc/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char buffer[4096];
  for (ssize_t got; (got = ::read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(got));
  ::close(fd);
  size_t at = text.find("btime ");
  return at == text.npos ? 0 : std::strtod(text.c_str() + at + 6, nullptr);
}

}  // namespace

ProcessStats read_process_stats() {
  static const double boot = boot_time();
  static const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  static const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  ProcessStats stats;
  std::string stat = read_small_file("/proc/self/stat");
  // The name, in brackets, may contain anything; what follows it begins with the third field.
  if (size_t end = stat.rfind(") "); end != stat.npos) {
    auto fields = split(std::string_view(stat).substr(end + 2), ' ');
    stats.cpu_seconds = static_cast<double>(number(fields, 11) + number(fields, 12)) / ticks;
    stats.threads = number(fields, 17);
    stats.start_time_seconds = boot + static_cast<double>(number(fields, 19)) / ticks;
    stats.virtual_bytes = number(fields, 20);
  }
  std::string statm = read_small_file("/proc/self/statm");
  auto fields = split(statm, ' ');
  uint64_t resident = number(fields, 1), shared = number(fields, 2);
  stats.resident_bytes = resident * page;
  stats.anonymous_bytes = (resident - std::min(resident, shared)) * page;
  return stats;
}

ProcessLimits read_process_limits() {
  ProcessLimits limits;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) limits.max_files = limit.rlim_cur;
  if (::getrlimit(RLIMIT_AS, &limit) == 0) limits.max_virtual_bytes = limit.rlim_cur;
  if (DIR* directory = ::opendir("/proc/self/fd")) {
    while (::readdir(directory)) ++limits.open_files;
    ::closedir(directory);
    limits.open_files -= std::min<uint64_t>(limits.open_files, 3);  // ".", ".." and the directory itself
  }
  return limits;
}

}  // namespace praetor::agent
