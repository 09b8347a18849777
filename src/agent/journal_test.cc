#include "agent/journal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

#include "agent/journal_record.h"
#include "raft/fault_fs.h"

namespace praetor::agent {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

KeptChange put(const std::string& id, const std::string& content) {
  return {KeptKind::kService, id, content};
}
KeptChange gone(const std::string& id) { return {KeptKind::kService, id, std::nullopt}; }
KeptChange state(const std::string& id, const std::string& content) {
  return {KeptKind::kCheckState, id, content};
}

// A journal over a disk that can fail and lose its power; Consul's files are real ones.
class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    std::string pattern = (fs::temp_directory_path() / "praetor-journal-XXXXXX").string();
    path = mkdtemp(pattern.data());
    files.emplace(path, Logger("agent", hub));
    options.file_system = &disk;
    options.calm = 1h;
    options.max_age = 1h;
    options.later = 1h;
    options.retry = 0s;
  }
  ~JournalTest() override {
    journal.reset();
    fs::remove_all(path);
  }

  Status open() {
    journal.emplace(*files, [](const std::function<void()>& task) { task(); }, Logger("agent", hub), options);
    return journal->open();
  }
  void append(std::vector<KeptChange> changes) {
    {
      std::lock_guard lock(mutex);
      ++waiting;
    }
    journal->append(std::move(changes), [this](const Status& status) {
      std::lock_guard lock(mutex);
      answers.push_back(status);
      --waiting;
      answered.notify_all();
    });
  }
  // Commits; the answers since the last call.
  std::vector<Status> commit() {
    journal->commit();
    std::unique_lock lock(mutex);
    answered.wait(lock, [this] { return waiting == 0; });
    return std::exchange(answers, {});
  }
  Status keep(std::vector<KeptChange> changes) {
    append(std::move(changes));
    return commit().at(0);
  }
  // Nothing but what was durable is left, as after a power cut.
  Status restart(uint64_t seed = 1) {
    disk.inject(1, raft::Fault::kPowerOff);
    // The end of the journal writes the files, which no power cut does.
    std::string before = path + ".before";
    fs::copy(path, before, fs::copy_options::recursive);
    journal.reset();
    fs::remove_all(path);
    fs::rename(before, path);
    disk.power_cut(seed);
    return open();
  }
  std::map<std::string, std::string> stored(const std::string& folder = "services") const {
    std::map<std::string, std::string> found;
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(path + "/" + folder, ignored)) {
      if (!entry.is_regular_file()) continue;
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      found[text.str()] = entry.path().filename().string();
    }
    return found;
  }
  bool has(const std::string& content, const std::string& folder = "services") const {
    return stored(folder).contains(content);
  }

  LogHub hub;
  std::string path;
  std::optional<DataDirectory> files;
  raft::FaultFileSystem disk;
  Journal::Options options;
  std::mutex mutex;
  std::condition_variable answered;
  size_t waiting = 0;
  std::vector<Status> answers;
  std::optional<Journal> journal;  // before what its answers use
};

TEST_F(JournalTest, WhatWasAnsweredSurvives) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(keep({put("a", "1"), put("b", "1")}));
  ASSERT_TRUE(keep({put("a", "2"), gone("b")}));
  EXPECT_TRUE(stored().empty());  // the files come later
  ASSERT_TRUE(restart());
  EXPECT_EQ(stored().size(), 1u);
  EXPECT_EQ(stored()["2"], "0cc175b9c0f1b6a831c399e269772661");
}

TEST_F(JournalTest, OneSyncForManyRegistrations) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(keep({put("first", "x")}));
  uint64_t before = disk.calls();
  for (int i = 0; i < 100; ++i) append({put(std::to_string(i), "x")});
  for (const Status& status : commit()) EXPECT_TRUE(status);
  EXPECT_LE(disk.calls() - before, 2u);  // a write and a sync
}

TEST_F(JournalTest, EndWritesTheFilesAndLeavesNothingElse) {
  ASSERT_TRUE(open());
  for (int i = 0; i < 100; ++i) append({put(std::to_string(i), std::to_string(i))});
  commit();
  ASSERT_TRUE(keep({gone("7")}));
  journal->append_later(state("t", "late"));
  journal->close();
  EXPECT_EQ(stored().size(), 99u);
  EXPECT_TRUE(has("late", "checks/state"));
  EXPECT_TRUE(disk.paths().empty());
  EXPECT_EQ(keep({put("z", "z")}).error().message, "the agent stops");
  ASSERT_TRUE(restart());
  EXPECT_EQ(stored().size(), 99u);
}

TEST_F(JournalTest, ReportsThatCanWaitGoWithTheNextOnes) {
  ASSERT_TRUE(open());
  journal->append_later(state("t", "old"));
  journal->append_later(state("t", "new"));
  journal->append_later(state("u", "stale"));
  ASSERT_TRUE(keep({state("u", "fresh")}));  // is newer than what waits
  ASSERT_TRUE(restart());
  EXPECT_TRUE(has("new", "checks/state"));
  EXPECT_TRUE(has("fresh", "checks/state"));
  EXPECT_EQ(stored("checks/state").size(), 2u);
}

