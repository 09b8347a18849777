// Snapshots on disk as Consul keeps them: snapshots/<term>-<index>-<unix ms>/{meta.json,state.bin}, written
// under a
// ".tmp" name and renamed when synced. meta.json carries the CRC-64 of state.bin, and (ours, which Consul
// ignores) a checksum of itself, so that a changed bit anywhere is found.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "raft/env.h"
#include "raft/state_machine.h"
#include "raft/types.h"

namespace praetor::raft {

// A snapshot being written; removed by the destructor unless finished. One thread at a time.
class PendingSnapshot : public SnapshotSink {
 public:
  virtual uint64_t size() const = 0;  // what was written so far
  // Makes it durable and visible under meta's index, term and configuration; fills in id and size.
  virtual Result<SnapshotMeta> finish(SnapshotMeta meta) = 0;
};

// Callable from several threads.
class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;
  virtual Result<std::unique_ptr<PendingSnapshot>> create() = 0;
  // Newest first (by term, then index). Unreadable ones are left out and reported.
  virtual Result<std::vector<SnapshotMeta>> list() = 0;
  // The reader verifies size and checksum and stays usable when the snapshot is removed.
  virtual Result<std::unique_ptr<SnapshotReader>> open(const SnapshotMeta& meta) = 0;
  virtual Status remove(const SnapshotMeta& meta) = 0;
  // Removes all but the newest `keep`.
  Status retain(size_t keep);
};

class FileSnapshotStore final : public SnapshotStore {
 public:
  // Creates the directory, removes what an interrupted write left. `file_system` and `clock` outlive the
  // store.
  static Result<std::unique_ptr<FileSnapshotStore>> open(FileSystem& file_system, Clock& clock,
                                                         std::string directory,
                                                         std::function<void(const std::string&)> on_log);
  Result<std::unique_ptr<PendingSnapshot>> create() override;
  Result<std::vector<SnapshotMeta>> list() override;
  Result<std::unique_ptr<SnapshotReader>> open(const SnapshotMeta& meta) override;
  Status remove(const SnapshotMeta& meta) override;

 private:
  FileSnapshotStore(FileSystem& file_system, Clock& clock, std::string directory,
                    std::function<void(const std::string&)> on_log)
      : file_system_(file_system),
        clock_(clock),
        directory_(std::move(directory)),
        on_log_(std::move(on_log)) {}
  Status remove_directory(const std::string& path);

  FileSystem& file_system_;
  Clock& clock_;
  const std::string directory_;
  const std::function<void(const std::string&)> on_log_;
  std::atomic<uint64_t> created_{0};  // tells the temporary names apart
};

// Keeps the newest snapshot only (-dev).
class MemorySnapshotStore final : public SnapshotStore {
 public:
  explicit MemorySnapshotStore(Clock& clock) : clock_(clock) {}
  Result<std::unique_ptr<PendingSnapshot>> create() override;
  Result<std::vector<SnapshotMeta>> list() override;
  Result<std::unique_ptr<SnapshotReader>> open(const SnapshotMeta& meta) override;
  Status remove(const SnapshotMeta& meta) override;

 private:
  class Pending;
  Clock& clock_;
  std::mutex mutex_;
  SnapshotMeta meta_;
  std::shared_ptr<const std::string> content_;  // null when there is none
};

// The text of meta.json (snapshot archives hold one without the checksums), and back.
std::string encode_snapshot_meta(const SnapshotMeta& meta);
Result<SnapshotMeta> decode_snapshot_meta(std::string_view json);

}  // namespace praetor::raft
