#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include <cerrno>
#include <map>
#include <memory>
#include <optional>

#include "base/text.h"
#include "raft/snapshot_store.h"
#include "server/sha256.h"
#include "server/snapshot_archive.h"

namespace praetor::server {
namespace {

constexpr size_t kPieceSize = 65536;
constexpr size_t kTarBlock = 512;
constexpr std::string_view kMetaName = "meta.json";
constexpr std::string_view kStateName = "state.bin";
constexpr std::string_view kSumsName = "SHA256SUMS";

// Unpacks a gzip stream piece by piece. What came before an error is handed out first, so that texts name the
// part of the archive that is damaged. Errors are those of Go's compress/gzip.
class GzipReader {
 public:
  explicit GzipReader(const ArchiveSource& source) : source_(source) {}
  ~GzipReader() {
    if (started_) ::inflateEnd(&stream_);
  }
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  // Reads the header.
  Status start() {
    if (::inflateInit2(&stream_, kGzipWindow) != Z_OK) return fail("zlib: out of memory");
    started_ = true;
    ::gz_header header = {};
    ::inflateGetHeader(&stream_, &header);
    read_piece();
    bool no_header = header.done != 1;
    if (error_ && no_header) {
      if (contains(*error_, "flate")) error_ = total_read_ < kGzipHeader ? kCut : "gzip: invalid header";
      return fail(total_read_ == 0 && *error_ == kCut ? "EOF" : *error_);
    }
    return {};
  }

  // The next piece; empty at the end or after an error (see error()).
  std::string_view next() {
    if (!ready_) read_piece();
    ready_ = false;
    return output_;
  }

  const std::optional<std::string>& error() const { return error_; }
  // Whether something follows the end of the stream.
  bool trailing() {
    if (stream_.avail_in > 0) return true;
    auto piece = source_();
    return piece && !piece->empty();
  }
  size_t total_written() const { return stream_.total_out; }

 private:
  static constexpr int kGzipWindow = 16 + 15;
  static constexpr size_t kGzipHeader = 10;
  static constexpr std::string_view kCut = "unexpected EOF";

  void read_piece() {
    ready_ = true;
    output_.clear();
    while (output_.empty() && !ended_ && !error_) {
      if (stream_.avail_in == 0 && !refill()) return;
      output_.resize(kPieceSize);
      stream_.next_out = reinterpret_cast<Bytef*>(output_.data());
      stream_.avail_out = kPieceSize;
      int code = ::inflate(&stream_, Z_NO_FLUSH);
      output_.resize(kPieceSize - stream_.avail_out);
      if (code == Z_STREAM_END) ended_ = true;
      if (code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR) continue;
      bool checksum = stream_.msg != nullptr && contains(stream_.msg, "data check");
      error_ = checksum ? "gzip: invalid checksum"
                        : "flate: corrupt input before offset " + std::to_string(stream_.total_in);
    }
  }

  bool refill() {
    auto piece = source_();
    if (piece && !piece->empty()) {
      total_read_ += piece->size();
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece->data()));
      stream_.avail_in = static_cast<uInt>(piece->size());
      return true;
    }
    error_ = piece ? std::string(kCut) : piece.error().message;
    return false;
  }

  const ArchiveSource& source_;
  z_stream stream_ = {};
  bool started_ = false;
  bool ready_ = false;
  bool ended_ = false;
  size_t total_read_ = 0;
  std::optional<std::string> error_;
  std::string output_;
};

// What Go's archive/tar says where libarchive gives up.
std::string read_error(archive* reader, const GzipReader& source) {
  if (source.error()) return *source.error();
  std::string text = archive_error_string(reader) == nullptr ? "" : archive_error_string(reader);
  if (contains(text, "runcated") || source.total_written() < kTarBlock) return "unexpected EOF";
  if (contains(text, "Unrecognized") || contains(text, "amaged")) return "archive/tar: invalid tar header";
  return text.empty() ? "unexpected EOF" : text;
}

la_ssize_t read_unpacked(archive* reader, void* source, const void** piece) {
  auto* gzip = static_cast<GzipReader*>(source);
  std::string_view data = gzip->next();
  *piece = data.data();
  if (data.empty() && gzip->error()) {
    archive_set_error(reader, EIO, "%s", gzip->error()->c_str());
    return ARCHIVE_FATAL;
  }
  return static_cast<la_ssize_t>(data.size());
}

