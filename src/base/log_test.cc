#include "base/log.h"

#include <gtest/gtest.h>

#include <regex>

namespace praetor {
namespace {

struct Collect : LogSink {
  void write(const LogRecord& record) override {
    text.push_back(record.text());
    json.push_back(record.json());
  }
  std::vector<std::string> text;
  std::vector<std::string> json;
};

TEST(Log, WritesHclogLines) {
  LogHub hub;
  auto sink = std::make_shared<Collect>();
  hub.add(sink, LogLevel::kInfo);
  Logger log("agent.server", hub);
  log.info("new leader elected",
           {{"payload", "two words"}, {"n", 3}, {"took", std::chrono::milliseconds(1500)}});
  log.named("raft").error("plain");
  ASSERT_EQ(sink->text.size(), 2u);
  EXPECT_TRUE(std::regex_match(
      sink->text[0],
      std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d{4}) \[INFO\]  agent\.server: )"
                 R"(new leader elected: payload="two words" n=3 took=1.5s)")))
      << sink->text[0];
  EXPECT_TRUE(sink->text[1].ends_with(" [ERROR] agent.server.raft: plain")) << sink->text[1];
  EXPECT_TRUE(sink->json[0].starts_with(
      R"({"@level":"info","@message":"new leader elected","@module":"agent.server","@timestamp":")"))
      << sink->json[0];
  EXPECT_TRUE(sink->json[0].ends_with(R"(","n":3,"payload":"two words","took":1500000000})"))
      << sink->json[0];
}

TEST(Log, FollowsTheLevelsOfItsSinks) {
  LogHub hub;
  Logger log("agent", hub);
  EXPECT_FALSE(log.enabled(LogLevel::kError));
  auto quiet = std::make_shared<Collect>();
  auto verbose = std::make_shared<Collect>();
  hub.add(quiet, LogLevel::kWarn);
  hub.add(verbose, LogLevel::kTrace);
  log.debug("a");
  log.warn("b");
  EXPECT_EQ(quiet->text.size(), 1u);
  EXPECT_EQ(verbose->text.size(), 2u);
  hub.remove(verbose.get());
  EXPECT_FALSE(log.enabled(LogLevel::kInfo));
  hub.set_level(quiet.get(), LogLevel::kDebug);
  EXPECT_TRUE(log.enabled(LogLevel::kDebug));
}

TEST(Log, ParsesLevelsInAnyCase) {
  EXPECT_EQ(parse_log_level("ERR"), LogLevel::kError);
  EXPECT_EQ(parse_log_level("warn"), LogLevel::kWarn);
  EXPECT_FALSE(parse_log_level("loud"));
}

}  // namespace
}  // namespace praetor
