// For tests: a state machine that remembers every command, in order.
#pragma once

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "raft/state_machine.h"

namespace praetor::raft {

class TestMachine : public StateMachine {
 public:
  std::any apply(const Entry& entry) override {
    std::lock_guard lock(mutex_);
    commands_.push_back(entry.data);
    return entry.data.size();
  }
  void publish(uint64_t applied_index) override { published_ = applied_index; }
  std::unique_ptr<SnapshotWriter> snapshot() override {
    std::lock_guard lock(mutex_);
    return std::make_unique<Writer>(commands_);
  }
  Status restore(SnapshotReader& reader, const SnapshotMeta&) override {
    std::string all;
    char buffer[1000];
    for (;;) {
      TRY_ASSIGN(size_t got, reader.read(buffer));
      if (got == 0) break;
      all.append(buffer, got);
    }
    if (all == "refuse me") return fail("refused");
    std::vector<std::string> commands;
    for (size_t at = 0; at < all.size();) {
      size_t end = all.find('\n', at);
      if (end == std::string::npos) return fail("unfinished record", ErrorKind::kCorrupt);
      commands.push_back(all.substr(at, end - at));
      at = end + 1;
    }
    std::lock_guard lock(mutex_);
    commands_ = std::move(commands);
    return {};
  }
  std::vector<std::string> commands() const {
    std::lock_guard lock(mutex_);
    return commands_;
  }
  uint64_t published() const { return published_; }

 private:
  struct Writer : SnapshotWriter {
    explicit Writer(std::vector<std::string> commands) : commands_(std::move(commands)) {}
    Status write(SnapshotSink& sink) override {
      for (const std::string& command : commands_) TRY(sink.write(command + "\n"));
      return {};
    }
    std::vector<std::string> commands_;
  };
  mutable std::mutex mutex_;
  std::vector<std::string> commands_;
  std::atomic<uint64_t> published_{0};
};

// A directory that lives as long as the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "praetor-raft-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace praetor::raft
