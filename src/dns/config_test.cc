#include "dns/config.h"

#include <gtest/gtest.h>

namespace praetor::dns {
namespace {

TEST(RecursorAddress, Forms) {
  struct Case {
    const char *text, *ip;
    uint16_t port;
  };
  for (const Case& each :
       {Case{"10.0.0.1", "10.0.0.1", 53}, Case{"10.0.0.1:5353", "10.0.0.1", 5353}, Case{"::1", "::1", 53},
        Case{"[::1]", "::1", 53}, Case{"[::1]:8600", "::1", 8600}}) {
    Result<RecursorAddress> address = parse_recursor(each.text);
    ASSERT_TRUE(address) << each.text;
    EXPECT_EQ(address->ip, each.ip);
    EXPECT_EQ(address->port, each.port);
  }
  for (const char* bad :
       {"", "example.com", "10.0.0", "10.0.0.1:x", "10.0.0.1:70000", "[::1", "[10.0.0.1]x:"})
    EXPECT_FALSE(parse_recursor(bad)) << bad;
}

}  // namespace
}  // namespace praetor::dns
