// The log thread: takes log operations in order, gathers the appends that wait into one write and one sync,
// and reports what is durable. While one batch is on its way to the disk, the next one gathers.
#pragma once

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "raft/core.h"
#include "raft/log_store.h"
#include "raft/waker.h"

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
    std::function<void(size_t entries, Instant start)> appended = nullptr;  // a batch is durable: measures it
  };

  // `store` outlives the writer. Inline: no thread, each post does its work at once (a log in memory).
  LogWriter(LogStore& store, bool run_inline, Events events);
  ~LogWriter() { stop(); }
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void start();
  void post(std::vector<LogOperation>& operations);  // leaves it empty
  void post(LogFetch fetch);
  // Finishes what was posted, then joins. Idempotent.
  void stop();

  struct Counters {
    uint64_t batches = 0, entries = 0, bytes = 0;
  };
  Counters counters() const;

 private:
  using Job = std::variant<LogOperation, LogFetch>;
  void run();
  void work(std::vector<Job>& jobs);
  void append(std::vector<Job>& jobs, size_t& position);
  void apply(LogOperation& operation);
  bool check(const Status& status);

  LogStore& store_;
  const bool inline_;
  Events events_;
  bool failed_ = false;          // log thread
  std::vector<EntryRef> batch_;  // log thread
  Waker waker_;
  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::vector<Job> jobs_;
  Counters counters_;
  std::thread thread_;
};

}  // namespace praetor::raft
