#include "raft/snapshot_store.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <tuple>

#include "raft/checksum.h"
#include "raft/snapshot_meta.h"

namespace praetor::raft {
namespace {

constexpr size_t kSinkBufferBytes = 256 << 10;
// Synced in pieces: one large sync at the end would make the log's syncs wait behind it.
constexpr uint64_t kSyncEveryBytes = 4 << 20;
constexpr size_t kMetaLimitBytes = 4 << 20;

std::string snapshot_name(const SnapshotMeta& meta, Clock& clock) {
  return std::to_string(meta.term) + "-" + std::to_string(meta.index) + "-" +
         std::to_string(clock.wall().unix_nanoseconds() / 1'000'000);
}

class FilePending final : public PendingSnapshot {
 public:
  FilePending(FileSystem& file_system, Clock& clock, std::string directory, std::string temporary,
              std::unique_ptr<File> file)
      : file_system_(file_system),
        clock_(clock),
        directory_(std::move(directory)),
        temporary_(std::move(temporary)),
        file_(std::move(file)) {}

  ~FilePending() override {
    file_.reset();
    if (finished_) return;
    for (const char* name : {"/state.bin", "/meta.json", "/meta.json.tmp"})
      if (file_system_.exists(temporary_ + name).value_or(false))
        (void)file_system_.remove(temporary_ + name);
    (void)file_system_.remove(temporary_);
  }

  Status write(std::string_view bytes) override {
    if (failure_) return fail(*failure_);
    crc_ = crc64_ecma(bytes, crc_);
    size_ += bytes.size();
    buffer_ += bytes;
    if (buffer_.size() < kSinkBufferBytes) return {};
    return sticky(flush(size_ - synced_ >= kSyncEveryBytes));
  }

  uint64_t size() const override { return size_; }

  Result<SnapshotMeta> finish(SnapshotMeta meta) override {
    if (failure_) return fail(*failure_);
    TRY(sticky(flush(true)));
    meta.version = 1;
    meta.size = static_cast<int64_t>(size_);
    meta.id = snapshot_name(meta, clock_);
    TRY(sticky(
        write_file_atomically(file_system_, temporary_ + "/meta.json", encode_stored_meta({meta, crc_}))));
    TRY(sticky(file_system_.rename(temporary_, directory_ + "/" + meta.id)));
    finished_ = true;
    TRY(sticky(file_system_.sync_directory(directory_)));
    return meta;
  }

 private:
  Status sticky(Status status) {
    if (!status) failure_ = status.error();
    return status;
  }
  Status flush(bool sync) {
    TRY(file_->write_at(size_ - buffer_.size(), buffer_));
    buffer_.clear();
    if (!sync) return {};
    synced_ = size_;
    return file_->sync();
  }

  FileSystem& file_system_;
  Clock& clock_;
  std::string directory_, temporary_;
  std::unique_ptr<File> file_;
  std::string buffer_;
  uint64_t crc_ = 0, size_ = 0, synced_ = 0;
  std::optional<Error> failure_;
  bool finished_ = false;
};

class FileReader final : public SnapshotReader {
 public:
  FileReader(std::string path, std::unique_ptr<File> file, uint64_t size, uint64_t crc)
      : path_(std::move(path)), file_(std::move(file)), size_(size), expected_crc_(crc) {}

  Result<size_t> read(std::span<char> buffer) override {
    if (offset_ == size_ || buffer.empty()) {
      if (offset_ == size_ && crc_ != expected_crc_)
        return fail(
            "snapshot: " + path_ + ": the checksum of its " + std::to_string(size_) + " bytes is wrong",
            ErrorKind::kCorrupt);
      return size_t{0};
    }
    TRY_ASSIGN(size_t got,
               file_->read_at(offset_, buffer.first(std::min<uint64_t>(buffer.size(), size_ - offset_))));
    if (got == 0)
      return fail("snapshot: " + path_ + ": offset " + std::to_string(offset_) + ": unexpected EOF",
                  ErrorKind::kCorrupt);
    crc_ = crc64_ecma({buffer.data(), got}, crc_);
    offset_ += got;
    return got;
  }

