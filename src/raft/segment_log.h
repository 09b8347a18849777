// The log on disk: segment files "<first index, 20 digits>.log", each a header and records (log_record.h).
// Appends go to the newest; compaction deletes whole old ones, so a write never costs more for a longer
// history.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "raft/env.h"
#include "raft/log_store.h"

namespace praetor::raft {

class SegmentLog final : public LogStore {
 public:
  struct OpenOptions {
    std::string directory;  // created when absent
    size_t segment_bytes = 16 << 20;
    uint64_t snapshot_index = 0;          // entries up to here are not needed; an empty log begins after it
    std::function<uint32_t()> make_salt;  // a fresh random number for each segment
    std::function<void(const std::string&)> on_log;  // one line a repair; may be null
    // What the error about damage says at its end.
    std::string advice =
        "The server does not start with a damaged log: move its raft directory away so that it joins again "
        "empty and is brought up to date, or restore a snapshot";
  };
  // What opening learned by reading everything once.
  struct Contents {
    std::vector<TermRun> terms;
    std::vector<EntryRef> configurations;  // all configuration entries, in order
  };

  // Verifies every record. The incomplete end that a crash left of the last append (never acknowledged) is
  // cut off and reported; anything else that is not what was written is kCorrupt and names file and offset.
  static Result<std::unique_ptr<SegmentLog>> open(FileSystem& file_system, OpenOptions options,
                                                  Contents& contents);

  uint64_t first_index() const override;
  uint64_t last_index() const override;
  Status append(std::span<const EntryRef> entries) override;
  Status truncate_from(uint64_t index) override;
  Status compact_to(uint64_t index) override;
  Status reset(uint64_t next_index) override;
  Result<std::vector<EntryRef>> read(uint64_t from, uint64_t to, size_t max_bytes) const override;

 private:
  struct Segment {
    uint64_t first = 0;
    std::string path;
    uint32_t salt = 0;
    std::shared_ptr<File> file;     // shared with reads under way
    std::vector<uint32_t> offsets;  // of each record
    uint64_t end = 0;               // where the next record goes
    uint64_t allocated = 0;
    uint64_t zeroed = 0;  // up to here its blocks were written already, with zeros behind `end`
    bool torn = false;    // behind `end` stands a part of an append that found no room

    uint64_t next() const { return first + offsets.size(); }
  };
  class Recovery;

  SegmentLog(FileSystem& file_system, OpenOptions options)
      : file_system_(file_system), options_(std::move(options)) {}
  Status open_segments(Contents& contents);
  Result<Segment> create_segment(uint64_t first, size_t bytes);
  Status remove_newest_while(const std::function<bool(const Segment&)>& condition);
  Status guarded(const std::function<Status()>& write);
  Status write_batch(std::span<const EntryRef> entries);
  Status zero_ahead(Segment& segment, uint64_t end) const;
  Status sync_batch();
  Status clear_behind_end(Segment& segment);
  void log(const std::string& line) const;

  FileSystem& file_system_;
  const OpenOptions options_;
  std::string buffer_;             // writer only
  std::vector<uint32_t> offsets_;  // writer only
  std::optional<Error> failure_;   // writer only
  mutable std::mutex mutex_;       // guards segments_
  std::vector<Segment> segments_;  // never empty after open; the last one takes appends
};

}  // namespace praetor::raft
