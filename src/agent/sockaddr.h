// The address templates of configuration files, as go-sockaddr reads them: text with `{{ … }}` in it, each a
// pipeline such as `GetAllInterfaces | include "name" "^eth" | attr "address"`. Evaluated against a given
// list of interfaces, so that it is pure; system_interfaces() reads this machine's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace praetor::agent {

// An IPv4 or IPv6 address as bytes.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  bool v6 = false;

  static Result<IpAddress> parse(std::string_view text);  // no brackets, no zone
  std::string text() const;
  size_t bits() const { return v6 ? 128 : 32; }
  // Do the first `prefix` bits agree?
  bool in(const IpAddress& network, size_t prefix) const;
  auto operator<=>(const IpAddress&) const = default;
};

struct Cidr {
  IpAddress network;
  size_t prefix = 0;
  // Go's text on failure: `invalid CIDR address: x`.
  static Result<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const {
    return address.v6 == network.v6 && address.in(network, prefix);
  }
  std::string text() const;
};

bool is_ip(std::string_view text);
bool is_any_ip(std::string_view text);  // 0.0.0.0, ::, [::]
// Part of RFC 6890's special networks: what go-sockaddr calls private.
bool is_private_ip(const IpAddress& address);

struct InterfaceAddress {
  std::string name;
  IpAddress address;
  size_t prefix = 0;
  bool up = false;
  bool loopback = false;
  bool is_default = false;  // the default route goes there
  bool broadcast = false;
  bool multicast = false;
  bool point_to_point = false;
};

std::vector<InterfaceAddress> system_interfaces();

// Errors are those of Go's text/template as Consul shows them.
Result<std::string> expand_sockaddr(std::string_view text, const std::vector<InterfaceAddress>& interfaces);

}  // namespace praetor::agent
