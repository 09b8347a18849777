// The log on disk: what it keeps over restarts, torn writes, flipped bits, failing calls and power cuts.
#include "raft/segment_log.h"

#include <gtest/gtest.h>

#include "base/test_patience.h"
#include "raft/fault_fs.h"
#include "raft/log_record.h"
#include "raft/segment_header.h"

namespace praetor::raft {
namespace {

EntryRef make(uint64_t index, uint64_t term, std::string data, EntryType type = EntryType::kCommand) {
  auto entry = std::make_shared<Entry>();
  entry->index = index;
  entry->term = term;
  entry->type = type;
  entry->data = std::move(data);
  return entry;
}

struct Opened {
  std::unique_ptr<SegmentLog> log;
  SegmentLog::Contents contents;
  std::vector<std::string> lines;
};

Result<Opened> open_log(FileSystem& fs, size_t segment_bytes = 4096, uint64_t snapshot_index = 0) {
  Opened opened;
  SegmentLog::OpenOptions options;
  options.directory = "/log";
  options.segment_bytes = segment_bytes;
  options.snapshot_index = snapshot_index;
  options.make_salt = [] { return 0x12345678u; };
  options.on_log = [&](const std::string& line) { opened.lines.push_back(line); };
  TRY_ASSIGN(opened.log, SegmentLog::open(fs, std::move(options), opened.contents));
  return opened;
}

std::vector<EntryRef> read_all(const SegmentLog& log) {
  std::vector<EntryRef> all;
  while (log.first_index() + all.size() <= log.last_index()) {
    auto some = log.read(log.first_index() + all.size(), log.last_index(), 1000);
    if (!some) {
      ADD_FAILURE() << some.error().message;
      return all;
    }
    all.insert(all.end(), some->begin(), some->end());
  }
  return all;
}

Status append(SegmentLog& log, std::vector<EntryRef> entries) { return log.append(entries); }
// As the log's thread does when there was no room.
Status append_or_retry(SegmentLog& log, const EntryRef& entry) {
  Status appended = append(log, {entry});
  return !appended && appended.error().kind == ErrorKind::kNoRoom ? append(log, {entry}) : appended;
}

// What finds no room before the sync may be tried again; each call of an append that begins a new file.
TEST(SegmentLogTest, AnAppendThatFoundNoRoomIsWrittenLater) {
  size_t recovered = 0;
  for (uint64_t call = 1;; ++call) {
    FaultFileSystem fs;
    auto opened = open_log(fs);
    ASSERT_TRUE(opened);
    ASSERT_TRUE(append(*opened->log, {make(1, 1, std::string(3000, 'a'))}));
    fs.inject(call, Fault::kShortWrite);
    EntryRef second = make(2, 1, std::string(3000, 'b'));
    Status appended = append(*opened->log, {second});
    if (!fs.injected()) break;
    ASSERT_FALSE(appended);
    if (appended.error().kind != ErrorKind::kNoRoom) {  // it was the sync: closed until a restart
      Status again = append(*opened->log, {second});
      ASSERT_FALSE(again);
      EXPECT_EQ(again.error().kind, ErrorKind::kIo) << again.error().message;
      continue;
    }
    ASSERT_TRUE(append(*opened->log, {second}));
    ++recovered;
    ASSERT_TRUE(append(*opened->log, {make(3, 2, "c")}));
    opened->log.reset();
    fs.power_cut(call);
    auto again = open_log(fs);
    ASSERT_TRUE(again) << call << ": " << again.error().message;
    auto all = read_all(*again->log);
    ASSERT_EQ(all.size(), 3u) << call;
    EXPECT_EQ(all[1]->data, second->data);
    EXPECT_EQ(all[2]->data, "c");
  }
  EXPECT_GE(recovered, 4u);  // create, head, allocate, write
}

TEST(SegmentLogTest, BlocksAreWrittenAheadOncePerManyAppends) {
  constexpr size_t kSegmentBytes = 1 << 20;
  constexpr uint64_t kAppends = 100;
  FaultFileSystem fs;
  auto opened = open_log(fs, kSegmentBytes);
  ASSERT_TRUE(opened);
  ASSERT_TRUE(append(*opened->log, {make(1, 1, "first")}));
  uint64_t before = fs.calls();
  for (uint64_t index = 2; index < 2 + kAppends; ++index)
    ASSERT_TRUE(append(*opened->log, {make(index, 1, std::string(100, 'd'))}));
  EXPECT_EQ(fs.calls(), before + 2 * kAppends);  // a write and a sync each
}

TEST(SegmentLogTest, KeepsEntriesOfEveryShapeOverAReopen) {
  FaultFileSystem fs;
  std::vector<EntryRef> written;
  {
    auto opened = open_log(fs);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->log->first_index(), 1u);
    EXPECT_EQ(opened->log->last_index(), 0u);
    for (size_t size : {0, 1, 7, 8, 9, 100, 512, 5000, 100000}) {
      auto entry =
          std::make_shared<Entry>(*make(written.size() + 1, 1 + written.size() / 3, std::string(size, 'd')));
      entry->extensions = std::string(size % 50, 'e');
      entry->type = size == 7   ? EntryType::kConfiguration
                    : size == 8 ? EntryType::kBarrier
                                : EntryType::kCommand;
      written.push_back(entry);
      ASSERT_TRUE(append(*opened->log, {entry}));
    }
  }
  auto opened = open_log(fs);
  ASSERT_TRUE(opened) << opened.error().message;
  auto found = read_all(*opened->log);
  ASSERT_EQ(found.size(), written.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(*found[i], *written[i]);
  EXPECT_EQ(opened->contents.terms, (std::vector<TermRun>{{1, 1}, {4, 2}, {7, 3}}));
  ASSERT_EQ(opened->contents.configurations.size(), 1u);
  EXPECT_EQ(opened->contents.configurations[0]->index, 3u);
  EXPECT_TRUE(opened->lines.empty());
}

TEST(SegmentLogTest, TruncatesCompactsAndResets) {
  FaultFileSystem fs;
  auto opened = open_log(fs, 1024);
  ASSERT_TRUE(opened);
  SegmentLog& log = *opened->log;
  for (uint64_t i = 1; i <= 100; ++i) ASSERT_TRUE(append(log, {make(i, 1, std::string(50, 'x'))}));
  EXPECT_GT(fs.paths().size(), 5u);
  ASSERT_TRUE(log.truncate_from(61));
  EXPECT_EQ(log.last_index(), 60u);
  ASSERT_TRUE(append(log, {make(61, 2, "new")}));
  ASSERT_TRUE(log.compact_to(30));
  EXPECT_GT(log.first_index(), 20u);
  EXPECT_LE(log.first_index(), 31u);
  auto again = open_log(fs, 1024, 30);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->log->first_index(), log.first_index());
  EXPECT_EQ(again->log->last_index(), 61u);
  EXPECT_EQ(read_all(*again->log).back()->data, "new");
  ASSERT_TRUE(again->log->truncate_from(again->log->first_index()));
  EXPECT_EQ(again->log->last_index(), again->log->first_index() - 1);
  ASSERT_TRUE(again->log->reset(501));
  EXPECT_EQ(again->log->last_index(), 500u);
  ASSERT_TRUE(append(*again->log, {make(501, 3, "far")}));
  auto last = open_log(fs, 1024, 500);
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_EQ(last->log->first_index(), 501u);
  EXPECT_EQ(last->log->last_index(), 501u);
}

// A log of three appends, the last of several records; returns where the last record begins.
size_t write_sample(FaultFileSystem& fs) {
  auto opened = open_log(fs);
  EXPECT_TRUE(opened);
  EXPECT_TRUE(append(*opened->log, {make(1, 1, "first"), make(2, 1, std::string(100, 'b'))}));
  EXPECT_TRUE(append(*opened->log, {make(3, 1, std::string(700, 'c'))}));
  auto last = make(6, 2, "the last record, torn at every byte");
  EXPECT_TRUE(append(*opened->log, {make(4, 2, "d"), make(5, 2, ""), last}));
  const std::string& content = fs.content("/log/" + segment_file_name(1));
  return content.find_last_not_of('\0') + 1 - record_bytes(*last);
}

TEST(SegmentLogTest, TornTailIsCutAtEveryByteOfTheLastRecord) {
  FaultFileSystem sample;
  size_t begin = write_sample(sample);
  std::string path = "/log/" + segment_file_name(1), whole = sample.content(path);
  size_t end = whole.find_last_not_of('\0') + 1;
  for (size_t cut = begin; cut < end; ++cut) {
    for (bool zeros : {true, false}) {  // the rest never written, or the file itself shorter
      FaultFileSystem fs;
      std::string torn = whole.substr(0, cut);
      if (zeros) torn.resize(whole.size(), '\0');
      fs.set_content(path, torn);
      auto opened = open_log(fs);
      ASSERT_TRUE(opened) << "cut at " << cut << ": " << opened.error().message;
      EXPECT_EQ(opened->log->last_index(), 5u);
      EXPECT_EQ(opened->lines.size(), cut == begin ? 0u : 1u) << cut;
      ASSERT_TRUE(append(*opened->log, {make(6, 3, "instead")}));
      auto again = open_log(fs);
      ASSERT_TRUE(again) << again.error().message;
      EXPECT_EQ(read_all(*again->log).back()->data, "instead");
      EXPECT_TRUE(again->lines.empty());
    }
  }
}

TEST(SegmentLogTest, EveryFlippedBitIsFound) {
  FaultFileSystem sample;
  write_sample(sample);
  std::string path = "/log/" + segment_file_name(1), whole = sample.content(path);
  size_t end = whole.find_last_not_of('\0') + 1, refused = 0, cut = 0;
  for (size_t bit = 0; bit < (end + 64) * 8; ++bit) {
    FaultFileSystem fs;
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    fs.set_content(path, flipped);
    auto opened = open_log(fs);
    if (!opened) {
      ++refused;
      EXPECT_EQ(opened.error().kind, ErrorKind::kCorrupt);
      EXPECT_NE(opened.error().message.find(path + ": offset "), std::string::npos) << opened.error().message;
      continue;
    }
    // Accepted only as an incomplete append, and said so; never with changed content.
    ++cut;
    ASSERT_EQ(opened->lines.size(), 1u) << "bit " << bit;
    for (const EntryRef& entry : read_all(*opened->log)) EXPECT_LT(entry->index, 7u);
    EXPECT_GE(bit / 8, end) << "an entry was dropped silently";
  }
  EXPECT_GT(refused, end * 7);
  EXPECT_GT(cut, 64u * 7);
}

TEST(SegmentLogTest, FlippedBitInAnOlderSegmentOrAMissingOneIsRefused) {
  FaultFileSystem fs;
  {
    auto opened = open_log(fs, 1024);
    for (uint64_t i = 1; i <= 40; ++i) ASSERT_TRUE(append(*opened->log, {make(i, 1, std::string(50, 'x'))}));
  }
  std::vector<std::string> paths = fs.paths();
  ASSERT_GE(paths.size(), 3u);
  std::string good = fs.content(paths[1]), bad = good;
  bad[300] = static_cast<char>(bad[300] ^ 4);
  fs.set_content(paths[1], bad);
  auto damaged = open_log(fs, 1024);
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().message.find(paths[1] + ": offset "), std::string::npos);
  fs.set_content(paths[1], good);
  ASSERT_TRUE(open_log(fs, 1024));
  ASSERT_TRUE(fs.remove(paths[1]));
  auto missing = open_log(fs, 1024);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kCorrupt);
  // Below a snapshot a gap is only what compaction left.
  uint64_t newest = *parse_segment_file_name(paths.back().substr(5));
  EXPECT_TRUE(open_log(fs, 1024, newest - 1));
}

