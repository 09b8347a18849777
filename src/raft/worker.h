// One loop that runs jobs in order.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "raft/loop.h"

namespace praetor::raft {

class Worker {
 public:
  explicit Worker(std::string thread_name, Scheduler& scheduler = threads());
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  void post(std::move_only_function<void()> job);
  // Finishes the jobs posted so far. Idempotent; later jobs are dropped.
  void stop();

 private:
  Instant turn();

  std::unique_ptr<Loop> loop_;
  std::mutex mutex_;
  bool stopping_ = false;
  std::vector<std::move_only_function<void()>> jobs_;
};

}  // namespace praetor::raft
