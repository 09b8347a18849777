#include "gossip/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/host_port.h"
#include "base/text.h"

namespace praetor::gossip {

namespace {
constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
}

IpAddress IpAddress::from_bytes(std::string_view raw) {
  IpAddress address;
  if (raw.size() == 16 && std::memcmp(raw.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0)
    raw.remove_prefix(kMappedPrefix.size());
  if (raw.size() != 4 && raw.size() != 16) return address;
  address.size_ = static_cast<uint8_t>(raw.size());
  std::memcpy(address.raw_.data(), raw.data(), raw.size());
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  std::string copy(text);
  char raw[16];
  if (inet_pton(AF_INET, copy.c_str(), raw) == 1) return from_bytes({raw, 4});
  if (inet_pton(AF_INET6, copy.c_str(), raw) == 1) return from_bytes({raw, 16});
  return fail("invalid IP address: " + copy, ErrorKind::kBadRequest);
}

std::string IpAddress::text() const {
  if (is_none()) return "<nil>";  // as Go prints it
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(is_v6() ? AF_INET6 : AF_INET, raw_.data(), buffer, sizeof buffer);
  return buffer;
}

Result<Address> Address::parse(std::string_view text) {
  auto bad = [&] { return fail("invalid address: " + std::string(text), ErrorKind::kBadRequest); };
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return bad();
    host = host.substr(1, host.size() - 2);
  } else if (praetor::contains(host, ":")) {
    return bad();
  }
  auto ip = IpAddress::parse(host);
  auto port = parse_uint(text.substr(colon + 1), 16);
  if (!ip || !port) return bad();
  return Address{*ip, static_cast<uint16_t>(*port)};
}

std::string Address::text() const { return join_host_port(ip.text(), port); }

bool Cidr::contains(const IpAddress& address) const {
  std::string_view mine = network.bytes(), theirs = address.bytes();
  if (mine.size() != theirs.size() || prefix > mine.size() * 8) return false;
  size_t whole = prefix / 8;
  if (mine.substr(0, whole) != theirs.substr(0, whole)) return false;
  if (prefix % 8 == 0) return true;
  auto mask = static_cast<uint8_t>(0xff << (8 - prefix % 8));
  return ((mine[whole] ^ theirs[whole]) & mask) == 0;
}

}  // namespace praetor::gossip