struct Contents {
  std::string meta;
  raft::SnapshotMeta decoded;
  std::string sums;
  std::map<std::string, std::string, std::less<>> hashes;
};

// What was being read, in error texts.
std::string part_name(std::string_view name) {
  return name == kMetaName   ? "failed to read snapshot metadata: "
         : name == kSumsName ? "failed to read snapshot hashes: "
                             : "failed to read or write snapshot data: ";
}

Status read_entry(archive* reader, const GzipReader& source, const std::string& name,
                  const StateSink& on_state, Contents& contents) {
  Sha256 digest;
  char buffer[kPieceSize];
  for (;;) {
    la_ssize_t count = archive_read_data(reader, buffer, sizeof buffer);
    if (count < 0) return fail(part_name(name) + read_error(reader, source));
    if (count == 0) break;
    std::string_view piece(buffer, static_cast<size_t>(count));
    digest.add(piece);
    if (name == kMetaName) contents.meta += piece;
    if (name == kSumsName) contents.sums += piece;
    if (name == kStateName && on_state) TRY(on_state(piece));
    if (contents.meta.size() + contents.sums.size() > kMaxArchiveTextBytes)
      return fail(part_name(name) + "too long");
  }
  contents.hashes[name] = digest.hex();
  if (name == kMetaName) {
    auto decoded = raft::decode_snapshot_meta(contents.meta);
    if (!decoded) return fail("failed to decode snapshot metadata: " + decoded.error().message);
    contents.decoded = std::move(*decoded);
  }
  return {};
}

Result<Contents> read_contents(GzipReader& source, const StateSink& on_state) {
  std::unique_ptr<archive, decltype(&archive_read_free)> reader(archive_read_new(), archive_read_free);
  archive_read_support_format_tar(reader.get());
  if (archive_read_open(reader.get(), &source, nullptr, read_unpacked, nullptr) != ARCHIVE_OK) {
    return fail("failed reading snapshot: " + read_error(reader.get(), source));
  }
  Contents contents;
  for (;;) {
    archive_entry* entry = nullptr;
    int code = archive_read_next_header(reader.get(), &entry);
    if (code == ARCHIVE_EOF) return contents;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) {
      return fail("failed reading snapshot: " + read_error(reader.get(), source));
    }
    std::string name = archive_entry_pathname(entry) == nullptr ? "" : archive_entry_pathname(entry);
    if (name != kMetaName && name != kStateName && name != kSumsName) {
      return fail("unexpected file " + go_quote(name) + " in snapshot");
    }
    TRY(read_entry(reader.get(), source, name, on_state, contents));
  }
}

// Every file of the list has the hash it says, and both files are on it.
Status check_hashes(Contents& contents) {
  for (std::string_view name : {kMetaName, kStateName}) {  // an absent file counts as an empty one
    if (!contents.hashes.contains(name)) contents.hashes[std::string(name)] = Sha256().hex();
  }
  std::map<std::string, std::string, std::less<>> listed;
  for (std::string_view line : split(contents.sums, '\n')) {
    size_t gap = line.find("  ");
    if (gap != std::string_view::npos) listed[std::string(line.substr(gap + 2))] = line.substr(0, gap);
  }
  for (const auto& [name, hash] : listed) {
    auto found = contents.hashes.find(name);
    if (found == contents.hashes.end() || name == kSumsName) {
      return fail("list missing hash for " + go_quote(name));
    }
    if (found->second != hash) return fail("hash check failed for " + go_quote(name));
  }
  for (std::string_view name : {kMetaName, kStateName}) {
    if (!listed.contains(name)) return fail("file missing for " + go_quote(name));
  }
  return {};
}

}  // namespace

Result<raft::SnapshotMeta> unpack_archive(const ArchiveSource& archive, const StateSink& on_state) {
  GzipReader source(archive);
  if (Status status = source.start(); !status) {
    return fail("failed to decompress snapshot: " + status.error().message);
  }
  auto contents = read_contents(source, on_state);
  if (!contents)
    return fail("failed to read snapshot file: " + contents.error().message, contents.error().kind);
  if (Status status = check_hashes(*contents); !status) {
    return fail("failed to read snapshot file: failed checking integrity of snapshot: " +
                status.error().message);
  }
  // The rest holds nothing but the checksum of the stream.
  while (!source.next().empty()) {
  }
  if (source.error()) return fail(*source.error());
  if (source.trailing()) return fail("gzip: invalid header");
  return std::move(contents->decoded);
}

}  // namespace praetor::server
