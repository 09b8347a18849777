// What SegmentLog does at start: read and verify everything, cut off what a crash left incomplete.
#include <algorithm>
#include <cstring>

#include "raft/log_record.h"
#include "raft/segment_header.h"
#include "raft/segment_log.h"

namespace praetor::raft {
namespace {

constexpr size_t kWindowBytes = 1 << 20;
constexpr size_t kMaxRecordBytes =
    256 << 20;  // above Node's limit for one entry; guards against nonsense lengths

// A file read through a sliding window, front to back.
class Window {
 public:
  Window(File& file, uint64_t size) : file_(file), size_(size) {}
  uint64_t size() const { return size_; }
  // The bytes [offset, offset + count), fewer at the end of the file. Valid until the next call.
  Result<std::string_view> at(uint64_t offset, size_t count) {
    count = static_cast<size_t>(std::min<uint64_t>(count, size_ - std::min(offset, size_)));
    if (offset < start_ || offset + count > start_ + filled_) {
      if (buffer_.size() < std::max(count, kWindowBytes)) buffer_.resize(std::max(count, kWindowBytes));
      TRY_ASSIGN(filled_, file_.read_at(offset, buffer_));
      start_ = offset;
      count = std::min(count, filled_);
    }
    return std::string_view(buffer_).substr(offset - start_, count);
  }

 private:
  File& file_;
  uint64_t size_;
  std::string buffer_;
  uint64_t start_ = 0;
  size_t filled_ = 0;
};

}  // namespace

class SegmentLog::Recovery {
 public:
  Recovery(SegmentLog& log, Segment& segment, bool is_last, Contents& contents)
      : log_(log), segment_(segment), is_last_(is_last), contents_(contents) {}

  Status run() {
    TRY_ASSIGN(segment_.file, log_.file_system_.open(segment_.path, OpenMode::kReadWrite));
    TRY_ASSIGN(segment_.allocated, segment_.file->size());
    Window window(*segment_.file, segment_.allocated);
    TRY_ASSIGN(std::string_view bytes, window.at(0, kSegmentHeaderBytes));
    auto header = decode_segment_header(bytes);
    // A segment gets its name only after its header is synced, so this is never a crash's doing.
    if (!header || header->first_index != segment_.first)
      return corrupt(0, "the segment's header is damaged");
    segment_.salt = header->salt;
    segment_.end = kSegmentHeaderBytes;
    for (;;) {
      TRY_ASSIGN(bool more, next_record(window));
      if (!more) break;
    }
    TRY(finish(window));
    return is_last_ ? write_last_append_again(window) : Status();
  }

 private:
  Result<bool> next_record(Window& window) {
    TRY_ASSIGN(std::string_view bytes, window.at(segment_.end, kRecordHeaderBytes));
    auto header = decode_record_header(bytes, segment_.salt);
    if (!header || header->index != segment_.next() || header->total_bytes() > kMaxRecordBytes) return false;
    TRY_ASSIGN(std::string_view record, window.at(segment_.end, header->total_bytes()));
    if (!record_payload_is_intact(*header, record, segment_.salt)) return false;
    segment_.offsets.push_back(static_cast<uint32_t>(segment_.end));
    segment_.end += header->total_bytes();
    if (contents_.terms.empty() || contents_.terms.back().term != header->term) {
      if (!contents_.terms.empty() && contents_.terms.back().term > header->term)
        return corrupt(segment_.offsets.back(), "the term goes back");
      contents_.terms.push_back({header->index, header->term});
    }
    if (header->type == EntryType::kConfiguration)
      contents_.configurations.push_back(make_entry(*header, record));
    return true;
  }

  // At segment_.end no good record begins: the end of the log, a torn write, or damage.
  Status finish(Window& window) {
    TRY_ASSIGN(bool clean, rest_is_zero(window, segment_.end));
    if (clean) return {};
    uint64_t at = segment_.end, lost = segment_.next();
    if (!is_last_) return corrupt(at, "entry " + std::to_string(lost) + " is damaged");
    TRY_ASSIGN(bool later, later_batch_follows(window, lost));
    if (later)
      return corrupt(at, "entry " + std::to_string(lost) + " is damaged, and complete later entries follow");
    TRY_ASSIGN(bool torn, is_torn(window));
    if (!torn)
      return corrupt(at, "entry " + std::to_string(lost) +
                             " is damaged: it was written completely and changed afterwards");
    return cut_off(window);
  }

  static Result<bool> rest_is_zero(Window& window, uint64_t offset) {
    while (offset < window.size()) {
      TRY_ASSIGN(std::string_view bytes, window.at(offset, kWindowBytes));
      if (!all_zero(bytes)) return false;
      if (bytes.empty()) break;
      offset += bytes.size();
    }
    return true;
  }

