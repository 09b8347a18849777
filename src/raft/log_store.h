// The replicated log's storage: SegmentLog on disk, MemoryLog for -dev.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "raft/types.h"

namespace praetor::raft {

// The log from first_index on has this term, up to the next run.
struct TermRun {
  uint64_t first_index = 0;
  uint64_t term = 0;
  bool operator==(const TermRun&) const = default;
};

// Threads: one writer (append, truncate_from, compact_to, reset) and any number of readers at once.
// Invariant: indexes are consecutive from first_index() to last_index(); an empty log has
// last_index() == first_index() - 1. A failed write leaves the log failed: every later write fails too. But
// an append that found no room (kNoRoom) changed nothing, and the same append may be tried again.
class LogStore {
 public:
  virtual ~LogStore() = default;

  virtual uint64_t first_index() const = 0;
  virtual uint64_t last_index() const = 0;

  // One durable batch: when it returns, all entries survive a power cut. REQUIRES: not empty, consecutive,
  // beginning at last_index() + 1.
  virtual Status append(std::span<const EntryRef> entries) = 0;
  // Removes [index, last_index()], durably. REQUIRES: first_index() <= index <= last_index() + 1.
  virtual Status truncate_from(uint64_t index) = 0;
  // Allows everything up to and including `index` to go; whole segments do.
  virtual Status compact_to(uint64_t index) = 0;
  // Removes everything; the next append begins at `next_index`.
  virtual Status reset(uint64_t next_index) = 0;

  // The entries of [from, to] (inside the log), in order, at least one, stopping after `max_bytes` of data.
  virtual Result<std::vector<EntryRef>> read(uint64_t from, uint64_t to, size_t max_bytes) const = 0;
};

}  // namespace praetor::raft
