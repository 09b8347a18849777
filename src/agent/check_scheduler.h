// When checks run: the first time after a random part of the interval, so that checks registered together do
// not run together; then `interval` after the last run ended. No check runs twice at a time. On the reactor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/random.h"
#include "base/reactor.h"

namespace praetor::agent {

// Uniform in [0, interval).
Duration first_run_delay(Duration interval, Random& random);

class CheckScheduler {
 public:
  using Finished = std::function<void()>;
  // Starts a run and calls `finished` once it ended (perhaps before returning).
  using Job = std::function<void(const Finished& finished)>;

  CheckScheduler(Reactor& reactor, Random& random) : reactor_(reactor), random_(random) {}
  ~CheckScheduler();
  CheckScheduler(const CheckScheduler&) = delete;
  CheckScheduler& operator=(const CheckScheduler&) = delete;

  // Replaces a job of the same id.
  void add(const std::string& id, Duration interval, Job job);
  // Neither runs again. A run under way is the caller's to cancel; its `finished` does nothing any more.
  void remove(const std::string& id);
  size_t size() const { return jobs_.size(); }

 private:
  struct Entry {
    Duration interval;
    Job job;
    Reactor::TimerId timer = 0;
  };
  void wait(const std::shared_ptr<Entry>& entry, Duration delay);
  void run(const std::shared_ptr<Entry>& entry);

  Reactor& reactor_;
  Random& random_;
  std::unordered_map<std::string, std::shared_ptr<Entry>> jobs_;
};

}  // namespace praetor::agent
