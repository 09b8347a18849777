#include "raft/log_writer.h"

#include "raft/worker.h"

namespace praetor::raft {
namespace {
constexpr size_t kMaxFetchBytes = 1 << 20;
}

LogWriter::LogWriter(LogStore& store, bool run_inline, Events events)
    : store_(store), inline_(run_inline), events_(std::move(events)) {}

void LogWriter::start() {
  if (!inline_) thread_ = std::thread([this] { run(); });
}

void LogWriter::post(std::vector<LogOperation>& operations) {
  if (operations.empty()) return;
  if (inline_) {
    std::vector<Job> jobs;
    for (LogOperation& operation : operations) jobs.emplace_back(std::move(operation));
    operations.clear();
    return work(jobs);
  }
  {
    std::lock_guard lock(mutex_);
    for (LogOperation& operation : operations) jobs_.emplace_back(std::move(operation));
  }
  operations.clear();
  waker_.notify();
}

void LogWriter::post(LogFetch fetch) {
  if (inline_) {
    std::vector<Job> jobs;
    jobs.emplace_back(std::move(fetch));
    return work(jobs);
  }
  {
    std::lock_guard lock(mutex_);
    jobs_.emplace_back(std::move(fetch));
  }
  waker_.notify();
}

void LogWriter::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  waker_.notify();
  if (thread_.joinable()) thread_.join();
}

LogWriter::Counters LogWriter::counters() const {
  std::lock_guard lock(mutex_);
  return counters_;
}

void LogWriter::run() {
  name_this_thread("raft-log");
  std::vector<Job> jobs;
  for (bool stopping = false; !stopping;) {
    waker_.wait(Duration::max());
    {
      std::lock_guard lock(mutex_);
      jobs.swap(jobs_);
      stopping = stopping_;
    }
    work(jobs);
    jobs.clear();
  }
}

void LogWriter::work(std::vector<Job>& jobs) {
  for (size_t i = 0; i < jobs.size();) {
    if (auto* fetch = std::get_if<LogFetch>(&jobs[i])) {
      auto entries = store_.read(fetch->from, fetch->to, kMaxFetchBytes);
      events_.fetched(std::move(*fetch), std::move(entries));
      ++i;
    } else if (auto& operation = std::get<LogOperation>(jobs[i]);
               std::holds_alternative<LogAppend>(operation)) {
      append(jobs, i);
    } else {
      apply(operation);
      ++i;
    }
  }
}

void LogWriter::append(std::vector<Job>& jobs, size_t& position) {
  batch_.clear();
  size_t bytes = 0;
  for (; position < jobs.size() && bytes < kMaxLogBatchBytes; ++position) {
    auto* operation = std::get_if<LogOperation>(&jobs[position]);
    auto* more = operation != nullptr ? std::get_if<LogAppend>(operation) : nullptr;
    if (more == nullptr) break;
    for (EntryRef& entry : more->entries) {
      bytes += entry->data.size();
      batch_.push_back(std::move(entry));
    }
  }
  Instant start = system_clock().now();
  if (failed_ || !check(store_.append(batch_))) return;
  if (events_.appended) events_.appended(batch_.size(), start);
  {
    std::lock_guard lock(mutex_);
    ++counters_.batches;
    counters_.entries += batch_.size();
    counters_.bytes += bytes;
  }
  events_.persisted(batch_.back()->index, batch_.back()->term);
  batch_.clear();
}

void LogWriter::apply(LogOperation& operation) {
  if (failed_) return;
  if (auto* truncate = std::get_if<LogTruncate>(&operation)) {
    check(store_.truncate_from(truncate->from));
  } else if (auto* compact = std::get_if<LogCompact>(&operation)) {
    if (check(store_.compact_to(compact->to))) events_.compacted(store_.first_index());
  } else if (auto* reset = std::get_if<LogReset>(&operation)) {
    check(store_.reset(reset->next_index));
  }
}

bool LogWriter::check(const Status& status) {
  if (status) return true;
  failed_ = true;
  events_.failed(status.error());
  return false;
}

}  // namespace praetor::raft
