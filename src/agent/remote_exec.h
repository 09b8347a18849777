// `consul exec` at the agent's side (semantics.md 10): a `_rexec` event names a job in the KV store; the
// agent runs it and writes what comes out back there. Only where disable_remote_exec is false.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"

namespace praetor::agent {

inline constexpr const char* kRemoteExecEvent = "_rexec";
inline constexpr size_t kMaxRemoteExecs = 16;  // at a time; events beyond that are not acted upon

// The KV store as a job sees it; called on threads of the jobs, and may block.
struct RemoteExecStore {
  std::function<Result<std::string>(const std::string& key)> get;
  // Writes under the session's lock; false when that is not to be had.
  std::function<Result<bool>(const std::string& key, const std::string& value, const std::string& session)>
      put;
};

// Any thread but those of the jobs.
class RemoteExec {
 public:
  RemoteExec(std::string node, RemoteExecStore store);
  ~RemoteExec();  // kills what runs, and waits for it
  RemoteExec(const RemoteExec&) = delete;
  RemoteExec& operator=(const RemoteExec&) = delete;

  // An event's payload: {"Prefix": …, "Session": …}. Returns at once.
  void handle(const std::string& payload);

 private:
  struct Job;
  void run(Job& job);
  int execute(Job& job);

  const std::string node_;
  const RemoteExecStore store_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Job>> jobs_;  // guarded by mutex_; those that ended go with the next event
  std::atomic<bool> stopping_ = false;
};

}  // namespace praetor::agent
