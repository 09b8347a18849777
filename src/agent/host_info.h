// The machine, as GET /v1/agent/host shows it (http-api.md 3).
#pragma once

#include <cstdint>
#include <string>

#include "codec/containers.h"
#include "codec/type.h"

namespace praetor::agent {

struct HostMemory {
  uint64_t total = 0, available = 0, used = 0;
  double used_percent = 0;
  // In bytes, in the order in which they are shown; see host_info.cc for their names.
  uint64_t free = 0, active = 0, inactive = 0, wired = 0, laundry = 0, buffers = 0, cached = 0, writeback = 0,
           dirty = 0, writeback_tmp = 0, shared = 0, slab = 0, slab_reclaimable = 0, slab_unreclaimable = 0,
           page_tables = 0, swap_cached = 0, commit_limit = 0, committed = 0, high_total = 0, high_free = 0,
           low_total = 0, low_free = 0, swap_total = 0, swap_free = 0, mapped = 0, vmalloc_total = 0,
           vmalloc_used = 0, vmalloc_chunk = 0, huge_pages_total = 0, huge_pages_free = 0, huge_page_size = 0;
};
PRAETOR_DESCRIBED(HostMemory)

struct HostCpu {
  int64_t cpu = 0;
  std::string vendor_id, family, model;
  int64_t stepping = 0;
  std::string physical_id, core_id;
  int64_t cores = 0;
  std::string model_name;
  double mhz = 0;
  int64_t cache_size = 0;  // KiB
  codec::List<std::string> flags;
  std::string microcode;
};
PRAETOR_DESCRIBED(HostCpu)

struct HostSystem {
  std::string hostname;
  uint64_t uptime = 0, boot_time = 0, processes = 0;
  std::string os, platform, platform_family, platform_version, kernel_version, kernel_arch,
      virtualization_system, virtualization_role, host_id;
};
PRAETOR_DESCRIBED(HostSystem)

struct HostDisk {
  std::string path, file_system;
  uint64_t total = 0, free = 0, used = 0;
  double used_percent = 0;
  uint64_t inodes_total = 0, inodes_used = 0, inodes_free = 0;
  double inodes_used_percent = 0;
};
PRAETOR_DESCRIBED(HostDisk)

struct HostInfo {
  HostMemory memory;
  codec::List<HostCpu> cpus;
  HostSystem system;
  HostDisk disk;
  int64_t collection_time = 0;  // nanoseconds since the epoch
  codec::List<std::string> errors;
};
PRAETOR_DESCRIBED(HostInfo)

// Reads /proc and /sys below `root` (for tests; empty: the machine's). What cannot be read stays empty, as
// most of it depends on the kernel. Blocks for as long as those reads take.
HostInfo collect_host_info(const std::string& root = "");

// A disk's kind by the magic number of statfs(2), as gopsutil names it; empty when it does not know.
std::string file_system_name(uint64_t magic);

}  // namespace praetor::agent
