#include "cli/agent_watches.h"

#include <gtest/gtest.h>

#include "agent/runtime_config.h"

namespace praetor::cli {
namespace {

agent::RuntimeConfig config_with(codec::Value args) {
  agent::RuntimeConfig config;
  config.http_addrs.push_back({"127.0.0.1", 1, ""});
  codec::Map<codec::Value> watch;
  watch["type"] = "key";
  watch["key"] = "a";
  watch["args"] = std::move(args);
  config.watches.push_back(watch);
  return config;
}

// The configuration's reader makes "x" of ["x"], as Consul's does.
TEST(AgentWatches, TakeOneArgumentOrMany) {
  codec::ValueList two;
  two.push_back("true");
  two.push_back("x");
  for (const codec::Value& args : {codec::Value("true"), codec::Value(two)}) {
    auto started = AgentWatches::start(config_with(args));
    EXPECT_TRUE(started) << started.error().message;
  }
  EXPECT_EQ(AgentWatches::start(config_with(codec::Value(int64_t{3}))).error().message,
            "Watch args must be a list of strings");
  EXPECT_EQ(AgentWatches::start(config_with(codec::Value())).error().message, "Must define a watch handler");
}

}  // namespace
}  // namespace praetor::cli
