// A reactor is one thread with one event loop. It owns the connections that were handed to it; everything
// about a connection happens on its reactor, so none of it needs a lock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"

namespace boost::asio {
class io_context;
}

namespace praetor {

class Reactor {
 public:
  using Task = std::function<void()>;
  using TimerId = uint64_t;  // 0 is none

  explicit Reactor(std::string name);
  ~Reactor();  // stops and joins
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  void start();
  // Ends the loop; tasks that have not run are dropped. From any thread but the reactor's own.
  void stop();

  // Any thread. Tasks run in order. Bursts cost one wake-up of the loop.
  void post(Task task);
  bool on_reactor() const;
  // Any thread: runs `task` on the reactor (at once, when this is its thread) and waits for its end. The loop
  // must run; not from another reactor that this one waits for.
  void run(const Task& task);

  // The reactor's own thread only: runs `task` once after `delay`, unless cancelled.
  TimerId after(Duration delay, Task task);
  void cancel(TimerId timer);

  // For adapters, which include Asio in their .cc files.
  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace praetor
