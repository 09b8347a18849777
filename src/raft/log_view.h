// What the core knows of the log without reading it: its bounds, the term of every entry, and the newest
// entries themselves. The rest is fetched through effects.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "raft/log_store.h"
#include "raft/types.h"

namespace praetor::raft {

// Entries kept for followers that lag a little; older ones are read from the store.
inline constexpr size_t kCachedEntries = 4096;
inline constexpr size_t kCachedBytes = 16 << 20;

// Invariants: snapshot_index() + 1 >= first_index(); stable() <= last_index(); entries after
// min(stable(), applied) are cached.
class LogView {
 public:
  LogView() = default;
  // From what the store holds: [first, last] with these term runs, after a snapshot.
  LogView(uint64_t first, uint64_t last, std::vector<TermRun> terms, uint64_t snapshot_index,
          uint64_t snapshot_term);

  uint64_t first_index() const { return first_; }
  uint64_t last_index() const { return last_; }
  uint64_t last_term() const { return term(last_).value_or(0); }
  uint64_t snapshot_index() const { return snapshot_index_; }
  uint64_t snapshot_term() const { return snapshot_term_; }
  uint64_t stable() const { return stable_; }

  // 0 for index 0; nullopt when the entry is compacted away or not there yet.
  std::optional<uint64_t> term(uint64_t index) const;
  // First index of the run of equal terms that holds `index`. REQUIRES: first_index() <= index <=
  // last_index().
  uint64_t first_of_term(uint64_t index) const;

  void append(EntryRef entry);  // REQUIRES: entry->index == last_index() + 1, term not lower than the last
  void truncate_from(uint64_t index);
  void set_stable(uint64_t index, uint64_t term);  // ignored when that entry is not in the log any more
  void snapshot_taken(uint64_t index, uint64_t term);
  void compact_to(uint64_t index);            // entries up to `index` left the store
  void reset(uint64_t index, uint64_t term);  // an installed snapshot replaces everything

  // Null when the entry is not in memory.
  EntryRef cached(uint64_t index) const;
  // Drops what may be dropped: at most up to `applied`, keeping the newest `entries` of them.
  void trim_cache(uint64_t applied, size_t entries);

 private:
  uint64_t first_ = 1, last_ = 0, stable_ = 0;
  uint64_t snapshot_index_ = 0, snapshot_term_ = 0;
  std::vector<TermRun> terms_;  // of [first_, last_], ascending
  std::deque<EntryRef> cache_;  // the last cache_.size() entries
  size_t cache_bytes_ = 0;
};

}  // namespace praetor::raft
