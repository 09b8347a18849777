#include "server/snapshot_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "base/text.h"
#include "raft/snapshot_store.h"
#include "server/sha256.h"

namespace praetor::server {
namespace {

constexpr size_t kPieceBytes = 256 << 10;

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

// libarchive's writer, over a sink.
class TarWriter {
 public:
  explicit TarWriter(const std::function<Status(std::string_view)>& sink)
      : sink_(sink), archive_(archive_write_new()) {
    archive_write_set_format_ustar(archive_);
    archive_write_add_filter_gzip(archive_);
    archive_write_set_bytes_in_last_block(archive_, 1);
    archive_write_open(
        archive_, this, nullptr,
        [](struct archive*, void* self, const void* data, size_t size) -> la_ssize_t {
          auto* writer = static_cast<TarWriter*>(self);
          writer->status_ = writer->sink_({static_cast<const char*>(data), size});
          return writer->status_ ? static_cast<la_ssize_t>(size) : -1;
        },
        nullptr);
  }
  ~TarWriter() { archive_write_free(archive_); }
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  Status begin(const char* name, int64_t size) {
    struct archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_mtime(entry, system_clock().wall().seconds, 0);
    int result = archive_write_header(archive_, entry);
    archive_entry_free(entry);
    return check(result);
  }
  Status data(std::string_view bytes) {
    return check(archive_write_data(archive_, bytes.data(), bytes.size()) < 0 ? ARCHIVE_FATAL : ARCHIVE_OK);
  }
  Status file(const char* name, std::string_view content) {
    TRY(begin(name, static_cast<int64_t>(content.size())));
    return data(content);
  }
  Status finish() { return check(archive_write_close(archive_)); }

 private:
  Status check(int result) {
    if (!status_) return status_;
    if (result >= ARCHIVE_WARN) return {};
    const char* why = archive_error_string(archive_);
    return fail(std::string("failed to write snapshot archive: ") + (why ? why : "unknown error"));
  }

  const std::function<Status(std::string_view)>& sink_;
  Status status_;
  struct archive* archive_;
};

class MemoryReader final : public raft::SnapshotReader {
 public:
  explicit MemoryReader(std::shared_ptr<const std::string> state) : state_(std::move(state)) {}
  Result<size_t> read(std::span<char> buffer) override {
    size_t count = std::min(buffer.size(), state_->size() - offset_);
    std::memcpy(buffer.data(), state_->data() + offset_, count);
    offset_ += count;
    return count;
  }

 private:
  std::shared_ptr<const std::string> state_;
  size_t offset_ = 0;
};

}  // namespace

Status write_archive(raft::SnapshotStream& snapshot, const std::function<Status(std::string_view)>& sink) {
  TarWriter tar(sink);
  std::string meta = raft::encode_snapshot_meta(snapshot.meta);
  TRY(tar.file("meta.json", meta));
  TRY(tar.begin("state.bin", snapshot.meta.size));
  Sha256 state_hash;
  std::string piece(kPieceBytes, '\0');
  for (;;) {
    TRY_ASSIGN(size_t got, snapshot.reader->read(piece));
    if (got == 0) break;
    state_hash.add({piece.data(), got});
    TRY(tar.data({piece.data(), got}));
  }
  TRY(tar.file("SHA256SUMS", sha256_hex(meta) + "  meta.json\n" + state_hash.hex() + "  state.bin\n"));
  return tar.finish();
}

Result<OpenArchive> read_archive(std::string_view archive) {
  bool given = false;
  auto state = std::make_shared<std::string>();
  auto meta = unpack_archive(
      [&]() -> Result<std::string_view> { return std::exchange(given, true) ? std::string_view() : archive; },
      [&](std::string_view piece) -> Status {
        if (state->size() + piece.size() > kMaxArchiveStateBytes)
          return fail("snapshot is too large", ErrorKind::kTooLarge);
        *state += piece;
        return {};
      });
  if (!meta) return std::unexpected(meta.error());
  return OpenArchive{std::move(*meta), std::move(state)};
}

std::unique_ptr<raft::SnapshotReader> make_reader(std::shared_ptr<const std::string> state) {
  return std::make_unique<MemoryReader>(std::move(state));
}

}  // namespace praetor::server