TEST(SegmentLogTest, DataThatLooksLikeRecordsFoolsNobody) {
  FaultFileSystem fs;
  std::string fake;
  append_record(fake, *make(900, 1, "forged"), 900, 0);  // without the segment's salt
  std::string padded = std::string(8 - (kRecordHeaderBytes % 8), ' ') + fake + fake;
  {
    auto opened = open_log(fs);
    ASSERT_TRUE(append(*opened->log, {make(1, 1, "x")}));
    ASSERT_TRUE(append(*opened->log, {make(2, 1, padded)}));
  }
  std::string path = fs.paths()[0], content = fs.content(path);
  content.resize(content.find_last_not_of('\0') - 3);
  fs.set_content(path, content);
  auto opened = open_log(fs);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->log->last_index(), 1u);
}

// The simulation found it (seed 12251): half of the first try and sectors of the second together looked like
// damage.
TEST(SegmentLogTest, APowerCutInTheSecondTryLeavesNoDamage) {
  constexpr uint64_t kSeeds = 100;
  EntryRef large = make(2, 1, std::string(3000, 'd'));
  for (uint64_t call = 1, cut = 1; cut != 0; ++call) {
    cut = 0;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      FaultFileSystem fs;
      auto opened = open_log(fs, 64 << 10);
      ASSERT_TRUE(append(*opened->log, {make(1, 1, "first")}));
      fs.inject(1, Fault::kShortWrite);
      auto refused = opened->log->append(std::vector<EntryRef>{large});
      ASSERT_FALSE(refused);
      ASSERT_EQ(refused.error().kind, ErrorKind::kNoRoom);
      fs.inject(call, Fault::kPowerOff);
      (void)opened->log->append(std::vector<EntryRef>{large});
      if (!fs.injected()) break;
      ++cut;
      opened->log.reset();
      fs.power_cut(seed);
      auto again = open_log(fs, 64 << 10);
      ASSERT_TRUE(again) << "call " << call << ", seed " << seed << ": " << again.error().message;
      EXPECT_GE(again->log->last_index(), 1u);
    }
  }
}

