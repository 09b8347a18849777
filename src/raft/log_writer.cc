#include "raft/log_writer.h"

namespace praetor::raft {
namespace {
constexpr size_t kMaxFetchBytes = 1 << 20;
}

LogWriter::LogWriter(LogStore& store, std::unique_ptr<Loop> loop, Events events)
    : store_(store), loop_(std::move(loop)), events_(std::move(events)) {}

void LogWriter::start() {
  if (loop_) loop_->start([this] { return turn(); });
}

void LogWriter::post(std::vector<LogOperation>& operations) {
  if (operations.empty()) return;
  if (!loop_) {
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
  loop_->notify();
}

void LogWriter::post(LogFetch fetch) {
  if (!loop_) {
    std::vector<Job> jobs;
    jobs.emplace_back(std::move(fetch));
    return work(jobs);
  }
  {
    std::lock_guard lock(mutex_);
    jobs_.emplace_back(std::move(fetch));
  }
  loop_->notify();
}

void LogWriter::stop() {
  if (loop_) loop_->stop();
}

LogWriter::Counters LogWriter::counters() const {
  std::lock_guard lock(mutex_);
  return counters_;
}

Instant LogWriter::turn() {
  {
    std::lock_guard lock(mutex_);
    working_.swap(jobs_);
  }
  work(working_);
  working_.clear();
  return Instant::max();
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
