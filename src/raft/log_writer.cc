#include "raft/log_writer.h"

#include <utility>

#include "raft/env.h"

namespace praetor::raft {
namespace {
constexpr size_t kMaxFetchBytes = 1 << 20;
}  // namespace

LogWriter::LogWriter(LogStore& store, std::unique_ptr<Loop> loop, Events events, Clock& clock,
                     Duration full_disk_retry)
    : store_(store),
      loop_(std::move(loop)),
      events_(std::move(events)),
      clock_(clock),
      full_disk_retry_(full_disk_retry) {}

void LogWriter::start() {
  if (loop_) loop_->start([this] { return turn(); });
}

void LogWriter::post(std::vector<LogOperation>& operations) {
  if (operations.empty()) return;
  if (!loop_) {
    std::vector<Job> jobs;
    for (LogOperation& operation : operations) jobs.emplace_back(std::move(operation));
    operations.clear();
    size_t position = 0;
    work(jobs, position);
    return;
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
    size_t position = 0;
    work(jobs, position);
    return;
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
  if (full_ && clock_.now() < retry_at_) return retry_at_;
  for (;;) {
    if (!work(working_, position_)) {
      retry_at_ = clock_.now() + full_disk_retry_;
      return retry_at_;
    }
    working_.clear();
    position_ = 0;
    std::lock_guard lock(mutex_);
    if (jobs_.empty()) return Instant::max();
    working_.swap(jobs_);
  }
}

bool LogWriter::work(std::vector<Job>& jobs, size_t& position) {
  if (!append()) return false;
  while (position < jobs.size()) {
    if (auto* fetch = std::get_if<LogFetch>(&jobs[position])) {
      auto entries = store_.read(fetch->from, fetch->to, kMaxFetchBytes);
      events_.fetched(std::move(*fetch), std::move(entries));
      ++position;
    } else if (auto& operation = std::get<LogOperation>(jobs[position]);
               std::holds_alternative<LogAppend>(operation)) {
      gather(jobs, position);
      if (!append()) return false;
    } else {
      apply(operation);
      ++position;
    }
  }
  return true;
}

void LogWriter::gather(std::vector<Job>& jobs, size_t& position) {
  batch_bytes_ = 0;
  for (; position < jobs.size() && batch_bytes_ < kMaxLogBatchBytes; ++position) {
    auto* operation = std::get_if<LogOperation>(&jobs[position]);
    auto* more = operation != nullptr ? std::get_if<LogAppend>(operation) : nullptr;
    if (more == nullptr) break;
    for (EntryRef& entry : more->entries) {
      batch_bytes_ += entry->data.size();
      batch_.push_back(std::move(entry));
    }
  }
}

// What was gathered, if anything.
bool LogWriter::append() {
  if (batch_.empty()) return true;
  Instant start = system_clock().now();
  Status appended = failed_ ? Status() : store_.append(batch_);
  if (!appended && loop_ && appended.error().kind == ErrorKind::kNoRoom) {
    if (!std::exchange(full_, true) && events_.full) events_.full(appended.error());
    return false;
  }
  if (std::exchange(full_, false) && events_.room) events_.room();
  if (!failed_ && check(appended)) {
    if (events_.appended) events_.appended(batch_.size(), start);
    {
      std::lock_guard lock(mutex_);
      ++counters_.batches;
      counters_.entries += batch_.size();
      counters_.bytes += batch_bytes_;
    }
    events_.persisted(batch_.back()->index, batch_.back()->term);
  }
  batch_.clear();
  return true;
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