TEST(SegmentLogTest, AFailedLogStaysFailed) {
  for (Fault fault : {Fault::kError, Fault::kShortWrite}) {  // the second says that there is no room
    FaultFileSystem fs;
    auto opened = open_log(fs);
    ASSERT_TRUE(append(*opened->log, {make(1, 1, "x")}));
    fs.inject(2, fault);  // the sync
    for (int i = 0; i < 2; ++i) {
      auto failed = opened->log->append(std::vector<EntryRef>{make(2, 1, "y")});
      ASSERT_FALSE(failed);
      EXPECT_TRUE(fs.injected());
      EXPECT_NE(failed.error().message.find("the log is closed"), std::string::npos);
      EXPECT_EQ(failed.error().kind, ErrorKind::kIo);
    }
    EXPECT_EQ(opened->log->last_index(), 1u);
  }
}

// --- simulation ---

// What the log must hold: entries below `acknowledged_first` may be gone, the rest must be there, and after
// them only what was being written.
struct Expected {
  std::map<uint64_t, EntryRef> entries;
  std::vector<EntryRef> in_flight;     // an append that was not acknowledged
  uint64_t may_begin_at = 1;           // compaction was allowed up to before this
  std::optional<uint64_t> truncating;  // a truncation that was not acknowledged
  uint64_t snapshot = 0;
};

