#include "rpc/byte_pipe.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace praetor::rpc {

// Callbacks run without the lock: a push under the lock of whoever is called must not wait for it.
void BytePipe::added(std::unique_lock<std::mutex> lock) {
  Callback callback = readable_;
  lock.unlock();
  changed_.notify_all();
  if (callback) callback();
}

void BytePipe::removed(std::unique_lock<std::mutex> lock) {
  if (read_ == bytes_.size()) {
    bytes_.clear();
    read_ = 0;
  }
  Callback callback;
  if (was_full_ && waiting() < kMaxPipeBytes) {
    was_full_ = false;
    callback = room_;
  }
  lock.unlock();
  changed_.notify_all();
  if (callback) callback();
}

Status BytePipe::write(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting() < kMaxPipeBytes || error_; });
  if (error_) return fail(*error_);
  bytes_.append(bytes);
  added(std::move(lock));
  return {};
}

bool BytePipe::push(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  if (error_) return true;  // nobody reads it: dropped
  bytes_.append(bytes);
  bool room = waiting() < kMaxPipeBytes;
  was_full_ |= !room;
  added(std::move(lock));
  return room;
}

void BytePipe::finish() {
  std::unique_lock lock(mutex_);
  finished_ = true;
  added(std::move(lock));
}

Result<size_t> BytePipe::read(std::span<char> buffer) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting() > 0 || finished_ || error_; });
  if (waiting() == 0) {
    if (error_) return fail(*error_);
    return 0;
  }
  size_t count = std::min(buffer.size(), waiting());
  std::memcpy(buffer.data(), bytes_.data() + read_, count);
  read_ += count;
  removed(std::move(lock));
  return count;
}

BytePipe::Taken BytePipe::take() {
  std::unique_lock lock(mutex_);
  Taken taken;
  taken.bytes = std::exchange(bytes_, {});
  taken.bytes.erase(0, std::exchange(read_, 0));
  taken.error = error_;
  taken.end = finished_ && !error_;
  removed(std::move(lock));
  return taken;
}

void BytePipe::break_off(Error error) {
  std::unique_lock lock(mutex_);
  if (error_) return;
  error_ = std::move(error);
  Callback readable = readable_, room = room_;
  lock.unlock();
  changed_.notify_all();
  if (readable) readable();
  if (room) room();
}

size_t BytePipe::size() const {
  std::lock_guard lock(mutex_);
  return waiting();
}

std::optional<Error> BytePipe::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

void BytePipe::on_readable(Callback callback) {
  std::unique_lock lock(mutex_);
  readable_ = std::move(callback);
  if (waiting() > 0 || finished_ || error_) added(std::move(lock));
}

void BytePipe::on_room(Callback callback) {
  std::lock_guard lock(mutex_);
  room_ = std::move(callback);
}

}  // namespace praetor::rpc
