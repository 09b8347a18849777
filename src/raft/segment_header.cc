#include "raft/segment_header.h"

#include "base/cursor.h"
#include "base/text.h"
#include "raft/checksum.h"

namespace praetor::raft {
namespace {
constexpr std::string_view kMagic = "PRAETRLG";
constexpr std::string_view kSuffix = ".log";
constexpr size_t kDigits = 20;
constexpr size_t kChecksummed = kSegmentHeaderBytes - 4;
}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
  std::string out(kMagic);
  put_u32(out, kSegmentVersion);
  put_u32(out, header.salt);
  put_u64(out, header.first_index);
  out.resize(kChecksummed, '\0');
  put_u32(out, crc32c(out));
  return out;
}

std::optional<SegmentHeader> decode_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || bytes.substr(0, kMagic.size()) != kMagic) return std::nullopt;
  Cursor in(bytes.substr(kMagic.size()));
  uint32_t version = in.u32();
  SegmentHeader header;
  header.salt = in.u32();
  header.first_index = in.u64();
  Cursor checksum(bytes.substr(kChecksummed));
  if (version != kSegmentVersion || checksum.u32() != crc32c(bytes.substr(0, kChecksummed)))
    return std::nullopt;
  return header;
}

std::string segment_file_name(uint64_t first_index) {
  std::string digits = std::to_string(first_index);
  return std::string(kDigits - digits.size(), '0') + digits + std::string(kSuffix);
}

std::optional<uint64_t> parse_segment_file_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  Result<uint64_t> index = parse_uint(name.substr(0, kDigits));
  if (!index || *index == 0) return std::nullopt;
  return *index;
}

}  // namespace praetor::raft
