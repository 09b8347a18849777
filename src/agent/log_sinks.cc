#include "agent/log_sinks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "base/clock.h"
#include "base/text.h"

namespace praetor::agent {

namespace fs = std::filesystem;

LogFileSink::LogFileSink(Options options) : options_(std::move(options)) {
  if (options_.max_age <= Duration::zero()) options_.max_age = std::chrono::hours(24);
  fs::path path(options_.path);
  std::string name = path.filename().string();
  if (name.empty()) name = "consul.log";
  directory_ = path.parent_path().string();
  if (directory_.empty()) directory_ = ".";
  fs::path file(name);
  extension_ = file.has_extension() ? file.extension().string() : ".log";
  stem_ = file.stem().string();
}

LogFileSink::~LogFileSink() {
  if (file_ != nullptr) std::fclose(file_);
}

Result<std::shared_ptr<LogFileSink>> LogFileSink::open(Options options) {
  std::shared_ptr<LogFileSink> sink(new LogFileSink(std::move(options)));
  TRY(sink->open_new());
  return sink;
}

Status LogFileSink::open_new() {
  int64_t now = system_clock().wall().unix_nanoseconds();
  std::string path = fmt::format("{}/{}-{}{}", directory_, stem_, now, extension_);
  int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) return fail(io_error("open " + path, errno));
  if (file_ != nullptr) std::fclose(file_);
  file_ = ::fdopen(fd, "a");
  current_ = std::move(path);
  bytes_ = 0;
  opened_ns_ = now;
  return {};
}

std::vector<std::string> LogFileSink::archives() const {
  std::vector<std::string> found;
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_, code)) {
    std::string name = entry.path().filename().string();
    if (name.starts_with(stem_ + "-") && name.ends_with(extension_)) found.push_back(entry.path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void LogFileSink::prune() {
  if (options_.max_files == 0) return;
  std::vector<std::string> files = archives();
  size_t keep = options_.max_files < 0 ? 0 : static_cast<size_t>(options_.max_files);
  for (size_t i = 0; i + keep < files.size(); ++i) ::unlink(files[i].c_str());
}

void LogFileSink::write(const LogRecord& record) {
  bool full = options_.max_bytes > 0 && bytes_ >= options_.max_bytes;
  int64_t age = system_clock().wall().unix_nanoseconds() - opened_ns_;
  if (full || age >= options_.max_age.count()) {
    prune();
    // Better an overlong file than a lost line.
    (void)open_new();
  }
  const std::string& line = options_.json ? record.json() : record.text();
  std::fwrite(line.data(), 1, line.size(), file_);
  std::fputc('\n', file_);
  std::fflush(file_);
  bytes_ += static_cast<int64_t>(line.size()) + 1;
}

Result<std::shared_ptr<SyslogSink>> SyslogSink::open(const std::string& facility, bool json) {
  static const std::map<std::string, int> facilities = {
      {"KERN", LOG_KERN},     {"USER", LOG_USER},     {"MAIL", LOG_MAIL},         {"DAEMON", LOG_DAEMON},
      {"AUTH", LOG_AUTH},     {"SYSLOG", LOG_SYSLOG}, {"LPR", LOG_LPR},           {"NEWS", LOG_NEWS},
      {"UUCP", LOG_UUCP},     {"CRON", LOG_CRON},     {"AUTHPRIV", LOG_AUTHPRIV}, {"FTP", LOG_FTP},
      {"LOCAL0", LOG_LOCAL0}, {"LOCAL1", LOG_LOCAL1}, {"LOCAL2", LOG_LOCAL2},     {"LOCAL3", LOG_LOCAL3},
      {"LOCAL4", LOG_LOCAL4}, {"LOCAL5", LOG_LOCAL5}, {"LOCAL6", LOG_LOCAL6},     {"LOCAL7", LOG_LOCAL7}};
  std::string name;
  for (char c : facility) name += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  auto at = facilities.find(name);
  if (at == facilities.end()) return fail("invalid syslog facility: " + facility);
  ::openlog("consul", LOG_PID, at->second);
  return std::shared_ptr<SyslogSink>(new SyslogSink(json));
}

SyslogSink::~SyslogSink() { ::closelog(); }

void SyslogSink::write(const LogRecord& record) {
  int priority = LOG_ERR;
  switch (record.level()) {
    case LogLevel::kTrace:
    case LogLevel::kDebug:
      priority = LOG_DEBUG;
      break;
    case LogLevel::kInfo:
      priority = LOG_INFO;
      break;
    case LogLevel::kWarn:
      priority = LOG_WARNING;
      break;
    default:
      break;
  }
  ::syslog(priority, "%s", (json_ ? record.json() : record.text()).c_str());
}

void MonitorSink::write(const LogRecord& record) {
  bool was_empty = false;
  {
    std::lock_guard lock(mutex_);
    if (lines_.size() >= kMaxLines) {
      ++dropped_;
      return;
    }
    was_empty = lines_.empty();
    lines_.push_back((json_ ? record.json() : record.text()) + "\n");
  }
  if (was_empty && wake_) wake_();
}

std::vector<std::string> MonitorSink::take() {
  std::lock_guard lock(mutex_);
  std::vector<std::string> lines(std::make_move_iterator(lines_.begin()),
                                 std::make_move_iterator(lines_.end()));
  lines_.clear();
  return lines;
}

uint64_t MonitorSink::dropped() const {
  std::lock_guard lock(mutex_);
  return dropped_;
}

Result<LogLevel> checked_log_level(std::string_view text) {
  if (auto level = parse_log_level(text)) return *level;
  return fail(
      fmt::format("Invalid log level: {}. Valid log levels are: [TRACE DEBUG INFO WARN ERR ERROR]", text));
}

void AgentLogging::add(std::shared_ptr<LogSink> sink, LogLevel level) {
  hub_.add(sink, level);
  sinks_.push_back(std::move(sink));
}

Result<std::unique_ptr<AgentLogging>> AgentLogging::start(const LoggingRuntime& config, LogHub& hub,
                                                          std::shared_ptr<LogSink> console) {
  TRY_ASSIGN(LogLevel level, checked_log_level(config.log_level));
  std::unique_ptr<AgentLogging> logging(new AgentLogging(hub));
  if (!config.log_file_path.empty()) {
    auto file = LogFileSink::open({config.log_file_path, config.log_json, config.log_rotate_bytes,
                                   config.log_rotate_duration, config.log_rotate_max_files});
    if (!file) return fail("Failed to setup logging: " + file.error().message);
    logging->add(*file, level);
  }
  if (config.enable_syslog) {
    auto syslog = SyslogSink::open(config.syslog_facility, config.log_json);
    if (!syslog) return fail("Syslog setup did not succeed: " + syslog.error().message);
    logging->add(*syslog, level);
  }
  if (console) logging->add(std::move(console), level);
  return logging;
}

AgentLogging::~AgentLogging() {
  for (const auto& sink : sinks_) hub_.remove(sink.get());
}

void AgentLogging::set_level(LogLevel level) {
  for (const auto& sink : sinks_) hub_.set_level(sink.get(), level);
}

}  // namespace praetor::agent
