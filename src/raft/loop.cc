#include "raft/loop.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "raft/waker.h"

namespace praetor::raft {
namespace {

class ThreadLoop final : public Loop {
 public:
  ThreadLoop(std::string name, Clock& clock) : name_(std::move(name)), clock_(clock) {}
  ~ThreadLoop() override { stop(); }

  void start(Turn turn) override {
    turn_ = std::move(turn);
    thread_ = std::thread([this] { run(); });
  }
  void notify() override { waker_.notify(); }
  void stop() override {
    stopping_.store(true, std::memory_order_release);
    waker_.notify();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    name_this_thread(name_);
    for (;;) {
      bool last = stopping_.load(std::memory_order_acquire);
      Instant deadline = turn_();
      if (last) return;
      if (deadline == Instant::max()) {
        waker_.wait(Duration::max());
      } else if (Instant now = clock_.now(); deadline > now) {
        waker_.wait(deadline - now);
      }
    }
  }

  const std::string name_;
  Clock& clock_;
  Turn turn_;
  Waker waker_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class Threads final : public Scheduler {
 public:
  std::unique_ptr<Loop> make_loop(std::string name, Clock& clock) override {
    return std::make_unique<ThreadLoop>(std::move(name), clock);
  }
};

}  // namespace

Scheduler& threads() {
  static Threads threads;
  return threads;
}

void name_this_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace praetor::raft
