// One strand of work: it sleeps, wakes when notified or at its deadline, and takes one turn. A node is made
// of three (consensus, log, snapshots). In production each is a thread; a simulation takes the turns itself,
// in one thread and in an order of its choosing, so that exactly the code that serves users is what it
// proves.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"

namespace praetor::raft {

class Loop {
 public:
  // Does what has come in. Returns when to take the next turn at the latest (Instant::max(): when notified).
  // Turns of one loop never overlap; they may come too often.
  using Turn = std::function<Instant()>;

  virtual ~Loop() = default;  // REQUIRES: stopped, or never started
  virtual void start(Turn turn) = 0;
  // From any thread: another turn begins after this call. Before start(): remembered.
  virtual void notify() = 0;
  // Returns after a last turn that began after this call. Idempotent. Not from a turn.
  virtual void stop() = 0;
};

// Where loops run. Outlives what it makes.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // Tools show the name (at most 15 bytes). `clock`, which outlives the loop, is what its deadlines are told
  // in.
  virtual std::unique_ptr<Loop> make_loop(std::string name, Clock& clock) = 0;
};

// A thread for each loop.
Scheduler& threads();

// Names the calling thread for tools (at most 15 bytes are shown).
void name_this_thread(const std::string& name);

}  // namespace praetor::raft
