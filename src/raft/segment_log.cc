#include "raft/segment_log.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "raft/log_record.h"
#include "raft/mutation.h"
#include "raft/segment_header.h"

namespace praetor::raft {
namespace {
constexpr size_t kBufferKeptBytes = 4 << 20;  // a larger encoding buffer is given back after its batch
constexpr size_t kZeroAheadBytes = 1 << 20;   // or a quarter of a segment
constexpr std::array<char, 64 << 10> kZeros{};
}  // namespace

uint64_t SegmentLog::first_index() const {
  std::lock_guard lock(mutex_);
  return segments_.front().first;
}

uint64_t SegmentLog::last_index() const {
  std::lock_guard lock(mutex_);
  return segments_.back().next() - 1;
}

void SegmentLog::log(const std::string& line) const {
  if (options_.on_log) options_.on_log(line);
}

// After a failed write nobody knows what the disk holds; only a restart, which reads it, may write again.
Status SegmentLog::guarded(const std::function<Status()>& write) {
  if (failure_) return std::unexpected(*failure_);
  Status status = write();
  if (status) return status;
  failure_ = Error{status.error().message + ": the log is closed until a restart", status.error().kind};
  // A sync may find no room too (delayed allocation, a network's file system): what it was to write is lost,
  // and trying again would find nothing to write.
  if (failure_->kind == ErrorKind::kNoRoom) failure_->kind = ErrorKind::kIo;
  return std::unexpected(*failure_);
}

Result<SegmentLog::Segment> SegmentLog::create_segment(uint64_t first, size_t bytes) {
  Segment segment;
  segment.first = first;
  segment.path = options_.directory + "/" + segment_file_name(first);
  segment.salt = options_.make_salt();
  segment.end = kSegmentHeaderBytes;
  segment.allocated = std::max<uint64_t>(options_.segment_bytes, kSegmentHeaderBytes + bytes);
  std::string temporary = segment.path + ".tmp";
  auto fill = [&]() -> Status {
    TRY_ASSIGN(segment.file, file_system_.open(temporary, OpenMode::kCreate));
    TRY(segment.file->write_at(0, encode_segment_header({.first_index = first, .salt = segment.salt})));
    TRY(segment.file->allocate(segment.allocated));
    return segment.file->sync();
  };
  if (Status filled = fill(); !filled) {
    (void)file_system_.remove(temporary);  // what it holds of a full disk may be what others need
    return std::unexpected(filled.error());
  }
  TRY(file_system_.rename(temporary, segment.path));
  TRY(file_system_.sync_directory(options_.directory));
  return segment;
}

Status SegmentLog::append(std::span<const EntryRef> entries) {
  Status written;
  // Nothing has been said of these bytes before they are synced: they may be written again, at the same
  // place.
  if (!failure_) written = write_batch(entries);
  if (!written && written.error().kind == ErrorKind::kNoRoom) return written;
  return guarded([&]() -> Status {
    TRY(std::move(written));
    return sync_batch();
  });
}

Status SegmentLog::write_batch(std::span<const EntryRef> entries) {
  CHECK(!entries.empty());
  size_t bytes = 0;
  for (const EntryRef& entry : entries) bytes += record_bytes(*entry);
  uint64_t first = entries.front()->index;
  CHECK(first == last_index() + 1);
  // A batch never spans two segments: recovery relies on an older segment being complete.
  if (const Segment& newest = segments_.back();
      !newest.offsets.empty() && newest.end + bytes > options_.segment_bytes) {
    TRY_ASSIGN(Segment segment, create_segment(first, bytes));
    std::lock_guard lock(mutex_);
    segments_.push_back(std::move(segment));
  }
  Segment& segment = segments_.back();  // only this thread changes segments_
  if (segment.torn) TRY(clear_behind_end(segment));
  if (segment.end + bytes > segment.allocated) {
    TRY(segment.file->allocate(segment.end + bytes));
    segment.allocated = segment.end + bytes;
  }
  buffer_.clear();
  buffer_.reserve(bytes);
  offsets_.clear();
  for (const EntryRef& entry : entries) {
    CHECK(entry->index == first + offsets_.size());
    offsets_.push_back(static_cast<uint32_t>(segment.end + buffer_.size()));
    append_record(buffer_, *entry, first, segment.salt);
  }
  segment.torn = true;
  TRY(segment.file->write_at(segment.end, buffer_));
  TRY(zero_ahead(segment, segment.end + bytes));
  segment.torn = false;
  return {};
}

// Recovery knows an append that was never synced by the zeros between its sectors. Written over the half of
// an earlier try, it could be left by a power cut as a mix of both without them, and be taken for damage.
Status SegmentLog::clear_behind_end(Segment& segment) {
  TRY(segment.file->truncate(segment.end));
  segment.allocated = segment.zeroed = segment.end;
  uint64_t size = std::max<uint64_t>(options_.segment_bytes, segment.end);
  TRY(segment.file->allocate(size));
  TRY(guarded([&] { return segment.file->sync(); }));
  segment.allocated = size;
  segment.torn = false;
  return {};
}

Status SegmentLog::sync_batch() {
  Segment& segment = segments_.back();
  if (!planted(Mutation::kLogNotSynced)) TRY(segment.file->sync());
  {
    std::lock_guard lock(mutex_);
    segment.offsets.insert(segment.offsets.end(), offsets_.begin(), offsets_.end());
    segment.end += buffer_.size();
  }
  if (buffer_.capacity() > kBufferKeptBytes) buffer_ = std::string();
  return {};
}

// A sync over blocks that were only reserved also has to note in the file system's journal that they hold
// something now; over blocks that were written before it writes the data alone, in two thirds of the time
// (ext4).
Status SegmentLog::zero_ahead(Segment& segment, uint64_t end) const {
  if (end <= segment.zeroed) return {};
  uint64_t ahead = std::min(kZeroAheadBytes, options_.segment_bytes / 4);
  segment.zeroed = std::min(segment.allocated, end + ahead);
  for (uint64_t at = end; at < segment.zeroed; at += kZeros.size())
    TRY(segment.file->write_at(at, {kZeros.data(), std::min<size_t>(kZeros.size(), segment.zeroed - at)}));
  return {};
}

// Newest first, so that what a crash leaves is always a prefix of the log.
Status SegmentLog::remove_newest_while(const std::function<bool(const Segment&)>& condition) {
  bool removed = false;
  while (!segments_.empty() && condition(segments_.back())) {
    TRY(file_system_.remove(segments_.back().path));
    std::lock_guard lock(mutex_);
    segments_.pop_back();
    removed = true;
  }
  return removed ? file_system_.sync_directory(options_.directory) : Status();
}

Status SegmentLog::truncate_from(uint64_t index) {
  return guarded([&]() -> Status {
    CHECK(index >= first_index() && index <= last_index() + 1);
    TRY(remove_newest_while([&](const Segment& segment) { return segment.first > index; }));
    Segment& segment = segments_.back();
    if (index == segment.next()) return {};
    uint64_t keep = index - segment.first, end = segment.offsets[keep];
    // Cutting the file and growing it again leaves zeros: recovery takes nothing old for new.
    TRY(segment.file->truncate(end));
    TRY(segment.file->allocate(std::max<uint64_t>(options_.segment_bytes, end)));
    TRY(segment.file->sync());
    std::lock_guard lock(mutex_);
    segment.offsets.resize(keep);
    segment.end = segment.zeroed = end;
    segment.torn = false;
    segment.allocated = std::max<uint64_t>(options_.segment_bytes, end);
    return {};
  });
}

Status SegmentLog::compact_to(uint64_t index) {
  return guarded([&]() -> Status {
    size_t count = 0;
    while (count + 1 < segments_.size() && segments_[count].next() <= index + 1) ++count;
    if (count == 0) return {};
    // Oldest first; what comes back after a crash lies before the snapshot and is dropped at the next start.
    for (size_t i = 0; i < count; ++i) TRY(file_system_.remove(segments_[i].path));
    TRY(file_system_.sync_directory(options_.directory));
    std::lock_guard lock(mutex_);
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count));
    return {};
  });
}

