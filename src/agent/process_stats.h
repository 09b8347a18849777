// What the kernel says of this process (docs/telemetry.md: consul.runtime.* and process_*).
#pragma once

#include <cstdint>

namespace praetor::agent {

struct ProcessStats {
  uint64_t threads = 0;
  uint64_t virtual_bytes = 0;
  uint64_t resident_bytes = 0;
  uint64_t anonymous_bytes = 0;  // resident and backed by no file: what the program has allocated and touched
  double cpu_seconds = 0;
  double start_time_seconds = 0;  // since the epoch
};

// What cannot be read is 0. Costs two reads of /proc.
ProcessStats read_process_stats();

struct ProcessLimits {
  uint64_t open_files = 0;
  uint64_t max_files = 0;
  uint64_t max_virtual_bytes = 0;  // UINT64_MAX: none
};
ProcessLimits read_process_limits();

}  // namespace praetor::agent
