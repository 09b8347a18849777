// Addresses as Go's net package splits and joins them: "host:port", with brackets around IPv6 addresses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace praetor {

struct HostPort {
  std::string host;  // without brackets; may be empty (this machine)
  std::string port;  // as written: a number, a service name, or empty
};
// Errors: `address x: missing port in address`, `address x: too many colons in address`.
Result<HostPort> split_host_port(std::string_view text);
// Brackets around IPv6 addresses.
std::string join_host_port(std::string_view host, std::string_view port);
std::string join_host_port(std::string_view host, uint16_t port);

}  // namespace praetor