Status SegmentLog::reset(uint64_t next_index) {
  return guarded([&]() -> Status {
    // Readers must always find a segment: all but the oldest go first, then the new one takes its place.
    TRY(remove_newest_while([&](const Segment& segment) { return &segment != &segments_.front(); }));
    TRY(file_system_.remove(segments_.front().path));
    TRY(file_system_.sync_directory(options_.directory));
    TRY_ASSIGN(Segment segment, create_segment(next_index, 0));
    std::lock_guard lock(mutex_);
    segments_.front() = std::move(segment);
    return {};
  });
}

Result<std::vector<EntryRef>> SegmentLog::read(uint64_t from, uint64_t to, size_t max_bytes) const {
  struct Piece {
    std::shared_ptr<File> file;
    std::string path;
    uint32_t salt;
    uint64_t offset, bytes;
  };
  std::vector<Piece> pieces;
  {
    std::lock_guard lock(mutex_);
    if (from < segments_.front().first || to >= segments_.back().next() || from > to)
      return fail(
          "log: entries " + std::to_string(from) + " to " + std::to_string(to) + " are not in the log",
          ErrorKind::kNotFound);
    auto segment = std::upper_bound(segments_.begin(), segments_.end(), from,
                                    [](uint64_t index, const Segment& s) { return index < s.first; });
    uint64_t total = 0;
    for (--segment;
         segment != segments_.end() && segment->first <= to && (pieces.empty() || total < max_bytes);
         ++segment) {
      size_t begin = std::max(from, segment->first) - segment->first, end = begin, bytes = 0;
      size_t limit = std::min(to + 1, segment->next()) - segment->first;
      if (begin == limit) continue;
      while (end < limit && (bytes == 0 || total + bytes < max_bytes)) {
        ++end;
        bytes =
            (end < segment->offsets.size() ? segment->offsets[end] : segment->end) - segment->offsets[begin];
      }
      pieces.push_back({segment->file, segment->path, segment->salt, segment->offsets[begin], bytes});
      total += bytes;
    }
  }
  std::vector<EntryRef> out;
  std::string buffer;
  for (const Piece& piece : pieces) {
    buffer.resize(piece.bytes);
    TRY_ASSIGN(size_t got, piece.file->read_at(piece.offset, buffer));
    std::string_view rest(buffer.data(), got);
    while (!rest.empty()) {
      auto header = decode_record_header(rest, piece.salt);
      if (!header || header->index != from + out.size() ||
          !record_payload_is_intact(*header, rest, piece.salt))
        return fail("log: " + piece.path + ": the record at offset " +
                        std::to_string(piece.offset + piece.bytes - rest.size()) + " is damaged",
                    ErrorKind::kCorrupt);
      out.push_back(make_entry(*header, rest));
      rest.remove_prefix(header->total_bytes());
    }
  }
  return out;
}

}  // namespace praetor::raft
