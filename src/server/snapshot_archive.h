// The archive of a snapshot, as the HTTP API and the command line exchange it (wire.md 7.5): a gzipped tar of
// meta.json, state.bin and SHA256SUMS. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "raft/node.h"

namespace praetor::server {

// Of an archive, unpacked; listed in docs/limits.md.
inline constexpr size_t kMaxArchiveStateBytes = size_t{4} << 30;
inline constexpr size_t kMaxArchiveTextBytes = size_t{16} << 20;  // of meta.json and SHA256SUMS

// Writes the archive piece by piece; an error of the sink ends it.
Status write_archive(raft::SnapshotStream& snapshot, const std::function<Status(std::string_view)>& sink);

// Pieces of an archive, each valid until the next call; an empty one at its end.
using ArchiveSource = std::function<Result<std::string_view>()>;
using StateSink = std::function<Status(std::string_view)>;
// Unpacks and verifies, in little memory; the state goes to `on_state` (which may be empty) before it is
// known to be whole. Error texts are Consul's: `failed to decompress snapshot: gzip: invalid header`, `failed
// to read snapshot file: failed checking integrity of snapshot: …`.
Result<raft::SnapshotMeta> unpack_archive(const ArchiveSource& archive, const StateSink& on_state);

struct OpenArchive {
  raft::SnapshotMeta meta;
  std::shared_ptr<const std::string> state;
};
// As unpack_archive, with the state in memory.
Result<OpenArchive> read_archive(std::string_view archive);

// Reads a state that is in memory.
std::unique_ptr<raft::SnapshotReader> make_reader(std::shared_ptr<const std::string> state);

}  // namespace praetor::server
