// The file that holds the agent's process number (`pid_file`), as long as the agent runs.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace praetor::daemon {

class PidFile {
 public:
  // Writes the file over an old one. Null when `path` is empty.
  static Result<std::unique_ptr<PidFile>> write(const std::string& path);
  ~PidFile();  // removes it
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  explicit PidFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace praetor::daemon
