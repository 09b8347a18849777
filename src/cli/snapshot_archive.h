// Archives of snapshots in files (server/snapshot_archive.h tells what they are).
#pragma once

#include <string>

#include "base/result.h"
#include "raft/types.h"

namespace praetor::cli {

// Reads a whole archive and checks every hash. Errors carry Consul's wording:
// `failed to decompress snapshot: …`, `failed to read snapshot file: …`.
Result<raft::SnapshotMeta> verify_snapshot(const std::string& path);

}  // namespace praetor::cli
