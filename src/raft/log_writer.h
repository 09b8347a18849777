// The log thread: takes log operations in order, gathers the appends that wait into one write and one sync,
// and reports what is durable. While one batch is on its way to the disk, the next one gathers.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "raft/core.h"
#include "raft/log_store.h"
#include "raft/loop.h"

namespace praetor::raft {

inline constexpr size_t kMaxLogBatchBytes = 8 << 20;  // data in one write; one entry may exceed it alone

class LogWriter {
 public:
  // What the log thread reports; called on it (or inside post() when inline), must not block.
  struct Events {
    std::function<void(uint64_t index, uint64_t term)> persisted;
    std::function<void(uint64_t first_index)> compacted;
    std::function<void(LogFetch, Result<std::vector<EntryRef>>)> fetched;
    std::function<void(const Error&)> failed;  // once; nothing is written afterwards
    // No room for an append: it and all behind it wait, and it is tried again. Then: there was room.
    std::function<void(const Error&)> full = nullptr;
    std::function<void()> room = nullptr;
    std::function<void(size_t entries, Instant start)> appended = nullptr;  // a batch is durable: measures it
  };

  // `store` outlives the writer. Without a loop each post does its work at once (a log in memory).
  // `clock` is the loop's.
  LogWriter(LogStore& store, std::unique_ptr<Loop> loop, Events events, Clock& clock,
            Duration full_disk_retry);
  ~LogWriter() { stop(); }
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void start();
  void post(std::vector<LogOperation>& operations);  // leaves it empty
  void post(LogFetch fetch);
  // Finishes what was posted. Idempotent.
  void stop();

  struct Counters {
    uint64_t batches = 0, entries = 0, bytes = 0;
  };
  Counters counters() const;

 private:
  using Job = std::variant<LogOperation, LogFetch>;
  Instant turn();
  // False: it stopped at an append that finds no room.
  bool work(std::vector<Job>& jobs, size_t& position);
  void gather(std::vector<Job>& jobs, size_t& position);
  bool append();
  void apply(LogOperation& operation);
  bool check(const Status& status);

  LogStore& store_;
  const std::unique_ptr<Loop> loop_;
  Events events_;
  Clock& clock_;
  const Duration full_disk_retry_;
  // Log thread:
  bool failed_ = false, full_ = false;
  Instant retry_at_{};
  std::vector<EntryRef> batch_;
  size_t batch_bytes_ = 0;
  mutable std::mutex mutex_;
  std::vector<Job> jobs_;
  std::vector<Job> working_;  // log thread: kept for its memory
  size_t position_ = 0;       // log thread: the next of working_
  Counters counters_;
};

}  // namespace praetor::raft
