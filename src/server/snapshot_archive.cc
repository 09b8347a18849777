#include "server/snapshot_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "base/clock.h"
#include "base/text.h"
#include "raft/snapshot_store.h"

namespace praetor::server {
namespace {

constexpr size_t kPieceBytes = 256 << 10;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
  std::string hex() {
    std::array<unsigned char, 32> digest;
    unsigned int size = digest.size();
    EVP_DigestFinal_ex(context_, digest.data(), &size);
    return hex_encode({reinterpret_cast<const char*>(digest.data()), size});
  }

 private:
  EVP_MD_CTX* context_;
};

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

// libarchive's writer, over a sink.
class TarWriter {
 public:
  explicit TarWriter(const std::function<Status(std::string_view)>& sink) : sink_(sink), archive_(archive_write_new()) {
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

Result<std::string> gunzip(std::string_view packed) {
  auto bad = [](std::string_view why) { return fail("failed to decompress snapshot: " + std::string(why)); };
  if (packed.empty()) return bad("EOF");
  if (packed.size() < 10) return bad("unexpected EOF");
  if (packed[0] != '\x1f' || packed[1] != '\x8b') return bad("gzip: invalid header");
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return bad("out of memory");
  std::string out;
  int result = Z_OK;
  size_t offset = 0;
  std::string piece(kPieceBytes, '\0');
  while (result != Z_STREAM_END) {
    if (stream.avail_in == 0) {
      size_t take = std::min(packed.size() - offset, kPieceBytes);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + offset));
      stream.avail_in = static_cast<uInt>(take);
      offset += take;
      if (take == 0) break;
    }
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    result = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, 0, piece.size() - stream.avail_out);
    if ((result != Z_OK && result != Z_STREAM_END) || out.size() > kMaxArchiveStateBytes) break;
  }
  bool trailing = offset < packed.size() || stream.avail_in > 0;
  inflateEnd(&stream);
  if (out.size() > kMaxArchiveStateBytes) return fail("snapshot is too large", ErrorKind::kTooLarge);
  if (result == Z_STREAM_END)
    return trailing ? Result<std::string>(bad("gzip: invalid header")) : Result<std::string>(std::move(out));
  if (result == Z_OK || result == Z_BUF_ERROR) return bad("unexpected EOF");
  return bad("gzip: invalid checksum");
}

using Files = std::map<std::string, std::string>;

std::string error_text(struct archive* reader) {
  const char* text = archive_error_string(reader);
  return text == nullptr ? "unknown error" : text;
}

Result<Files> untar(std::string_view tar) {
  Files files;
  struct archive* reader = archive_read_new();
  archive_read_support_format_tar(reader);
  archive_read_support_format_empty(reader);
  Status status;
  if (archive_read_open_memory(reader, tar.data(), tar.size()) != ARCHIVE_OK)
    status = fail("failed reading snapshot: " + error_text(reader));
  struct archive_entry* entry = nullptr;
  while (status) {
    int result = archive_read_next_header(reader, &entry);
    if (result == ARCHIVE_EOF) break;
    if (result < ARCHIVE_WARN) {
      status = fail("failed reading snapshot: " + error_text(reader));
      break;
    }
    // Null for a name that cannot be said in this locale; then it is none of ours.
    const char* path = archive_entry_pathname(entry);
    std::string name = path == nullptr ? "" : path;
    if (name != "meta.json" && name != "state.bin" && name != "SHA256SUMS") {
      status = fail("failed checking integrity of snapshot: unexpected file " + go_quote(name) + " in snapshot");
      break;
    }
    // The size is what the header claims; no file is larger than what it came in.
    int64_t size = archive_entry_size(entry);
    if (size < 0 || static_cast<uint64_t>(size) > tar.size()) {
      status = fail("failed reading snapshot: unexpected EOF");
      break;
    }
    std::string& content = files[name];
    content.resize(static_cast<size_t>(size));
    la_ssize_t got = content.empty() ? 0 : archive_read_data(reader, content.data(), content.size());
    if (got != static_cast<la_ssize_t>(content.size())) status = fail("failed reading snapshot: unexpected EOF");
  }
  archive_read_free(reader);
  if (!status) return std::unexpected(status.error());
  return files;
}

Status verify(const Files& files) {
  auto bad = [](const std::string& why) { return fail("failed checking integrity of snapshot: " + why); };
  auto sums = files.find("SHA256SUMS");
  std::map<std::string, std::string> expected;
  if (sums != files.end()) {
    for (std::string_view line : split(sums->second, '\n')) {
      if (line.empty()) continue;
      size_t gap = line.find("  ");
      if (gap == line.npos) return bad("malformed line in SHA256SUMS: " + go_quote(line));
      expected[std::string(line.substr(gap + 2))] = std::string(line.substr(0, gap));
    }
  }
  for (const auto& [name, hash] : expected) {
    auto file = files.find(name);
    if (file == files.end()) return bad("file missing for " + go_quote(name));
    if (sha256_hex(file->second) != hash) return bad("hash check failed for " + go_quote(name));
  }
  for (const char* name : {"meta.json", "state.bin"}) {
    if (!files.contains(name)) return bad("file missing for " + go_quote(name));
    if (!expected.contains(name)) return bad("list missing hash for " + go_quote(name));
  }
  return {};
}

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
  TRY_ASSIGN(std::string tar, gunzip(archive));
  TRY_ASSIGN(Files files, untar(tar));
  TRY(verify(files));
  auto meta = raft::decode_snapshot_meta(files["meta.json"]);
  if (!meta) return fail("failed to decode snapshot metadata: " + meta.error().message);
  return OpenArchive{std::move(*meta), std::make_shared<const std::string>(std::move(files["state.bin"]))};
}

std::unique_ptr<raft::SnapshotReader> make_reader(std::shared_ptr<const std::string> state) {
  return std::make_unique<MemoryReader>(std::move(state));
}

}  // namespace praetor::server