  // An append begins only after the one before it was synced. So a good record of a later append than
  // `lost`'s proves that `lost` was complete once. The salt keeps data that imitates a record from being
  // found here.
  Result<bool> later_batch_follows(Window& window, uint64_t lost) {
    for (uint64_t offset = segment_.end; offset + kRecordHeaderBytes <= window.size();
         offset += kRecordAlignment) {
      TRY_ASSIGN(std::string_view bytes, window.at(offset, kRecordHeaderBytes));
      auto header = decode_record_header(bytes, segment_.salt);
      if (header && header->batch_first() > lost) return true;
    }
    return false;
  }

  Result<bool> is_torn(Window& window) {
    uint64_t at = segment_.end;
    TRY_ASSIGN(std::string_view bytes, window.at(at, kRecordHeaderBytes));
    auto header = decode_record_header(bytes, segment_.salt);
    if (!header || header->index != segment_.next())
      return bytes.size() < kRecordHeaderBytes || looks_torn(bytes, at);
    if (at + header->total_bytes() > window.size()) return true;
    TRY_ASSIGN(std::string_view record, window.at(at, header->total_bytes()));
    return looks_torn(record, at);
  }

  // What was read may lie in the page cache only: the append's sync failed, and the system took the pages for
  // written. (Earlier appends were synced before it began.) So that nothing is built on it that a power cut
  // takes away, it is written once more and synced.
  Status write_last_append_again(Window& window) {
    if (segment_.offsets.empty()) return {};
    TRY_ASSIGN(std::string_view bytes, window.at(segment_.offsets.back(), kRecordHeaderBytes));
    auto header = decode_record_header(bytes, segment_.salt);
    if (!header) return corrupt(segment_.offsets.back(), "the entry changed while it was read");
    uint64_t first = std::max(header->batch_first(), segment_.first);
    for (uint64_t at = segment_.offsets[first - segment_.first]; at < segment_.end;) {
      TRY_ASSIGN(std::string_view piece, window.at(at, std::min<uint64_t>(kWindowBytes, segment_.end - at)));
      if (piece.empty()) return corrupt(at, "the file ends while it is read");
      TRY(segment_.file->write_at(at, piece));
      at += piece.size();
    }
    return segment_.file->sync();
  }

  Status cut_off(Window& window) {
    log_.log("raft: " + segment_.path + ": removed an incomplete append at offset " +
             std::to_string(segment_.end) + " (entry " + std::to_string(segment_.next()) +
             "): the process or the machine stopped while it was written, it was never acknowledged");
    uint64_t size = std::max<uint64_t>(window.size(), log_.options_.segment_bytes);
    TRY(segment_.file->truncate(segment_.end));
    TRY(segment_.file->allocate(size));
    TRY(segment_.file->sync());
    segment_.allocated = size;
    return {};
  }

  std::unexpected<Error> corrupt(uint64_t offset, const std::string& what) const {
    return fail("log: " + segment_.path + ": offset " + std::to_string(offset) + ": " + what + ". " +
                    log_.options_.advice,
                ErrorKind::kCorrupt);
  }

  SegmentLog& log_;
  Segment& segment_;
  bool is_last_;
  Contents& contents_;
};

Result<std::unique_ptr<SegmentLog>> SegmentLog::open(FileSystem& file_system, OpenOptions options,
                                                     Contents& contents) {
  std::unique_ptr<SegmentLog> log(new SegmentLog(file_system, std::move(options)));
  TRY(log->open_segments(contents));
  return log;
}

Status SegmentLog::open_segments(Contents& contents) {
  TRY(make_durable_directory(file_system_, options_.directory));
  // Names too may have outlived a sync that failed.
  TRY(file_system_.sync_directory(options_.directory));
  TRY_ASSIGN(std::vector<std::string> names, file_system_.list(options_.directory));
  for (const std::string& name : names) {
    std::string path = options_.directory + "/" + name;
    if (name.ends_with(".tmp")) {
      TRY(file_system_.remove(path));
    } else if (auto first = parse_segment_file_name(name)) {
      Segment segment;
      segment.first = *first;
      segment.path = path;
      segments_.push_back(std::move(segment));
    }
  }
  for (size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    if (i > 0 && segments_[i - 1].next() != segment.first) {
      // Segments that compaction had deleted can come back after a power cut; the snapshot covers them.
      if (segments_[i - 1].next() > segment.first || segment.first > options_.snapshot_index + 1)
        return fail("log: " + segment.path + ": it begins with entry " + std::to_string(segment.first) +
                        ", but the file before it ends with entry " +
                        std::to_string(segments_[i - 1].next() - 1),
                    ErrorKind::kCorrupt);
      for (size_t k = 0; k < i; ++k) TRY(file_system_.remove(segments_[k].path));
      segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(i));
      contents = {};
      i = 0;
    }
    TRY(Recovery(*this, segments_[i], i + 1 == segments_.size(), contents).run());
  }
  if (segments_.empty()) {
    TRY_ASSIGN(Segment segment, create_segment(options_.snapshot_index + 1, 0));
    segments_.push_back(std::move(segment));
  }
  return {};
}

}  // namespace praetor::raft
