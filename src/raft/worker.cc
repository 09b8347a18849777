#include "raft/worker.h"

namespace praetor::raft {

Worker::Worker(std::string thread_name, Scheduler& scheduler)
    : loop_(scheduler.make_loop(std::move(thread_name), system_clock())) {}

void Worker::start() {
  loop_->start([this] { return turn(); });
}

void Worker::post(std::move_only_function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
  }
  loop_->notify();
}

void Worker::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  loop_->stop();
}

Instant Worker::turn() {
  std::vector<std::move_only_function<void()>> jobs;
  {
    std::lock_guard lock(mutex_);
    jobs.swap(jobs_);
  }
  for (auto& job : jobs) job();
  return Instant::max();
}

}  // namespace praetor::raft