void check(const SegmentLog& log, Expected& expected, uint64_t seed) {
  auto found = read_all(log);
  uint64_t first = log.first_index();
  ASSERT_LE(first, expected.may_begin_at) << "seed " << seed;
  uint64_t must = expected.entries.empty() ? 0 : expected.entries.rbegin()->first;
  if (expected.truncating) must = *expected.truncating - 1;
  ASSERT_GE(log.last_index() + 1, must + 1) << "an acknowledged entry is lost, seed " << seed;
  for (const EntryRef& entry : found) {
    if (auto known = expected.entries.find(entry->index); known != expected.entries.end()) {
      ASSERT_EQ(*entry, *known->second) << "seed " << seed;
      continue;
    }
    bool written = false;
    for (const EntryRef& candidate : expected.in_flight) written |= *candidate == *entry;
    ASSERT_TRUE(written || entry->index <= expected.snapshot)
        << "entry " << entry->index << ", seed " << seed;
  }
  // From here on this is what is there.
  expected.entries.clear();
  for (const EntryRef& entry : found) expected.entries[entry->index] = entry;
  expected.in_flight.clear();
  expected.truncating.reset();
}

void simulate(uint64_t seed) {
  Random random(seed);
  FaultFileSystem fs;
  Expected expected;
  uint64_t term = 1;
  for (int life = 0; life < 4; ++life) {
    auto opened = open_log(fs, 1024 + random.below(4096), expected.snapshot);
    ASSERT_TRUE(opened) << "seed " << seed << " life " << life << ": " << opened.error().message;
    SegmentLog& log = *opened->log;
    if (log.last_index() < expected.snapshot) {
      ASSERT_TRUE(log.reset(expected.snapshot + 1));
      expected.entries.clear();
      expected.may_begin_at = expected.snapshot + 1;
    }
    check(log, expected, seed);
    if (testing::Test::HasFatalFailure()) return;
    ++term;
    fs.inject(1 + random.below(40), Fault::kPowerOff);
    for (bool alive = true; alive;) {
      uint64_t last = log.last_index(), first = log.first_index();
      uint64_t action = random.below(20);
      if (action < 15) {
        std::vector<EntryRef> batch;
        for (uint64_t n = 1 + random.below(6); n > 0; --n)
          batch.push_back(
              make(last + 1 + batch.size(), term, std::string(random.below(400), 'a' + random.below(26))));
        expected.in_flight = batch;
        if ((alive = log.append(batch).has_value())) {
          for (const EntryRef& entry : batch) expected.entries[entry->index] = entry;
          expected.in_flight.clear();
        }
      } else if (action < 17 && last > std::max(first, expected.snapshot + 1)) {
        uint64_t low = std::max(first, expected.snapshot + 1), from = low + random.below(last - low + 1);
        expected.truncating = from;
        if ((alive = log.truncate_from(from).has_value())) {
          expected.entries.erase(expected.entries.lower_bound(from), expected.entries.end());
          expected.truncating.reset();
        }
      } else if (action < 19 && last > first) {
        uint64_t to = first + random.below(last - first);
        expected.snapshot = std::max(expected.snapshot, to);
        expected.may_begin_at = std::max(expected.may_begin_at, to + 1);
        alive = log.compact_to(to).has_value();
        if (alive)
          expected.entries.erase(expected.entries.begin(), expected.entries.lower_bound(log.first_index()));
      } else if (action == 19 && random.below(4) == 0) {
        expected.snapshot = last + 1 + random.below(10);  // durable elsewhere, as the snapshot store does it
        expected.may_begin_at = expected.snapshot + 1;
        expected.entries.clear();
        alive = log.reset(expected.snapshot + 1).has_value();
        if (!alive) expected.truncating = 1;
      }
    }
    fs.power_cut(random.next());
    if (expected.snapshot > 0 && expected.truncating == 1u) expected.truncating.reset();
  }
}

