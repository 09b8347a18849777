#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>

#include "agent/sockaddr.h"
#include "base/text.h"

namespace praetor::agent {

Result<IpAddress> IpAddress::parse(std::string_view text) {
  IpAddress ip;
  std::string copy(text);
  if (inet_pton(AF_INET, copy.c_str(), ip.bytes.data()) == 1) return ip;
  ip.v6 = true;
  if (inet_pton(AF_INET6, copy.c_str(), ip.bytes.data()) != 1) return fail("invalid IP address: " + copy);
  return ip;
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), buffer, sizeof buffer);
  return buffer;
}

bool IpAddress::in(const IpAddress& network, size_t prefix) const {
  if (network.v6 != v6 || prefix > bits()) return false;
  size_t whole = prefix / 8;
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole), network.bytes.begin()))
    return false;
  if (prefix % 8 == 0) return true;
  auto mask = static_cast<uint8_t>(0xff << (8 - prefix % 8));
  return (bytes[whole] & mask) == (network.bytes[whole] & mask);
}

Result<Cidr> Cidr::parse(std::string_view text) {
  auto bad = [&] { return fail("invalid CIDR address: " + std::string(text)); };
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return bad();
  auto address = IpAddress::parse(text.substr(0, slash));
  auto prefix = parse_uint(text.substr(slash + 1), 8);
  if (!address || !prefix || *prefix > address->bits()) return bad();
  Cidr cidr{*address, *prefix};
  for (size_t bit = cidr.prefix; bit < address->bits(); ++bit)
    cidr.network.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80 >> (bit % 8)));
  return cidr;
}

std::string Cidr::text() const { return fmt::format("{}/{}", network.text(), prefix); }

bool is_ip(std::string_view text) { return IpAddress::parse(text).has_value(); }

bool is_any_ip(std::string_view text) { return text == "0.0.0.0" || text == "::" || text == "[::]"; }

bool is_private_ip(const IpAddress& address) {
  static const std::vector<Cidr> networks = [] {
    std::vector<Cidr> all;
    for (const char* text :
         {"0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
          "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
          "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",    "::1/128",
          "::/128",        "64:ff9b::/96",    "::ffff:0:0/96",  "100::/64",       "2001::/23",
          "2001:db8::/32", "2002::/16",       "fc00::/7",       "fe80::/10"})
      all.push_back(*Cidr::parse(text));
    return all;
  }();
  return std::any_of(networks.begin(), networks.end(), [&](const Cidr& n) { return n.contains(address); });
}

namespace {

IpAddress from_socket(const sockaddr* address) {
  IpAddress ip;
  if (address->sa_family == AF_INET6) {
    ip.v6 = true;
    std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, 16);
  } else {
    std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, 4);
  }
  return ip;
}

std::string default_interface() {
  std::ifstream routes("/proc/net/route");
  std::string line;
  std::getline(routes, line);
  while (std::getline(routes, line)) {
    std::vector<std::string_view> fields = split(line, '\t');
    if (fields.size() > 7 && fields[1] == "00000000" && fields[7] == "00000000")
      return std::string(fields[0]);
  }
  return "";
}

}  // namespace

std::vector<InterfaceAddress> system_interfaces() {
  std::vector<InterfaceAddress> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  std::string default_name = default_interface();
  for (ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    if (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6) continue;
    InterfaceAddress one;
    one.name = at->ifa_name;
    one.address = from_socket(at->ifa_addr);
    if (at->ifa_netmask != nullptr) {
      IpAddress mask = from_socket(at->ifa_netmask);
      for (uint8_t byte : mask.bytes) one.prefix += static_cast<size_t>(std::popcount(byte));
    }
    one.up = (at->ifa_flags & IFF_UP) != 0;
    one.loopback = (at->ifa_flags & IFF_LOOPBACK) != 0;
    one.broadcast = (at->ifa_flags & IFF_BROADCAST) != 0;
    one.multicast = (at->ifa_flags & IFF_MULTICAST) != 0;
    one.point_to_point = (at->ifa_flags & IFF_POINTOPOINT) != 0;
    one.is_default = one.name == default_name;
    found.push_back(std::move(one));
  }
  freeifaddrs(list);
  return found;
}

}  // namespace praetor::agent
