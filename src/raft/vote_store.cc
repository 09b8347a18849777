#include "raft/vote_store.h"

#include <optional>

#include "base/cursor.h"
#include "raft/checksum.h"
#include "raft/mutation.h"

namespace praetor::raft {
namespace {

constexpr std::string_view kMagic = "PRAETRVT";
constexpr size_t kSlotBytes = 4096;  // one page each: no write touches both
constexpr size_t kChecksummed = kSlotBytes - 4;

struct Slot {
  uint64_t sequence = 0;
  HardState state;
};

std::string encode(const Slot& slot) {
  std::string out(kMagic);
  put_u64(out, slot.sequence);
  put_u64(out, slot.state.term);
  put_u16(out, static_cast<uint16_t>(slot.state.voted_for.size()));
  out += slot.state.voted_for;
  out.resize(kChecksummed, '\0');
  put_u32(out, crc32c(out));
  return out;
}

std::optional<Slot> decode(std::string_view bytes) {
  if (bytes.size() != kSlotBytes || bytes.substr(0, kMagic.size()) != kMagic) return std::nullopt;
  if (Cursor(bytes.substr(kChecksummed)).u32() != crc32c(bytes.substr(0, kChecksummed))) return std::nullopt;
  Cursor in(bytes.substr(kMagic.size()));
  Slot slot;
  slot.sequence = in.u64();
  slot.state.term = in.u64();
  slot.state.voted_for = in.bytes(in.u16());
  if (!in.ok()) return std::nullopt;
  return slot;
}

}  // namespace

Result<std::unique_ptr<FileVoteStore>> FileVoteStore::open(FileSystem& file_system, const std::string& path) {
  TRY_ASSIGN(bool exists, file_system.exists(path));
  if (!exists) TRY(write_file_atomically(file_system, path, encode({}) + encode({})));
  // If the sync of its name failed once, the file would be there until the next power cut only.
  if (exists) TRY(file_system.sync_directory(parent_directory(path)));
  TRY_ASSIGN(std::unique_ptr<File> file, file_system.open(path, OpenMode::kReadWrite));
  std::string bytes(2 * kSlotBytes, '\0');
  TRY_ASSIGN(size_t got, file->read_at(0, bytes));
  std::string_view content(bytes.data(), got);
  std::unique_ptr<FileVoteStore> store(new FileVoteStore(path, std::move(file)));
  auto a = decode(content.substr(0, kSlotBytes));
  auto b = got > kSlotBytes ? decode(content.substr(kSlotBytes)) : std::nullopt;
  if (!a && !b)
    return fail(
        path +
            ": offset 0: both copies of term and vote are damaged. The server does not start without "
            "them: it could vote twice in a term. Move its raft directory away so that it joins again empty",
        ErrorKind::kCorrupt);
  const Slot& newest = !b || (a && a->sequence >= b->sequence) ? *a : *b;
  store->sequence_ = newest.sequence;
  store->state_ = newest.state;
  // Both copies again alike before anything is decided on them.
  if (!a || !b || a->sequence != b->sequence) TRY(store->write_slots());
  return store;
}

Status FileVoteStore::save(const HardState& state) {
  if (failed_) return fail(path_ + ": closed after an earlier failure", ErrorKind::kIo);
  if (state.voted_for.size() > kMaxServerIdBytes)
    return fail("raft: server id of " + std::to_string(state.voted_for.size()) +
                    " bytes, more than the limit of " + std::to_string(kMaxServerIdBytes),
                ErrorKind::kTooLarge);
  failed_ = true;
  ++sequence_;
  state_ = state;
  TRY(write_slots());
  failed_ = false;
  return {};
}

// The slot whose content is newer, or the only good one, is written last: one good copy exists at every
// moment.
Status FileVoteStore::write_slots() {
  std::string bytes = encode({sequence_, state_});
  for (uint64_t offset : {uint64_t{0}, uint64_t{kSlotBytes}}) {
    TRY(file_->write_at(offset, bytes));
    if (!planted(Mutation::kVoteNotSynced)) TRY(file_->sync());
  }
  return {};
}

}  // namespace praetor::raft
