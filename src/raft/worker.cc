#include "raft/worker.h"

#include <pthread.h>

namespace praetor::raft {

void name_this_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

Worker::Worker(std::string thread_name) : name_(std::move(thread_name)) {}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::post(std::move_only_function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
  }
  waker_.notify();
}

void Worker::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  waker_.notify();
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  name_this_thread(name_);
  std::vector<std::move_only_function<void()>> jobs;
  for (bool stopping = false; !stopping;) {
    waker_.wait(Duration::max());
    {
      std::lock_guard lock(mutex_);
      jobs.swap(jobs_);
      stopping = stopping_;
    }
    for (auto& job : jobs) job();
    jobs.clear();
  }
}

}  // namespace praetor::raft
