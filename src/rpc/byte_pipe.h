// A bounded queue of bytes between a thread that may block (snapshots are read and written by workers) and a
// reactor that must not. Each end is used by one thread at a time; either may break it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace praetor::rpc {

inline constexpr size_t kMaxPipeBytes = 1 << 20;  // that wait; a writer waits then (one write may exceed it)

class BytePipe {
 public:
  // --- the writing end ---
  Status write(std::string_view bytes);  // blocks while the pipe is full; an error when it is broken
  bool push(std::string_view bytes);     // never blocks; whether there is still room
  void finish();                         // the end of the bytes
  // --- the reading end ---
  Result<size_t> read(std::span<char> buffer);  // blocks; 0 at the end
  struct Taken {
    std::string bytes;
    bool end = false;  // nothing follows
    std::optional<Error> error;
  };
  Taken take();  // never blocks: all that is there, perhaps nothing
  // --- either ---
  void break_off(Error error);  // both ends get the error, once the bytes before it are read
  size_t size() const;
  std::optional<Error> error() const;

  // Called on the other end's thread, without a lock; must not block (post to a reactor). Readable: bytes,
  // the end or an error are there to take(); called at once when they already are. Room: to push() again, or
  // an error. An empty callback: no more.
  void on_readable(std::function<void()> callback);
  void on_room(std::function<void()> callback);

 private:
  using Callback = std::function<void()>;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string bytes_;
  size_t read_ = 0;  // of bytes_
  bool finished_ = false, was_full_ = false;
  std::optional<Error> error_;
  Callback readable_, room_;

  size_t waiting() const { return bytes_.size() - read_; }
  void added(std::unique_lock<std::mutex> lock);
  void removed(std::unique_lock<std::mutex> lock);
};

}  // namespace praetor::rpc
