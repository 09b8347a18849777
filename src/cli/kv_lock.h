// The client side of Consul's locks: a key held by a session, or a semaphore under a prefix. Keys, flags and
// values are those of Consul's API client, so that both contend for the same locks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "cli/api.h"
#include "cli/cancel.h"

namespace praetor::cli {

struct LockOptions {
  std::string key;  // the lock's key; for a semaphore its prefix
  std::string session_name;
  Duration try_for{0};          // > 0: give up after it
  int64_t monitor_retries = 0;  // how many 500s in a row watching the lock survives
  int64_t limit = 1;            // holders of a semaphore
};

inline constexpr uint64_t kLockFlags = 0x2ddccbc058a50c18;
inline constexpr uint64_t kSemaphoreFlags = 0xe0f69a2baa414de0;

// A lock of one owner thread; it keeps its session alive and watches for its loss in threads of its own.
class KvLock {
 public:
  KvLock(const Api& api, LockOptions options) : api_(api), options_(std::move(options)) {}
  virtual ~KvLock();
  KvLock(const KvLock&) = delete;
  KvLock& operator=(const KvLock&) = delete;

  // True when held; false when `cancel` or the time came first. The session ends with a failure.
  Result<bool> acquire(const Cancel& cancel);
  // Triggered once the lock is gone, or may be: after acquire() returned true.
  const Cancel& lost() const { return lost_; }
  Status release();
  // Removes what is left in the store; `Lock in use` when others hold or want it.
  virtual Status destroy() = 0;

 protected:
  enum class Attempt : uint8_t { kHeld, kBusy, kRetry, kDelay };
  // One try; `index` is the state it saw, to wait for a change of. kDelay: a lock-delay is in force.
  virtual Result<Attempt> attempt(Api& api, Params read_params, uint64_t& index) = 0;
  // Whether the session still holds the lock, as of an answer that waited for a change of `index`.
  virtual Result<bool> still_held(Api& api, uint64_t& index) = 0;
  virtual Status give_up(Api& api) = 0;
  virtual Status prepare(Api&) { return {}; }
  virtual std::string session_behavior() const { return ""; }

  const Api& api_;
  LockOptions options_;
  std::string session_;

 private:
  Status create_session(Api& api);
  Result<bool> contend(Api& api, const Cancel& cancel);
  void end_session();
  void renew_session();
  void watch_lock();

  Cancel lost_;
  Cancel stop_;
  std::thread renewer_;
  std::thread watcher_;
};

std::unique_ptr<KvLock> make_mutex(const Api& api, LockOptions options);
std::unique_ptr<KvLock> make_semaphore(const Api& api, LockOptions options);

inline constexpr std::string_view kLockInUse = "Lock in use";

}  // namespace praetor::cli
