// The watches of the running configuration. Any thread: reloads come from the main thread (SIGHUP) and from
// HTTP's reactors, and the first may come before the agent's start is over.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "base/result.h"

namespace praetor::daemon {

class CurrentWatches {
 public:
  using Watches = std::shared_ptr<void>;  // they end with the object
  using Start = std::function<Result<Watches>()>;

  // Starts those of the first configuration, unless a reload has already put its own there.
  Status begin(const Start& start);
  // Those of a reload. The old ones end on their own time: a handler may be what asked for this reload.
  Status replace(const Start& start);
  // Ends them; none are started any more.
  void end();

 private:
  std::mutex mutex_;
  Watches watches_;     // guarded by mutex_
  bool begun_ = false;  // guarded by mutex_
  bool over_ = false;   // guarded by mutex_
};

}  // namespace praetor::daemon