 private:
  std::string path_;
  std::unique_ptr<File> file_;
  uint64_t size_, expected_crc_, offset_ = 0, crc_ = 0;
};

}  // namespace

Status SnapshotStore::retain(size_t keep) {
  TRY_ASSIGN(std::vector<SnapshotMeta> all, list());
  for (size_t i = keep; i < all.size(); ++i) TRY(remove(all[i]));
  return {};
}

Result<std::unique_ptr<FileSnapshotStore>> FileSnapshotStore::open(
    FileSystem& file_system, Clock& clock, std::string directory,
    std::function<void(const std::string&)> on_log) {
  TRY(make_durable_directory(file_system, directory));
  // A snapshot whose last sync failed is listed like any other; what is built on it must find it again.
  TRY(file_system.sync_directory(directory));
  std::unique_ptr<FileSnapshotStore> store(
      new FileSnapshotStore(file_system, clock, std::move(directory), std::move(on_log)));
  TRY_ASSIGN(std::vector<std::string> names, file_system.list(store->directory_));
  for (const std::string& name : names)
    if (name.ends_with(".tmp")) TRY(store->remove_directory(store->directory_ + "/" + name));
  return store;
}

Status FileSnapshotStore::remove_directory(const std::string& path) {
  TRY_ASSIGN(std::vector<std::string> names, file_system_.list(path));
  for (const std::string& name : names) TRY(file_system_.remove(path + "/" + name));
  return file_system_.remove(path);
}

Result<std::unique_ptr<PendingSnapshot>> FileSnapshotStore::create() {
  std::string temporary = directory_ + "/new-" +
                          std::to_string(clock_.wall().unix_nanoseconds() / 1'000'000) + "-" +
                          std::to_string(created_.fetch_add(1)) + ".tmp";
  TRY(file_system_.make_directory(temporary));
  TRY_ASSIGN(std::unique_ptr<File> file, file_system_.open(temporary + "/state.bin", OpenMode::kCreate));
  return std::make_unique<FilePending>(file_system_, clock_, directory_, temporary, std::move(file));
}

Result<std::vector<SnapshotMeta>> FileSnapshotStore::list() {
  TRY_ASSIGN(std::vector<std::string> names, file_system_.list(directory_));
  std::vector<SnapshotMeta> all;
  for (const std::string& name : names) {
    if (name.ends_with(".tmp")) continue;
    std::string path = directory_ + "/" + name + "/meta.json";
    Result<std::string> text = read_file(file_system_, path, kMetaLimitBytes);
    Result<StoredMeta> stored = text ? decode_stored_meta(*text) : std::unexpected(text.error());
    if (stored &&
        !name.starts_with(std::to_string(stored->meta.term) + "-" + std::to_string(stored->meta.index) + "-"))
      stored = fail("it does not match the directory's name", ErrorKind::kCorrupt);
    if (!stored) {
      if (on_log_) on_log_("raft: snapshot: " + path + ": " + stored.error().message);
      continue;
    }
    stored->meta.id = name;
    all.push_back(std::move(stored->meta));
  }
  std::sort(all.begin(), all.end(), [](const SnapshotMeta& a, const SnapshotMeta& b) {
    return std::tie(a.term, a.index, a.id) > std::tie(b.term, b.index, b.id);
  });
  return all;
}

Result<std::unique_ptr<SnapshotReader>> FileSnapshotStore::open(const SnapshotMeta& meta) {
  std::string directory = directory_ + "/" + meta.id, path = directory + "/state.bin";
  TRY_ASSIGN(std::string text, read_file(file_system_, directory + "/meta.json", kMetaLimitBytes));
  Result<StoredMeta> stored = decode_stored_meta(text);
  if (!stored)
    return fail("snapshot: " + directory + "/meta.json: " + stored.error().message, ErrorKind::kCorrupt);
  TRY_ASSIGN(std::unique_ptr<File> file, file_system_.open(path, OpenMode::kRead));
  TRY_ASSIGN(uint64_t size, file->size());
  if (size != static_cast<uint64_t>(stored->meta.size))
    return fail("snapshot: " + path + ": " + std::to_string(size) + " bytes instead of " +
                    std::to_string(stored->meta.size),
                ErrorKind::kCorrupt);
  return std::make_unique<FileReader>(path, std::move(file), size, stored->crc);
}

Status FileSnapshotStore::remove(const SnapshotMeta& meta) {
  // Under a temporary name first: a crash in between leaves rubbish, never half a snapshot.
  std::string path = directory_ + "/" + meta.id, temporary = path + ".tmp";
  TRY(file_system_.rename(path, temporary));
  TRY(remove_directory(temporary));
  return file_system_.sync_directory(directory_);
}

// --- in memory ---

class MemorySnapshotStore::Pending final : public PendingSnapshot {
 public:
  explicit Pending(MemorySnapshotStore& store) : store_(store) {}
  Status write(std::string_view bytes) override {
    content_ += bytes;
    return {};
  }
  uint64_t size() const override { return content_.size(); }
  Result<SnapshotMeta> finish(SnapshotMeta meta) override {
    meta.version = 1;
    meta.size = static_cast<int64_t>(content_.size());
    meta.id = snapshot_name(meta, store_.clock_);
    std::lock_guard lock(store_.mutex_);
    store_.meta_ = meta;
    store_.content_ = std::make_shared<const std::string>(std::move(content_));
    return meta;
  }

 private:
  MemorySnapshotStore& store_;
  std::string content_;
};

namespace {
class MemoryReader final : public SnapshotReader {
 public:
  explicit MemoryReader(std::shared_ptr<const std::string> content) : content_(std::move(content)) {}
  Result<size_t> read(std::span<char> buffer) override {
    size_t count = std::min(buffer.size(), content_->size() - offset_);
    std::memcpy(buffer.data(), content_->data() + offset_, count);
    offset_ += count;
    return count;
  }

 private:
  std::shared_ptr<const std::string> content_;
  size_t offset_ = 0;
};
}  // namespace

Result<std::unique_ptr<PendingSnapshot>> MemorySnapshotStore::create() {
  return std::make_unique<Pending>(*this);
}

Result<std::vector<SnapshotMeta>> MemorySnapshotStore::list() {
  std::lock_guard lock(mutex_);
  if (!content_) return std::vector<SnapshotMeta>();
  return std::vector<SnapshotMeta>{meta_};
}

Result<std::unique_ptr<SnapshotReader>> MemorySnapshotStore::open(const SnapshotMeta& meta) {
  std::lock_guard lock(mutex_);
  if (!content_ || meta_.id != meta.id)
    return fail("snapshot " + meta.id + " not found", ErrorKind::kNotFound);
  return std::make_unique<MemoryReader>(content_);
}

Status MemorySnapshotStore::remove(const SnapshotMeta& meta) {
  std::lock_guard lock(mutex_);
  if (content_ && meta_.id == meta.id) content_.reset();
  return {};
}

}  // namespace praetor::raft
