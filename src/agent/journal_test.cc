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
    // In memory where that is possible: hundreds of restarts write the files, and sync each.
    fs::path folder = fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    std::string pattern = (folder / "praetor-journal-XXXXXX").string();
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
  while (disk.content(disk.paths().at(0)).find(journal_mark(1)) == std::string::npos)
    std::this_thread::yield();
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
  EXPECT_EQ(full.error().kind, ErrorKind::kNoRoom);
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

// What was answered, and what was asked for and refused, which is there as asked or as before.
class Expected {
 public:
  bool certain() const { return unsure_.empty(); }
  void note(const std::string& id, const std::optional<std::string>& wanted, bool answered) {
    (answered ? known_ : unsure_)[id] = wanted;
    if (answered) unsure_.erase(id);
  }
  // Holds `texts`, each of which begins with its id and " at ", against that.
  template <typename Texts>
  void check(const Texts& texts, const std::string& when) {
    for (auto& [id, content] : known_) {
      std::optional<std::string> found;
      for (const auto& [text, name] : texts)
        if (text.starts_with(id + " at ")) found = text;
      if (found != content && unsure_.contains(id)) content = unsure_[id];
      ASSERT_EQ(found, content) << when << ", service " << id;
    }
    for (auto& [id, content] : unsure_)
      if (!known_.contains(id) && content && texts.contains(*content)) known_[id] = content;
    unsure_.clear();
  }

 private:
  std::map<std::string, std::optional<std::string>> known_, unsure_;
};

// The power goes at any call of the disk.
TEST_F(JournalTest, PowerCutsLoseNothingAnswered) {
  Random chance(7);
  Expected expected;
  ASSERT_TRUE(open());
  for (uint64_t round = 1; round <= 60; ++round) {
    disk.inject(1 + chance.below(12), raft::Fault::kPowerOff);
    for (int i = 0; i < 20 && expected.certain(); ++i) {
      std::string id = std::to_string(chance.below(5)), content = fmt::format("{} at {}.{}", id, round, i);
      bool remove = chance.below(4) == 0;
      std::optional<std::string> wanted = remove ? std::nullopt : std::optional(content);
      expected.note(id, wanted, keep({{KeptKind::kService, id, wanted}}).has_value());
    }
    ASSERT_TRUE(restart(round));
    ASSERT_NO_FATAL_FAILURE(expected.check(stored(), fmt::format("round {}", round)));
  }
}

// Each call of the disk fails once, in each way, until there is none left to fail.
TEST_F(JournalTest, FailingAnyCallLosesNothingAnswered) {
  Expected expected;
  ASSERT_TRUE(open());
  for (raft::Fault fault : {raft::Fault::kError, raft::Fault::kShortWrite, raft::Fault::kAfter}) {
    uint64_t call = 1, refused = 0;
    for (bool failed = true; failed; ++call) {
      ASSERT_LT(call, 100u);
      disk.inject(call, fault);
      for (int i = 0; i < 6; ++i) {
        std::string id = std::to_string(i % 4);
        std::optional<std::string> wanted =
            fmt::format("{} at {}.{}.{}", id, static_cast<int>(fault), call, i);
        if (i == 3) wanted.reset();
        bool answered = keep({{KeptKind::kService, id, wanted}}).has_value();
        if (!answered) ++refused;
        expected.note(id, wanted, answered);
      }
      failed = disk.injected();
      Status started = restart(call);
      ASSERT_TRUE(started) << call << ": " << started.error().message;
      ASSERT_NO_FATAL_FAILURE(
          expected.check(stored(), fmt::format("fault {} at call {}", static_cast<int>(fault), call)));
    }
    EXPECT_GT(call, 6u);
    EXPECT_GT(refused, 0u);
  }
}

// A changed bit is refused, or takes away the last change at most, which is what a torn end looks like.
// Nothing that nobody wrote appears.
TEST_F(JournalTest, EveryFlippedBitIsFound) {
  ASSERT_TRUE(open());
  for (std::string id : {"a", "b", "c"}) ASSERT_TRUE(keep({put(id, id + " content")}));
  disk.inject(1, raft::Fault::kPowerOff);
  std::string kept = path + ".kept";
  fs::copy(path, kept, fs::copy_options::recursive);
  journal.reset();
  disk.power_cut(1);
  std::string segment = disk.paths().at(0), bytes = disk.content(segment);
  std::string used = bytes.substr(0, bytes.find_last_not_of('\0') + 1);
  bytes = used + std::string(64, '\0');  // of the room that is kept for more
  ASSERT_NE(used.find("c content"), used.npos);
  size_t refused = 0, unharmed = 0;
  // Of the last record one bit a byte: whenever that is cut off, the files of the others are written and
  // synced.
  size_t last = used.find("c content") - 24;
  for (size_t bit = 0; bit < used.size() * 8; bit += bit / 8 < last ? 1 : 9) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    for (const std::string& file : disk.paths()) ASSERT_TRUE(disk.remove(file));
    disk.set_content(segment, damaged);
    Status opened = open();
    auto found = stored();
    if (!opened) {
      EXPECT_NE(opened.error().message.find(segment), std::string::npos) << opened.error().message;
      ++refused;
    } else if (found.size() == 3) {
      ++unharmed;
    } else {
      EXPECT_EQ(found.size(), 2u) << "bit " << bit;
      EXPECT_FALSE(found.contains("c content")) << "bit " << bit;
    }
    for (const auto& [text, name] : found)
      EXPECT_TRUE(text == "a content" || text == "b content" || text == "c content")
          << "bit " << bit << ": " << text;
    journal.reset();
    if (opened) {
      fs::remove_all(path);
      fs::copy(kept, path, fs::copy_options::recursive);
    }
  }
  fs::remove_all(kept);
  EXPECT_GT(refused, used.size());
  EXPECT_EQ(unharmed, 0u);
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
