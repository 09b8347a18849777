// Snapshot archives: a gzipped tar of meta.json, state.bin and SHA256SUMS, as Consul writes them.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace praetor::cli {

struct SnapshotMeta {
  int64_t version = 0;
  std::string id;
  uint64_t index = 0;
  uint64_t term = 0;
  int64_t size = 0;
};

// Reads a whole archive and checks every hash. Errors carry Consul's wording:
// `failed to decompress snapshot: …`, `failed to read snapshot file: …`.
Result<SnapshotMeta> verify_snapshot(const std::string& path);

}  // namespace praetor::cli