TEST_F(JournalTest, FilesFollowWhenItIsCalmAndAreNotWrittenTwice) {
  options.calm = 0s;
  ASSERT_TRUE(open());
  ASSERT_TRUE(keep({put("a", "1")}));
  while (!has("1")) std::this_thread::yield();
  // Once the mark is in the journal a restart leaves the file alone: somebody else may have changed it.
  while (disk.content(disk.paths().at(0)).find(journal_mark(1)) == std::string::npos) std::this_thread::yield();
  std::ofstream(path + "/services/" + stored()["1"]) << "changed";
  ASSERT_TRUE(restart());
  EXPECT_TRUE(has("changed"));
}

TEST_F(JournalTest, FullDiskIsAnErrorAndNothingIsLost) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(keep({put("a", "1")}));
  disk.inject(1, raft::Fault::kShortWrite);
  Status full = keep({put("b", "2")});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind, ErrorKind::kIo);
  EXPECT_TRUE(has("1"));  // what only the journal had is in the files now
  ASSERT_TRUE(keep({put("c", "3")}));
  ASSERT_TRUE(restart());
  EXPECT_TRUE(has("1"));
  EXPECT_FALSE(has("2"));
  EXPECT_TRUE(has("3"));
}

TEST_F(JournalTest, RefusesWhileNeitherJournalNorFilesCanBeWritten) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(keep({put("a", "1")}));
  std::ofstream(path + "/services") << "in the way";
  disk.inject(2, raft::Fault::kError);
  EXPECT_FALSE(keep({put("b", "2")}));
  EXPECT_FALSE(keep({put("b", "2")}));
  fs::remove(path + "/services");
  ASSERT_TRUE(keep({put("c", "3")}));
  EXPECT_TRUE(has("1"));
  ASSERT_TRUE(restart());
  EXPECT_TRUE(has("3"));
}

TEST_F(JournalTest, DamageInTheMiddleIsNamed) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(keep({put("a", "first content")}));
  ASSERT_TRUE(keep({put("b", "second")}));
  disk.inject(1, raft::Fault::kPowerOff);
  journal.reset();
  disk.power_cut(1);
  std::string segment = disk.paths().at(0), bytes = disk.content(segment);
  bytes[bytes.find("first content")] ^= 1;
  disk.set_content(segment, bytes);
  Status opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kCorrupt);
  EXPECT_NE(opened.error().message.find(segment + ": offset 64"), std::string::npos)
      << opened.error().message;
  EXPECT_NE(opened.error().message.find("move " + path + "/registrations away"), std::string::npos);
}

// The power goes at any call of the disk; each time all that was answered is there, and what was not is there
// as asked or as before.
TEST_F(JournalTest, PowerCutsLoseNothingAnswered) {
  Random chance(7);
  std::map<std::string, std::optional<std::string>> known;
  ASSERT_TRUE(open());
  for (uint64_t round = 1; round <= 60; ++round) {
    disk.inject(1 + chance.below(12), raft::Fault::kPowerOff);
    std::map<std::string, std::optional<std::string>> unsure;
    for (int i = 0; i < 20 && unsure.empty(); ++i) {
      std::string id = std::to_string(chance.below(5)), content = fmt::format("{} at {}.{}", id, round, i);
      bool remove = chance.below(4) == 0;
      std::optional<std::string> wanted = remove ? std::nullopt : std::optional(content);
      if (keep({{KeptKind::kService, id, wanted}}))
        known[id] = wanted;
      else
        unsure[id] = wanted;
    }
    ASSERT_TRUE(restart(round));
    for (auto& [id, content] : known) {
      std::optional<std::string> found;
      for (const auto& [text, name] : stored())
        if (text.starts_with(id + " at ")) found = text;
      if (found != content && unsure.contains(id)) content = unsure[id];
      ASSERT_EQ(found, content) << "round " << round << ", service " << id;
    }
    for (auto& [id, content] : unsure)
      if (!known.contains(id) && content && has(*content)) known[id] = content;
  }
}

TEST_F(JournalTest, WithoutADirectoryEverythingIsFine) {
  files.emplace("", Logger("agent", hub));
  ASSERT_TRUE(open());
  EXPECT_TRUE(keep({put("a", "1")}));
  journal->append_later(state("a", "1"));
  journal->close();
}

TEST(JournalRecord, ReadsWhatItWritesAndNothingElse) {
  std::string record;
  append_change(record, put("a", std::string("x\0y", 3)));
  append_change(record, gone("b"));
  auto read = decode_journal_record(record + journal_mark(1ull << 40));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->changes.size(), 2u);
  EXPECT_EQ(read->changes[0].content, std::string("x\0y", 3));
  EXPECT_EQ(read->changes[1].id, "b");
  EXPECT_FALSE(read->changes[1].content);
  EXPECT_EQ(read->in_files_up_to, 1ull << 40);
  for (size_t size = 1; size < record.size(); ++size)
    if (auto part = decode_journal_record(record.substr(0, size))) {
      EXPECT_EQ(part->changes.size(), 1u);
    }
  record[0] = '?';
  EXPECT_EQ(decode_journal_record(record).error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace praetor::agent
