#include "base/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/clock.h"
#include "base/text.h"

namespace praetor {
namespace {

struct LocalTime {
  std::tm fields{};
  int offset_minutes = 0;
};

LocalTime local_time(Time time) {
  LocalTime local;
  auto seconds = static_cast<time_t>(time.seconds);
  localtime_r(&seconds, &local.fields);
  local.offset_minutes = static_cast<int>(local.fields.tm_gmtoff / 60);
  return local;
}

std::string timestamp(Time time, int digits, const char* zone_separator) {
  LocalTime local = local_time(time);
  const std::tm& tm = local.fields;
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.", tm.tm_year + 1900, tm.tm_mon + 1,
                                tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
  out += fmt::format("{:09}", time.nanoseconds).substr(0, static_cast<size_t>(digits));
  if (local.offset_minutes == 0) return out + "Z";
  int minutes = std::abs(local.offset_minutes);
  return out + fmt::format("{}{:02}{}{:02}", local.offset_minutes < 0 ? '-' : '+', minutes / 60,
                           zone_separator, minutes % 60);
}

std::string_view padded_level(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return "[TRACE] ";
    case LogLevel::kDebug:
      return "[DEBUG] ";
    case LogLevel::kInfo:
      return "[INFO]  ";
    case LogLevel::kWarn:
      return "[WARN]  ";
    default:
      return "[ERROR] ";
  }
}

void append_text_value(std::string& out, const LogValue& value) {
  std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::string_view>) {
          // hclog quotes without escaping.
          bool quote = v.find_first_of(" \t\n\r") != std::string_view::npos;
          if (quote) out += '"';
          out += v;
          if (quote) out += '"';
        } else if constexpr (std::is_same_v<T, Duration>) {
          out += format_duration(v);
        } else if constexpr (std::is_same_v<T, std::span<const std::string>>) {
          out += '[';
          for (size_t i = 0; i < v.size(); ++i) {
            if (i > 0) out += ", ";
            out += v[i].find_first_of(" \t\n\r") != std::string::npos ? go_quote(v[i]) : v[i];
          }
          out += ']';
        } else {
          out += fmt::format("{}", v);
        }
      },
      value.data());
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (char c : sanitize_utf8(text)) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '<':
      case '>':
      case '&':
        out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
          out += c;
    }
  }
  out += '"';
}

void append_json_value(std::string& out, const LogValue& value) {
  std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::string_view>) {
          append_json_string(out, v);
        } else if constexpr (std::is_same_v<T, Duration>) {
          out += std::to_string(v.count());
        } else if constexpr (std::is_same_v<T, std::span<const std::string>>) {
          out += '[';
          for (size_t i = 0; i < v.size(); ++i) {
            if (i > 0) out += ',';
            append_json_string(out, v[i]);
          }
          out += ']';
        } else {
          out += fmt::format("{}", v);
        }
      },
      value.data());
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view text) {
  std::string lower = to_lower(text);
  if (lower == "trace") return LogLevel::kTrace;
  if (lower == "debug") return LogLevel::kDebug;
  if (lower == "info") return LogLevel::kInfo;
  if (lower == "warn") return LogLevel::kWarn;
  if (lower == "err" || lower == "error") return LogLevel::kError;
  return std::nullopt;
}

std::string_view log_level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return "TRACE";
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarn:
      return "WARN";
    case LogLevel::kError:
      return "ERROR";
    case LogLevel::kOff:
      return "OFF";
  }
  return "OFF";
}

const std::string& LogRecord::text() const {
  if (!text_.empty()) return text_;
  text_ = timestamp(time_, 3, "");
  text_ += ' ';
  text_ += padded_level(level_);
  if (!logger_.empty()) {
    text_ += logger_;
    text_ += ": ";
  }
  text_ += message_;
  if (!fields_.empty()) text_ += ':';
  for (const LogField& field : fields_) {
    text_ += ' ';
    text_ += field.key;
    text_ += '=';
    append_text_value(text_, field.value);
  }
  return text_;
}

const std::string& LogRecord::json() const {
  if (!json_.empty()) return json_;
  std::string level = to_lower(log_level_name(level_));
  std::string time = timestamp(time_, 6, ":");
  std::vector<LogField> all(fields_.begin(), fields_.end());
  all.push_back({"@level", level});
  all.push_back({"@message", message_});
  if (!logger_.empty()) all.push_back({"@module", logger_});
  all.push_back({"@timestamp", time});
  std::sort(all.begin(), all.end(), [](const LogField& a, const LogField& b) { return a.key < b.key; });
  for (const LogField& field : all) {
    json_ += json_.empty() ? '{' : ',';
    append_json_string(json_, field.key);
    json_ += ':';
    append_json_value(json_, field.value);
  }
  json_ += '}';
  return json_;
}

LogHub& LogHub::process() {
  static LogHub* hub = new LogHub;  // outlives every static that logs
  return *hub;
}

void LogHub::add(std::shared_ptr<LogSink> sink, LogLevel level) {
  std::lock_guard lock(mutex_);
  sinks_.push_back({std::move(sink), level});
  update_lowest();
}

void LogHub::remove(const LogSink* sink) {
  std::lock_guard lock(mutex_);
  std::erase_if(sinks_, [&](const Entry& entry) { return entry.sink.get() == sink; });
  update_lowest();
}

void LogHub::set_level(const LogSink* sink, LogLevel level) {
  std::lock_guard lock(mutex_);
  for (Entry& entry : sinks_)
    if (entry.sink.get() == sink) entry.level = level;
  update_lowest();
}

void LogHub::update_lowest() {
  LogLevel lowest = LogLevel::kOff;
  for (const Entry& entry : sinks_) lowest = std::min(lowest, entry.level);
  lowest_.store(lowest, std::memory_order_relaxed);
}

void LogHub::log(LogLevel level, std::string_view logger, std::string_view message,
                 std::span<const LogField> fields) {
  LogRecord record(system_clock().wall(), level, logger, message, fields);
  std::lock_guard lock(mutex_);
  for (Entry& entry : sinks_)
    if (level >= entry.level) entry.sink->write(record);
}

}  // namespace praetor
