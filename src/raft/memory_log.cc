#include "raft/memory_log.h"

#include "base/check.h"

namespace praetor::raft {

uint64_t MemoryLog::first_index() const {
  std::lock_guard lock(mutex_);
  return first_;
}

uint64_t MemoryLog::last_index() const {
  std::lock_guard lock(mutex_);
  return first_ + entries_.size() - 1;
}

Status MemoryLog::append(std::span<const EntryRef> entries) {
  std::lock_guard lock(mutex_);
  for (const EntryRef& entry : entries) {
    CHECK(entry->index == first_ + entries_.size());
    entries_.push_back(entry);
  }
  return {};
}

Status MemoryLog::truncate_from(uint64_t index) {
  std::lock_guard lock(mutex_);
  CHECK(index >= first_ && index <= first_ + entries_.size());
  entries_.resize(index - first_);
  return {};
}

Status MemoryLog::compact_to(uint64_t index) {
  std::lock_guard lock(mutex_);
  while (!entries_.empty() && first_ <= index) {
    entries_.pop_front();
    ++first_;
  }
  return {};
}

Status MemoryLog::reset(uint64_t next_index) {
  std::lock_guard lock(mutex_);
  entries_.clear();
  first_ = next_index;
  return {};
}

Result<std::vector<EntryRef>> MemoryLog::read(uint64_t from, uint64_t to, size_t max_bytes) const {
  std::lock_guard lock(mutex_);
  if (from < first_ || to >= first_ + entries_.size() || from > to)
    return fail("log: entries " + std::to_string(from) + " to " + std::to_string(to) + " are not in the log",
                ErrorKind::kNotFound);
  std::vector<EntryRef> out;
  size_t bytes = 0;
  for (uint64_t index = from; index <= to && (out.empty() || bytes < max_bytes); ++index) {
    out.push_back(entries_[index - first_]);
    bytes += out.back()->data.size();
  }
  return out;
}

}  // namespace praetor::raft
