#include "http/request_log.h"

#include <array>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"

namespace praetor::http {
namespace {

constexpr std::string_view kHidden = "<hidden>";

const Logger& logger() {
  static const Logger log("agent.http");
  return log;
}

// /v1/acl/info/ID: in the first ACL system the id was the secret.
void hide_legacy_id(std::string& path) {
  constexpr std::array<std::string_view, 4> kCalls = {"clone/", "destroy/", "info/", "update/"};
  constexpr std::string_view kAcl = "/v1/acl/";
  if (!path.starts_with(kAcl)) return;
  for (std::string_view call : kCalls) {
    size_t length = kAcl.size() + call.size();
    if (std::string_view(path).substr(kAcl.size()).starts_with(call) && path.size() > length)
      path.replace(length, path.npos, kHidden);
  }
}

}  // namespace

bool logs_requests() { return logger().enabled(LogLevel::kDebug); }

void log_request_finished(const Request& request, std::string_view from) {
  logger().debug("Request finished", {{"method", request.method_text},
                                      {"url", hide_secrets(request.target)},
                                      {"from", from},
                                      {"latency", format_duration(system_clock().now() - request.started)}});
}

void log_request_error(const Request& request, std::string_view from, std::string_view error) {
  logger().error("Request error", {{"method", request.method_text},
                                   {"url", hide_secrets(request.target)},
                                   {"from", from},
                                   {"error", error}});
}

std::string hide_secrets(std::string_view target) {
  size_t mark = target.find('?');
  std::string out(target.substr(0, mark));
  hide_legacy_id(out);
  if (mark == target.npos) return out;
  char before = '?';
  for (std::string_view pair : split(target.substr(mark + 1), '&')) {
    out += before;
    before = '&';
    std::string name;
    bool secret = percent_decode(pair.substr(0, pair.find('=')), true, name) && name == "token";
    if (secret && pair.find('=') != pair.npos)
      out.append(pair.substr(0, pair.find('=') + 1)).append(kHidden);
    else
      out.append(pair);
  }
  return out;
}

}  // namespace praetor::http
