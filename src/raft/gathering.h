// While one lives, what its thread proposes to a node waits; its end hands everything over together, which so
// shares one append and one sync. One a thread at a time; it serves one node, which outlives it.
#pragma once

#include <functional>

namespace praetor::raft {

class Gathering {
 public:
  Gathering();
  ~Gathering();
  Gathering(const Gathering&) = delete;
  Gathering& operator=(const Gathering&) = delete;

  // For the node: the thread's gathering, null without one; what to do at its end.
  static Gathering* of_this_thread();
  void at_end(std::function<void()> task) { at_end_ = std::move(task); }
  bool used() const { return at_end_ != nullptr; }

 private:
  std::function<void()> at_end_;
};

}  // namespace praetor::raft