TEST(SegmentLogTest, PowerCutsLoseNothingAcknowledged) {
  for (uint64_t seed = 1; seed <= 1000 / kSlowness; ++seed) {
    simulate(seed);
    if (HasFatalFailure()) return;
  }
}

// The process ends after the fault, a new one goes on at once; the power fails only later. What a failed sync
// left in memory alone must not be built upon.
TEST(SegmentLogTest, ARestartAfterAnyFaultBuildsOnlyOnWhatIsDurable) {
  for (Fault fault : {Fault::kError, Fault::kShortWrite, Fault::kAfter}) {
    for (uint64_t call = 1;; ++call) {
      FaultFileSystem fs;
      fs.inject(call, fault);
      uint64_t acknowledged = 0;
      if (auto opened = open_log(fs, 1024))
        for (uint64_t i = 1; i <= 20; ++i)
          if (append_or_retry(*opened->log, make(i, 1, std::string(60, 'x')))) acknowledged = i;
      bool hit = fs.injected();
      fs.inject(0, fault);
      auto second = open_log(fs, 1024);
      ASSERT_TRUE(second) << "call " << call << ": " << second.error().message;
      ASSERT_GE(second->log->last_index(), acknowledged) << "call " << call;
      for (uint64_t i = second->log->last_index() + 1; i <= 25; ++i)
        ASSERT_TRUE(append(*second->log, {make(i, 2, std::string(80, 'y'))}));
      fs.power_cut(call);
      auto third = open_log(fs, 1024);
      ASSERT_TRUE(third) << "call " << call << ": " << third.error().message;
      EXPECT_EQ(third->log->last_index(), 25u) << "call " << call;
      read_all(*third->log);
      if (!hit) break;
    }
  }
}

TEST(SegmentLogTest, FailingAnyCallLosesNothingAcknowledged) {
  for (Fault fault : {Fault::kError, Fault::kShortWrite, Fault::kAfter}) {
    for (uint64_t call = 1;; ++call) {
      FaultFileSystem fs;
      fs.inject(call, fault);
      uint64_t acknowledged = 0;
      if (auto opened = open_log(fs, 1024)) {
        for (uint64_t i = 1; i <= 30; ++i)
          if (append_or_retry(*opened->log, make(i, 1, std::string(60, 'x')))) acknowledged = i;
        if (opened->log->compact_to(10) && opened->log->truncate_from(26))
          acknowledged = std::min<uint64_t>(acknowledged, 25);
      }
      bool hit = fs.injected();
      fs.power_cut(call);
      auto opened = open_log(fs, 1024, 10);
      ASSERT_TRUE(opened) << "call " << call << ": " << opened.error().message;
      EXPECT_GE(opened->log->last_index(), std::min<uint64_t>(acknowledged, 25)) << "call " << call;
      read_all(*opened->log);
      if (!hit) {
        EXPECT_GT(call, 50u);
        break;
      }
    }
  }
}

}  // namespace
}  // namespace praetor::raft
