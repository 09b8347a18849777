#include "agent/sockaddr.h"

#include <gtest/gtest.h>

namespace praetor::agent {
namespace {

InterfaceAddress make(const char* name, const char* address, size_t prefix) {
  InterfaceAddress i;
  i.name = name;
  i.address = *IpAddress::parse(address);
  i.prefix = prefix;
  i.up = true;
  i.loopback = i.name == "lo";
  i.is_default = i.name == "eth0";
  return i;
}

const std::vector<InterfaceAddress> kHost = {
    make("lo", "127.0.0.1", 8),  make("eth0", "192.168.1.7", 24), make("eth0", "fe80::1", 64),
    make("eth1", "10.1.2.3", 8), make("eth2", "8.8.4.4", 24),     make("lo", "::1", 128),
};

std::string expand(const char* text) {
  auto value = expand_sockaddr(text, kHost);
  return value ? *value : "error: " + value.error().message;
}

TEST(Sockaddr, ExpandsWhatConfigurationsUse) {
  EXPECT_EQ(expand("1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(expand("{{ GetPrivateIP }}"), "10.1.2.3");  // the larger network first
  EXPECT_EQ(expand("{{ GetPrivateIPs }}"), "10.1.2.3 192.168.1.7");
  EXPECT_EQ(expand("{{ GetPublicIP }}"), "8.8.4.4");
  EXPECT_EQ(expand(R"({{ GetInterfaceIP "eth0" }})"), "192.168.1.7");
  EXPECT_EQ(expand(R"({{GetInterfaceIP "nope"}})"), "");
  EXPECT_EQ(
      expand(R"({{ GetAllInterfaces | include "name" "^lo$" | include "type" "IPv4" | attr "address" }})"),
      "127.0.0.1");
  EXPECT_EQ(expand(R"({{ GetPrivateInterfaces | include "network" "192.168.0.0/16" | attr "address" }})"),
            "192.168.1.7");
  EXPECT_EQ(
      expand(R"({{ GetAllInterfaces | exclude "flags" "loopback" | sort "name" | join "address" " " }})"),
      "192.168.1.7 fe80::1 10.1.2.3 8.8.4.4");
  EXPECT_EQ(expand(R"({{ GetDefaultInterfaces | attr "network" }})"), "192.168.1.0/24");
  EXPECT_EQ(
      expand(R"({{ GetAllInterfaces | include "rfc" "1918" | sort "-address" | limit 1 | attr "name" }})"),
      "eth0");
  EXPECT_EQ(expand("{{ GetPrivateIP }}:8301"), "10.1.2.3:8301");
}

TEST(Sockaddr, ReportsErrorsAsGoTemplates) {
  EXPECT_EQ(
      expand("{{ Foo }}"),
      R"(error: unable to parse template "{{ Foo }}": template: sockaddr.Parse:1: function "Foo" not defined)");
  EXPECT_TRUE(expand("{{ GetPrivateIP").starts_with("error: "));
}

TEST(Sockaddr, ParsesNetworks) {
  EXPECT_EQ(Cidr::parse("192.168.1.7/16")->text(), "192.168.0.0/16");
  EXPECT_EQ(Cidr::parse("1.2.3.4").error().message, "invalid CIDR address: 1.2.3.4");
  EXPECT_TRUE(Cidr::parse("10.0.0.0/9")->contains(*IpAddress::parse("10.127.0.1")));
  EXPECT_FALSE(Cidr::parse("10.0.0.0/9")->contains(*IpAddress::parse("10.128.0.1")));
  EXPECT_FALSE(Cidr::parse("::/0")->contains(*IpAddress::parse("10.128.0.1")));
}

}  // namespace
}  // namespace praetor::agent
