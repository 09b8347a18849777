// Any bytes in the files of the log: the log is refused with a text that names the file, or what it gives was
// written so. Checksums keep a fuzzer from getting far with bytes of its own, so most inputs are damage to a
// good log: a list of edits.
#include "base/cursor.h"
#include "raft/fault_fs.h"
#include "raft/log_record.h"
#include "raft/segment_header.h"
#include "raft/segment_log.h"
#include "raft/snapshot_meta.h"
#include "raft/snapshot_store.h"
#include "raft/vote_store.h"
#include "tests/fuzz/target.h"

namespace praetor::raft {
namespace {

constexpr uint32_t kSalt = 0x12345678;
constexpr size_t kSegmentBytes = 2048;

EntryRef make(uint64_t index, std::string data) {
  auto entry = std::make_shared<Entry>();
  entry->index = index;
  entry->term = 1 + index / 10;
  entry->data = std::move(data);
  if (index % 5 == 0) entry->extensions = "extension";
  return entry;
}

Result<std::unique_ptr<SegmentLog>> open(FileSystem& fs) {
  SegmentLog::Contents contents;
  SegmentLog::OpenOptions options;
  options.directory = "/log";
  options.segment_bytes = kSegmentBytes;
  options.make_salt = [] { return kSalt; };
  return SegmentLog::open(fs, std::move(options), contents);
}

// The entries; all of them can be read, as opening has verified them.
std::vector<EntryRef> read_all(const SegmentLog& log) {
  std::vector<EntryRef> all;
  while (log.first_index() + all.size() <= log.last_index()) {
    auto some = log.read(log.first_index() + all.size(), log.last_index(), 1000);
    CHECK(some.has_value() && !some->empty());
    all.insert(all.end(), some->begin(), some->end());
  }
  return all;
}

struct Sample {
  Sample() {
    auto log = open(fs);
    CHECK(log.has_value());
    for (uint64_t i = 1; i <= 30; i += 3) {
      std::vector<EntryRef> batch = {make(i, std::string(i * 7 % 300, 'a')), make(i + 1, "x"),
                                     make(i + 2, "")};
      CHECK((*log)->append(batch).has_value());
      entries.insert(entries.end(), batch.begin(), batch.end());
    }
    paths = fs.paths();
  }
  FaultFileSystem fs;
  std::vector<EntryRef> entries;
  std::vector<std::string> paths;
};

const Sample& sample() {
  static const Sample made;
  return made;
}

// Edits: a byte that chooses file and kind, two of offset, one of value.
void damage(FaultFileSystem& fs, std::string_view edits) {
  for (const std::string& path : sample().paths) fs.set_content(path, sample().fs.content(path));
  Cursor cursor(edits);
  while (cursor.remaining() >= 4) {
    uint8_t what = cursor.u8();
    size_t offset = cursor.u16();
    uint8_t value = cursor.u8();
    const std::string& path = sample().paths[what % sample().paths.size()];
    std::string content = fs.content(path);
    if (what >= 240) {
      content.resize(offset % (content.size() + 100));
    } else if (what >= 224) {
      (void)fs.remove(path);
      continue;
    } else if (!content.empty()) {
      char& byte = content[offset % content.size()];
      byte = static_cast<char>(what >= 128 ? value : static_cast<uint8_t>(byte) ^ value);
    }
    fs.set_content(path, content);
  }
}

void check_log(FaultFileSystem& fs, bool good_once) {
  auto log = open(fs);
  if (!log) {
    CHECK(log.error().message.find("/log/") != std::string::npos);
    return;
  }
  auto found = read_all(**log);
  if (good_once)
    for (const EntryRef& entry : found)
      if (entry->index <= sample().entries.size()) CHECK(*entry == *sample().entries[entry->index - 1]);
  // It goes on from there, and comes back the same.
  uint64_t next = (*log)->last_index() + 1;
  if (next == 0) return;
  std::vector<EntryRef> more = {make(next, "more")};
  const_cast<Entry&>(*more[0]).term = UINT64_MAX;
  CHECK((*log)->append(more).has_value());
  auto again = open(fs);
  CHECK(again.has_value());
  CHECK((*again)->last_index() == next);
  CHECK(read_all(**again).size() == found.size() + 1);
}

}  // namespace
}  // namespace praetor::raft

PRAETOR_FUZZ_TARGET(raft_log) {
  using namespace praetor::raft;
  if (input.empty()) return;
  FaultFileSystem fs;
  bool edits = (input[0] & 1) != 0;
  input.remove_prefix(1);
  if (edits) {
    damage(fs, input);
  } else {
    fs.set_content("/log/" + segment_file_name(1), std::string(input));
  }
  check_log(fs, edits);
}

// The small files and messages of consensus.
PRAETOR_FUZZ_TARGET(raft_files) {
  using namespace praetor::raft;
  (void)decode_record_header(input, 0);
  (void)parse_segment_file_name(input);
  if (auto configuration = decode_configuration(input)) {
    auto again = decode_configuration(encode_configuration(*configuration));
    CHECK(again.has_value() && *again == *configuration);
    (void)check_configuration(*configuration);
    (void)format_configuration(*configuration);
  }
  if (auto stored = decode_stored_meta(input)) {
    auto again = decode_stored_meta(encode_stored_meta(*stored));
    CHECK(again.has_value() && again->meta == stored->meta && again->crc == stored->crc);
  }
  (void)decode_snapshot_meta(input);
  FaultFileSystem fs;
  fs.set_content("/vote", std::string(input));
  if (auto store = FileVoteStore::open(fs, "/vote")) {
    HardState state = (*store)->state();
    CHECK((*store)->save({state.term + 1, "me"}).has_value());
  } else {
    CHECK(store.error().message.find("/vote") != std::string::npos);
  }
}
