#include "agent/remote_exec.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <optional>

#include "base/test_patience.h"
#include "base/text.h"

namespace praetor::agent {
namespace {

// A KV store in memory; waits for keys.
class Keys {
 public:
  RemoteExecStore store() {
    return {
        [this](const std::string& key) -> Result<std::string> {
          std::lock_guard lock(mutex_);
          auto at = keys_.find(key);
          if (at == keys_.end()) return fail("no such key: " + key);
          return at->second;
        },
        [this](const std::string& key, const std::string& value, const std::string& session) -> Result<bool> {
          std::lock_guard lock(mutex_);
          if (refuse_ && contains(key, *refuse_)) return false;
          EXPECT_EQ(session, "s");
          keys_[key] = value;
          changed_.notify_all();
          return true;
        }};
  }
  void set(const std::string& key, const std::string& value) { keys_[key] = value; }
  void refuse(const std::string& part) { refuse_ = part; }
  std::string await(const std::string& key) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return keys_.contains(key); })) return "never";
    return keys_[key];
  }
  std::string output() {
    std::lock_guard lock(mutex_);
    std::string all;
    for (const auto& [key, value] : keys_)
      if (key.starts_with("p/s/n/out/")) all += value;
    return all;
  }
  bool has(const std::string& key) {
    std::lock_guard lock(mutex_);
    return keys_.contains(key);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> keys_;
  std::optional<std::string> refuse_;
};

constexpr const char* kEvent = R"({"Prefix":"p","Session":"s"})";

TEST(RemoteExec, RunsAJobAndWritesWhatComesOut) {
  Keys keys;
  keys.set("p/s/job",
           R"({"Command":"echo out; echo err >&2; exit 3","Args":null,"Script":null,"Wait":2000000000})");
  RemoteExec exec("n", keys.store());
  exec.handle(kEvent);
  EXPECT_EQ(keys.await("p/s/n/exit"), "3");
  EXPECT_EQ(keys.await("p/s/n/ack"), "");
  EXPECT_EQ(keys.output(), "out\nerr\n");
  EXPECT_TRUE(keys.has("p/s/n/out/00000"));
}

TEST(RemoteExec, CutsOutputIntoPieces) {
  Keys keys;
  keys.set("p/s/job", R"({"Args":["head","-c","10000","/dev/zero"],"Wait":0})");
  RemoteExec exec("n", keys.store());
  exec.handle(kEvent);
  EXPECT_EQ(keys.await("p/s/n/exit"), "0");
  EXPECT_EQ(keys.output().size(), 10000u);
  EXPECT_EQ(keys.await("p/s/n/out/00000").size(), 4096u);
}

TEST(RemoteExec, RunsScriptsAndSaysThatItLives) {
  Keys keys;
  std::string script = base64_encode("#!/bin/sh\nread x < /dev/null\nsleep 1\necho done\n");
  keys.set("p/s/job", R"({"Script":")" + script + R"(","Wait":100000000})");
  RemoteExec exec("n", keys.store());
  exec.handle(kEvent);
  EXPECT_EQ(keys.await("p/s/n/out/00000"), "");  // a heartbeat
  EXPECT_EQ(keys.await("p/s/n/exit"), "0");
  EXPECT_EQ(keys.output(), "done\n");
}

TEST(RemoteExec, TakesOnNothingThatItCannotRead) {
  Keys keys;
  {
    RemoteExec exec("n", keys.store());
    exec.handle("{");
    exec.handle(kEvent);  // no such job
  }
  EXPECT_FALSE(keys.has("p/s/n/ack"));
  EXPECT_FALSE(keys.has("p/s/n/exit"));
}

TEST(RemoteExec, KillsWhatItMayNotReport) {
  Keys keys;
  keys.set("p/s/job", R"({"Command":"while :; do echo x; done","Wait":0})");
  keys.refuse("/out/");
  RemoteExec exec("n", keys.store());
  exec.handle(kEvent);
  EXPECT_EQ(keys.await("p/s/n/exit"), "255");
}

TEST(RemoteExec, EndsItsJobsWithItself) {
  Keys keys;
  keys.set("p/s/job", R"({"Command":"exec sleep 1000","Wait":0})");
  {
    RemoteExec exec("n", keys.store());
    exec.handle(kEvent);
    EXPECT_EQ(keys.await("p/s/n/ack"), "");
  }
  EXPECT_EQ(keys.await("p/s/n/exit"), "255");
}

}  // namespace
}  // namespace praetor::agent
