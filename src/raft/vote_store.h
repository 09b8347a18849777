// Term and vote on disk: the file "vote", two slots that both hold the current state. A write changes one
// slot, syncs, then the other: a crash damages at most one of them, and so does a failing sector.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "raft/env.h"
#include "raft/types.h"

namespace praetor::raft {

// Owned by the consensus thread.
class VoteStore {
 public:
  virtual ~VoteStore() = default;
  virtual HardState state() const = 0;
  // Durable when it returns. A failure is final: nothing that depends on the state may be sent.
  virtual Status save(const HardState& state) = 0;
};

inline constexpr size_t kMaxServerIdBytes = 256;

class FileVoteStore final : public VoteStore {
 public:
  // Creates the file (empty state) when absent. kCorrupt names the file when neither slot is readable.
  static Result<std::unique_ptr<FileVoteStore>> open(FileSystem& file_system, const std::string& path);
  HardState state() const override { return state_; }
  Status save(const HardState& state) override;

 private:
  FileVoteStore(std::string path, std::unique_ptr<File> file)
      : path_(std::move(path)), file_(std::move(file)) {}
  Status write_slots();

  std::string path_;
  std::unique_ptr<File> file_;
  uint64_t sequence_ = 0;
  HardState state_;
  bool failed_ = false;
};

class MemoryVoteStore final : public VoteStore {
 public:
  HardState state() const override { return state_; }
  Status save(const HardState& state) override {
    state_ = state;
    return {};
  }

 private:
  HardState state_;
};

}  // namespace praetor::raft
