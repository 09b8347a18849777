// Where a member listens: an IP address and a port, as memberlist puts them on the wire (4 or 16 raw bytes
// and a u16). Value types; any thread.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace praetor::gossip {

// IPv4 addresses in IPv6's clothing (::ffff:a.b.c.d, as some of Go's functions give them) are kept as IPv4,
// so that one address has one value.
class IpAddress {
 public:
  IpAddress() = default;  // none: no bytes
  // 4 or 16 bytes; anything else is none.
  static IpAddress from_bytes(std::string_view raw);
  static Result<IpAddress> parse(std::string_view text);

  bool is_none() const { return size_ == 0; }
  bool is_v6() const { return size_ == 16; }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(raw_.data()), size_}; }
  std::string text() const;
  auto operator<=>(const IpAddress&) const = default;

 private:
  uint8_t size_ = 0;
  std::array<uint8_t, 16> raw_{};
};

struct Address {
  IpAddress ip;
  uint16_t port = 0;

  // "127.0.0.1:8301", "[::1]:8301". parse takes no names: resolving is the adapter's.
  static Result<Address> parse(std::string_view text);
  std::string text() const;
  auto operator<=>(const Address&) const = default;
};

// A network whose members may take part (`serf_allowed_cidrs`).
struct Cidr {
  IpAddress network;
  unsigned prefix = 0;

  bool contains(const IpAddress& address) const;
};

}  // namespace praetor::gossip
