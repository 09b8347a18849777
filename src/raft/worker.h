// One thread that runs jobs in order.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "raft/waker.h"

namespace praetor::raft {

class Worker {
 public:
  explicit Worker(std::string thread_name);
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  void post(std::move_only_function<void()> job);
  // Finishes the jobs posted so far, then joins. Idempotent; later jobs are dropped.
  void stop();

 private:
  void run();

  std::string name_;
  Waker waker_;
  std::mutex mutex_;
  bool stopping_ = false;
  std::vector<std::move_only_function<void()>> jobs_;
  std::thread thread_;
};

// Names the calling thread for tools (at most 15 bytes are shown).
void name_this_thread(const std::string& name);

}  // namespace praetor::raft
