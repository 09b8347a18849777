// A log that lives and dies with the process (-dev).
#pragma once

#include <deque>
#include <mutex>

#include "raft/log_store.h"

namespace praetor::raft {

class MemoryLog final : public LogStore {
 public:
  uint64_t first_index() const override;
  uint64_t last_index() const override;
  Status append(std::span<const EntryRef> entries) override;
  Status truncate_from(uint64_t index) override;
  Status compact_to(uint64_t index) override;
  Status reset(uint64_t next_index) override;
  Result<std::vector<EntryRef>> read(uint64_t from, uint64_t to, size_t max_bytes) const override;

 private:
  mutable std::mutex mutex_;
  uint64_t first_ = 1;
  std::deque<EntryRef> entries_;
};

}  // namespace praetor::raft
