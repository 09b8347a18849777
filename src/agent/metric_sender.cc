#include "agent/metric_sender.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

namespace praetor::agent {
namespace {

constexpr auto kFlushInterval = std::chrono::milliseconds(100);
constexpr Duration kRetryInterval = std::chrono::seconds(60);
constexpr int kSendTimeoutMs = 1000;

const Logger& logger() {
  static const Logger log("agent.telemetry");
  return log;
}

// What would end a name or a value early.
void append_plain(std::string& out, std::string_view text) {
  for (char c : text) out += c == ':' || c == ' ' || c == '|' || c == '\n' ? '_' : c;
}

struct HostPort {
  std::string host, port;
};

Result<HostPort> split_address(const std::string& address) {
  size_t colon = address.rfind(':');
  if (colon == address.npos || address.find(']', colon) != address.npos)
    return fail("address " + address + ": missing port in address");
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return HostPort{host.empty() ? "127.0.0.1" : host, address.substr(colon + 1)};
}

bool wait_for(int fd, short events) {
  pollfd waiting{fd, events, 0};
  return ::poll(&waiting, 1, kSendTimeoutMs) == 1 && (waiting.revents & (POLLERR | POLLHUP)) == 0;
}

// A connected socket.
Result<int> connect_to(const std::string& address, int type) {
  TRY_ASSIGN(HostPort where, split_address(address));
  addrinfo hints{};
  hints.ai_socktype = type;
  addrinfo* found = nullptr;
  if (int error = ::getaddrinfo(where.host.c_str(), where.port.c_str(), &hints, &found); error != 0)
    return fail("lookup " + where.host + ": " +
                (error == EAI_NONAME ? "no such host" : ::gai_strerror(error)));
  int fd = ::socket(found->ai_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int error = fd < 0 ? errno : 0;
  if (fd >= 0 && ::connect(fd, found->ai_addr, found->ai_addrlen) != 0) error = errno;
  ::freeaddrinfo(found);
  if (error == EINPROGRESS) {
    socklen_t size = sizeof error;
    error = wait_for(fd, POLLOUT) ? 0 : ETIMEDOUT;
    if (int problem = 0; ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 && problem != 0)
      error = problem;
  }
  if (error == 0) return fd;
  if (fd >= 0) ::close(fd);
  return fail(io_error("dial " + address, error));
}

}  // namespace

std::string metric_line(const MetricDestination& destination, MetricKind kind, std::string_view name,
                        const std::vector<MetricLabel>& labels, float value) {
  std::string line;
  bool dog = destination.protocol == MetricProtocol::kDogStatsd;
  std::string shown(name);
  if (std::string host = "." + destination.hostname + ".";
      dog && kind == MetricKind::kGauge && host.size() > 2)
    if (size_t at = shown.find(host); at != shown.npos) shown.replace(at, host.size(), ".");
  append_plain(line, shown);
  if (!dog) {
    for (const MetricLabel& label : labels) append_plain(line.append("."), label.value);
  }
  if (dog && kind == MetricKind::kCounter)
    line += fmt::format(":{}", static_cast<int64_t>(value));
  else
    line += fmt::format(":{:.6f}", static_cast<double>(value));
  line += kind == MetricKind::kCounter ? "|c" : kind == MetricKind::kGauge ? "|g" : "|ms";
  if (!dog || (destination.tags.empty() && labels.empty())) return line;
  line += "|#";
  line += join(destination.tags, ",");
  for (const MetricLabel& label : labels) {
    if (!line.ends_with('#')) line += ',';
    append_plain(line, label.name);
    append_plain(line.append(":"), label.value);
  }
  return line;
}

struct MetricSender::Destination {
  explicit Destination(MetricDestination where) : config(std::move(where)) {}
  ~Destination() { disconnect(); }

  MetricDestination config;
  std::mutex mutex;
  std::string unsent;  // guarded by mutex; whole lines
  // The sender's thread only.
  int fd = -1;
  Instant next_attempt{};

  void add(MetricKind kind, std::string_view name, const std::vector<MetricLabel>& labels, float value) {
    std::string line = metric_line(config, kind, name, labels, value);
    std::lock_guard lock(mutex);
    if (unsent.size() + line.size() < kMaxUnsentMetricBytes) unsent.append(line).push_back('\n');
  }

  Status connect() {
    TRY_ASSIGN(fd, connect_to(config.address,
                              config.protocol == MetricProtocol::kStatsite ? SOCK_STREAM : SOCK_DGRAM));
    return {};
  }
  void disconnect() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }

  void flush() {
    std::string lines;
    {
      std::lock_guard lock(mutex);
      lines.swap(unsent);
    }
    if (lines.empty()) return;
    if (fd < 0) {
      Instant now = system_clock().now();
      if (now < next_attempt) return;
      if (Status connected = connect(); !connected) {
        next_attempt = now + kRetryInterval;
        logger().warn("metrics cannot be sent", {{"address", config.address}, {"error", connected.error()}});
        return;
      }
    }
    send(lines);
  }

  void send(std::string_view lines) {
    if (config.protocol == MetricProtocol::kStatsite) return send_stream(lines);
    bool single = config.protocol == MetricProtocol::kDogStatsd;
    while (!lines.empty()) {
      // As many whole lines as fit, one at least.
      size_t end = lines.find('\n') + 1;
      while (!single && end < lines.size()) {
        size_t next = lines.find('\n', end) + 1;
        if (next > kMaxMetricPacketBytes) break;
        end = next;
      }
      // A packet that nobody takes is lost, as packets are.
      (void)::send(fd, lines.data(), single ? end - 1 : end, MSG_NOSIGNAL);
      lines.remove_prefix(end);
    }
  }

  void send_stream(std::string_view lines) {
    while (!lines.empty()) {
      ssize_t sent = ::send(fd, lines.data(), lines.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        lines.remove_prefix(static_cast<size_t>(sent));
      } else if (errno != EAGAIN || !wait_for(fd, POLLOUT)) {
        logger().warn("metrics cannot be sent",
                      {{"address", config.address}, {"error", io_error("write", errno)}});
        next_attempt = system_clock().now() + kRetryInterval;
        return disconnect();
      }
    }
  }
};

Result<std::unique_ptr<MetricSender>> MetricSender::start(std::vector<MetricDestination> destinations) {
  std::vector<std::unique_ptr<Destination>> made;
  for (MetricDestination& destination : destinations) {
    made.push_back(std::make_unique<Destination>(std::move(destination)));
    if (made.back()->config.protocol == MetricProtocol::kDogStatsd) TRY(made.back()->connect());
  }
  return std::unique_ptr<MetricSender>(new MetricSender(std::move(made)));
}

MetricSender::MetricSender(std::vector<std::unique_ptr<Destination>> destinations)
    : destinations_(std::move(destinations)), thread_([this] { run(); }) {}

MetricSender::~MetricSender() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void MetricSender::observed(MetricKind kind, std::string_view name, const std::vector<MetricLabel>& labels,
                            float value) {
  for (auto& destination : destinations_) destination->add(kind, name, labels, value);
}

void MetricSender::run() {
  for (bool stopping = false; !stopping;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kFlushInterval, [this] { return stopping_; });
      stopping = stopping_;
    }
    for (auto& destination : destinations_) destination->flush();
  }
}

}  // namespace praetor::agent
