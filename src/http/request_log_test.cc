#include "http/request_log.h"

#include <gtest/gtest.h>

namespace praetor::http {
namespace {

TEST(RequestLog, HidesTokensAndOldIds) {
  EXPECT_EQ(hide_secrets("/v1/kv/a"), "/v1/kv/a");
  EXPECT_EQ(hide_secrets("/v1/kv/a?token=abc&x=1"), "/v1/kv/a?token=<hidden>&x=1");
  EXPECT_EQ(hide_secrets("/v1/kv/a?x=1&tok%65n=abc"), "/v1/kv/a?x=1&tok%65n=<hidden>");
  EXPECT_EQ(hide_secrets("/v1/kv/a?token="), "/v1/kv/a?token=<hidden>");
  EXPECT_EQ(hide_secrets("/v1/kv/a?token&mytoken=b"), "/v1/kv/a?token&mytoken=b");
  EXPECT_EQ(hide_secrets("/v1/kv/token=abc"), "/v1/kv/token=abc");
  EXPECT_EQ(hide_secrets("/v1/acl/info/abcdef?pretty"), "/v1/acl/info/<hidden>?pretty");
  EXPECT_EQ(hide_secrets("/v1/acl/policy/abcdef"), "/v1/acl/policy/abcdef");
}

}  // namespace
}  // namespace praetor::http
