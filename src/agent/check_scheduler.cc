#include "agent/check_scheduler.h"

namespace praetor::agent {

Duration first_run_delay(Duration interval, Random& random) {
  if (interval <= Duration::zero()) return Duration::zero();
  return Duration(static_cast<int64_t>(random.below(static_cast<uint64_t>(interval.count()))));
}

CheckScheduler::~CheckScheduler() {
  for (auto& [id, entry] : jobs_) {
    reactor_.cancel(entry->timer);
    entry->job = nullptr;
  }
}

void CheckScheduler::add(const std::string& id, Duration interval, Job job) {
  remove(id);
  auto entry = std::make_shared<Entry>(Entry{interval, std::move(job)});
  jobs_.emplace(id, entry);
  wait(entry, first_run_delay(interval, random_));
}

void CheckScheduler::remove(const std::string& id) {
  auto at = jobs_.find(id);
  if (at == jobs_.end()) return;
  reactor_.cancel(at->second->timer);
  at->second->job = nullptr;
  jobs_.erase(at);
}

void CheckScheduler::wait(const std::shared_ptr<Entry>& entry, Duration delay) {
  entry->timer = reactor_.after(delay, [this, entry] {
    entry->timer = 0;
    run(entry);
  });
}

void CheckScheduler::run(const std::shared_ptr<Entry>& entry) {
  Job job = entry->job;  // the entry may be removed during the run
  std::weak_ptr<Entry> weak = entry;
  job([this, weak] {
    auto alive = weak.lock();
    if (alive && alive->job) wait(alive, alive->interval);
  });
}

}  // namespace praetor::agent
