// Structured logging in hclog's formats (cli.md 2). Code holds a Logger by subsystem name and gives a message
// and fields; what reaches the user is decided by the sinks of a LogHub.
//
//   Logger log("agent.server");
//   log.info("cluster leadership acquired", {{"node", name}, {"term", term}});
//
// A call below the hub's level costs one relaxed load. Every function may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace praetor {

enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kOff };

// TRACE, DEBUG, INFO, WARN, ERR or ERROR in any case.
std::optional<LogLevel> parse_log_level(std::string_view text);
std::string_view log_level_name(LogLevel level);  // upper case

// A value borrows its text: it lives for the call that logs it.
class LogValue {
 public:
  using Storage =
      std::variant<std::string_view, int64_t, uint64_t, double, bool, Duration, std::span<const std::string>>;

  LogValue(std::string_view v) : data_(v) {}                        // NOLINT: converts
  LogValue(const std::string& v) : data_(std::string_view(v)) {}    // NOLINT: converts
  LogValue(const char* v) : data_(std::string_view(v)) {}           // NOLINT: converts
  LogValue(const Error& v) : data_(std::string_view(v.message)) {}  // NOLINT: converts
  template <typename Rep, typename Period>
  LogValue(std::chrono::duration<Rep, Period> v)  // NOLINT: converts
      : data_(std::chrono::duration_cast<Duration>(v)) {}
  LogValue(const std::vector<std::string>& v) : data_(std::span<const std::string>(v)) {}  // NOLINT: converts
  template <typename T>
    requires std::is_arithmetic_v<T>
  LogValue(T v) {  // NOLINT: converts
    if constexpr (std::is_same_v<T, bool>)
      data_ = v;
    else if constexpr (std::is_floating_point_v<T>)
      data_ = static_cast<double>(v);
    else if constexpr (std::is_signed_v<T>)
      data_ = static_cast<int64_t>(v);
    else
      data_ = static_cast<uint64_t>(v);
  }
  const Storage& data() const { return data_; }

 private:
  Storage data_;
};

struct LogField {
  std::string_view key;
  LogValue value;
};

// One logged event, as sinks see it. Valid for the sink's call only.
class LogRecord {
 public:
  LogRecord(Time time, LogLevel level, std::string_view logger, std::string_view message,
            std::span<const LogField> fields)
      : time_(time), level_(level), logger_(logger), message_(message), fields_(fields) {}

  LogLevel level() const { return level_; }
  std::string_view logger() const { return logger_; }
  std::string_view message() const { return message_; }
  // `2006-01-02T15:04:05.000Z [INFO]  agent: message: key=value`, without a newline.
  const std::string& text() const;
  // `{"@level":"info","@message":…,"@module":…,"@timestamp":…,"key":…}`, keys sorted.
  const std::string& json() const;

 private:
  Time time_;
  LogLevel level_;
  std::string_view logger_;
  std::string_view message_;
  std::span<const LogField> fields_;
  // Made once however many sinks ask.
  mutable std::string text_;
  mutable std::string json_;
};

// Receives records one at a time (the hub holds its lock): it must not log, nor add or remove sinks.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(const LogRecord& record) = 0;
};

// The sinks of one process (or of one agent of a simulation).
class LogHub {
 public:
  static LogHub& process();

  // The hub shares the sink until remove().
  void add(std::shared_ptr<LogSink> sink, LogLevel level);
  void remove(const LogSink* sink);
  void set_level(const LogSink* sink, LogLevel level);
  bool enabled(LogLevel level) const { return level >= lowest_.load(std::memory_order_relaxed); }
  void log(LogLevel level, std::string_view logger, std::string_view message,
           std::span<const LogField> fields);

 private:
  struct Entry {
    std::shared_ptr<LogSink> sink;
    LogLevel level;
  };
  void update_lowest();  // lock held

  std::atomic<LogLevel> lowest_{LogLevel::kOff};
  std::mutex mutex_;
  std::vector<Entry> sinks_;
};

// Cheap to copy and to keep as a member or a static.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  explicit Logger(std::string name, LogHub& hub = LogHub::process()) : name_(std::move(name)), hub_(&hub) {}
  // "agent" -> "agent.cache".
  Logger named(std::string_view sub) const { return Logger(name_ + "." + std::string(sub), *hub_); }
  const std::string& name() const { return name_; }
  bool enabled(LogLevel level) const { return hub_->enabled(level); }

  void trace(std::string_view message, Fields fields = {}) const { log(LogLevel::kTrace, message, fields); }
  void debug(std::string_view message, Fields fields = {}) const { log(LogLevel::kDebug, message, fields); }
  void info(std::string_view message, Fields fields = {}) const { log(LogLevel::kInfo, message, fields); }
  void warn(std::string_view message, Fields fields = {}) const { log(LogLevel::kWarn, message, fields); }
  void error(std::string_view message, Fields fields = {}) const { log(LogLevel::kError, message, fields); }
  void log(LogLevel level, std::string_view message, Fields fields = {}) const {
    if (hub_->enabled(level)) hub_->log(level, name_, message, std::span(fields.begin(), fields.size()));
  }

 private:
  std::string name_;
  LogHub* hub_;
};

}  // namespace praetor
