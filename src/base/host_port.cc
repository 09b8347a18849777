#include "base/host_port.h"

#include "base/text.h"

namespace praetor {

Result<HostPort> split_host_port(std::string_view text) {
  auto wrong = [&](std::string_view why) {
    return fail("address " + std::string(text) + ": " + std::string(why));
  };
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("missing port in address");
  HostPort parts;
  if (text.starts_with('[')) {
    size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong("missing ']' in address");
    if (end + 1 == text.size()) return wrong("missing port in address");
    if (end + 1 != colon)
      return wrong(text[end + 1] == ':' ? "too many colons in address" : "missing port in address");
    parts.host = text.substr(1, end - 1);
  } else {
    parts.host = text.substr(0, colon);
    if (contains(parts.host, ":")) return wrong("too many colons in address");
  }
  parts.port = text.substr(colon + 1);
  return parts;
}

std::string join_host_port(std::string_view host, std::string_view port) {
  std::string out;
  bool brackets = contains(host, ":");
  if (brackets) out += '[';
  out += host;
  if (brackets) out += ']';
  return out.append(":").append(port);
}

std::string join_host_port(std::string_view host, uint16_t port) {
  return join_host_port(host, std::to_string(port));
}

}  // namespace praetor
