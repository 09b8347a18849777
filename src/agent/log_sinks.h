// Where the agent's log goes besides the console: a rotated file, syslog, and the streams of
// /v1/agent/monitor. The sinks are written to under the hub's lock (base/log.h); other calls may come from
// any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/runtime_config.h"
#include "base/log.h"
#include "base/result.h"

namespace praetor::agent {

// `<name>-<unix nanoseconds><extension>` beside the configured path; a path that ends in '/' names
// consul.log.
class LogFileSink final : public LogSink {
 public:
  struct Options {
    std::string path;
    bool json = false;
    int64_t max_bytes = 0;  // 0: by time only
    Duration max_age = std::chrono::hours(24);
    int64_t max_files = 0;  // older ones kept; 0: all, negative: none
  };
  // Opens the first file.
  static Result<std::shared_ptr<LogFileSink>> open(Options options);
  ~LogFileSink() override;

  void write(const LogRecord& record) override;
  const std::string& current_file() const { return current_; }

 private:
  explicit LogFileSink(Options options);
  Status open_new();
  void prune();
  std::vector<std::string> archives() const;

  Options options_;
  std::string directory_;
  std::string stem_;
  std::string extension_;
  std::string current_;
  std::FILE* file_ = nullptr;
  int64_t bytes_ = 0;
  int64_t opened_ns_ = 0;
};

// One process has one syslog: at most one of these at a time.
class SyslogSink final : public LogSink {
 public:
  // `unknown facility "X"`-like errors for names that syslog does not have.
  static Result<std::shared_ptr<SyslogSink>> open(const std::string& facility, bool json);
  ~SyslogSink() override;
  void write(const LogRecord& record) override;

 private:
  explicit SyslogSink(bool json) : json_(json) {}
  bool json_;
};

// Lines for one reader. A reader that is slower than the log loses lines, never holds the log up.
class MonitorSink final : public LogSink {
 public:
  static constexpr size_t kMaxLines = 512;

  // `wake` is called from whatever thread logs when there is something to take; it must not log.
  MonitorSink(bool json, std::function<void()> wake) : json_(json), wake_(std::move(wake)) {}
  void write(const LogRecord& record) override;
  // Lines, each with its newline, oldest first.
  std::vector<std::string> take();
  uint64_t dropped() const;

 private:
  const bool json_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::deque<std::string> lines_;
  uint64_t dropped_ = 0;
};

// `Invalid log level: X. Valid log levels are: [TRACE DEBUG INFO WARN ERR ERROR]`.
Result<LogLevel> checked_log_level(std::string_view text);

// The agent's sinks, from start to end: the console (given), and the file and syslog that are configured.
class AgentLogging {
 public:
  static Result<std::unique_ptr<AgentLogging>> start(const LoggingRuntime& config, LogHub& hub,
                                                     std::shared_ptr<LogSink> console);
  ~AgentLogging();
  AgentLogging(const AgentLogging&) = delete;
  AgentLogging& operator=(const AgentLogging&) = delete;

  // Reload.
  void set_level(LogLevel level);

 private:
  explicit AgentLogging(LogHub& hub) : hub_(hub) {}
  void add(std::shared_ptr<LogSink> sink, LogLevel level);

  LogHub& hub_;
  std::vector<std::shared_ptr<LogSink>> sinks_;
};

}  // namespace praetor::agent
