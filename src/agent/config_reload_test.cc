#include "agent/config_reload.h"

#include <gtest/gtest.h>

namespace praetor::agent {
namespace {

TEST(ConfigReload, TakesWhatMayChange) {
  RuntimeConfig running;
  running.node_name = "a";
  running.http_port = 8500;
  running.logging.log_level = "INFO";
  RuntimeConfig fresh = running;
  fresh.logging.log_level = "WARN";
  fresh.dns_node_ttl = std::chrono::seconds(5);
  fresh.http_max_conns_per_client = 7;
  fresh.node_meta["a"] = "b";
  fresh.telemetry.blocked_prefixes.push_back("x");
  fresh.discard_check_output = true;
  EXPECT_TRUE(needs_restart(running, fresh).empty());
  fresh.node_name = "b";
  fresh.http_port = 9500;
  EXPECT_EQ(needs_restart(running, fresh), (std::vector<std::string>{"HTTPPort", "NodeName"}));
  RuntimeConfig next = reloaded_config(running, fresh);
  EXPECT_EQ(next.node_name, "a");
  EXPECT_EQ(next.http_port, 8500);
  EXPECT_EQ(next.logging.log_level, "WARN");
  EXPECT_EQ(next.dns_node_ttl, std::chrono::seconds(5));
  EXPECT_EQ(next.http_max_conns_per_client, 7);
  EXPECT_EQ(*next.node_meta.get("a"), "b");
  EXPECT_TRUE(next.discard_check_output);
}

}  // namespace
}  // namespace praetor::agent
