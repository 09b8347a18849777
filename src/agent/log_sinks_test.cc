#include "agent/log_sinks.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace praetor::agent {
namespace {

namespace fs = std::filesystem;

class LogFileTest : public testing::Test {
 protected:
  LogFileTest() {
    std::string pattern = (fs::temp_directory_path() / "praetor-log-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~LogFileTest() override { fs::remove_all(path); }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string path;
  LogHub hub;
};

TEST_F(LogFileTest, NamesFilesByTime) {
  auto sink = LogFileSink::open({.path = path + "/"});
  ASSERT_TRUE(sink);
  hub.add(*sink, LogLevel::kInfo);
  Logger("agent", hub).info("hello", {{"a", 1}});
  ASSERT_EQ(files().size(), 1u);
  EXPECT_TRUE(files()[0].starts_with("consul-") && files()[0].ends_with(".log")) << files()[0];
  std::ifstream in((*sink)->current_file());
  std::string line;
  std::getline(in, line);
  EXPECT_TRUE(line.ends_with("[INFO]  agent: hello: a=1")) << line;
}

TEST_F(LogFileTest, RotatesBySizeAndKeepsSome) {
  auto sink = LogFileSink::open({.path = path + "/my.txt", .json = true, .max_bytes = 1, .max_files = 2});
  ASSERT_TRUE(sink);
  hub.add(*sink, LogLevel::kInfo);
  for (int i = 0; i < 6; ++i) Logger("agent", hub).info("line");
  ASSERT_EQ(files().size(), 3u);  // two old ones and the current
  EXPECT_TRUE(files()[0].starts_with("my-") && files()[0].ends_with(".txt"));
}

TEST_F(LogFileTest, ReportsWhatItCannotOpen) {
  LoggingRuntime config;
  config.log_level = "INFO";
  config.log_file_path = path + "/missing/x.log";
  auto logging = AgentLogging::start(config, hub, nullptr);
  ASSERT_FALSE(logging);
  EXPECT_TRUE(logging.error().message.starts_with("Failed to setup logging: open "))
      << logging.error().message;
  config.log_level = "LOUD";
  EXPECT_EQ(AgentLogging::start(config, hub, nullptr).error().message,
            "Invalid log level: LOUD. Valid log levels are: [TRACE DEBUG INFO WARN ERR ERROR]");
}

TEST_F(LogFileTest, ChangesLevelsAndLeavesTheHubClean) {
  LoggingRuntime config;
  config.log_level = "WARN";
  config.log_file_path = path + "/";
  {
    auto logging = AgentLogging::start(config, hub, nullptr);
    ASSERT_TRUE(logging);
    EXPECT_FALSE(hub.enabled(LogLevel::kInfo));
    (*logging)->set_level(LogLevel::kTrace);
    EXPECT_TRUE(hub.enabled(LogLevel::kTrace));
  }
  EXPECT_FALSE(hub.enabled(LogLevel::kError));
}

TEST(Monitor, WakesOnceAndDropsWhatDoesNotFit) {
  LogHub hub;
  int woken = 0;
  auto monitor = std::make_shared<MonitorSink>(false, [&] { ++woken; });
  hub.add(monitor, LogLevel::kDebug);
  Logger log("agent", hub);
  for (size_t i = 0; i < MonitorSink::kMaxLines + 1; ++i) log.debug("x");
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(monitor->dropped(), 1u);
  EXPECT_EQ(monitor->take().size(), MonitorSink::kMaxLines);
  EXPECT_TRUE(monitor->take().empty());
  log.debug("y");
  EXPECT_EQ(woken, 2);
  ASSERT_EQ(monitor->take().size(), 1u);
}

}  // namespace
}  // namespace praetor::agent
