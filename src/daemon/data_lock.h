// One agent a data directory: held from start to end, and by the kernel given up with the process.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace praetor::daemon {

class DataLock {
 public:
  // Locks the directory itself, or fails at once when another process has it. Null without a directory.
  static Result<std::unique_ptr<DataLock>> take(const std::string& directory);
  ~DataLock();
  DataLock(const DataLock&) = delete;
  DataLock& operator=(const DataLock&) = delete;

 private:
  explicit DataLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace praetor::daemon
