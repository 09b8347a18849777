// The first 64 bytes of a log segment file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace praetor::raft {

inline constexpr size_t kSegmentHeaderBytes = 64;
inline constexpr uint32_t kSegmentVersion = 1;

struct SegmentHeader {
  uint64_t first_index = 0;
  uint32_t salt =
      0;  // seeds every checksum in the file, so that no client can write data that looks like records
};

std::string encode_segment_header(const SegmentHeader& header);
std::optional<SegmentHeader> decode_segment_header(std::string_view bytes);
std::string segment_file_name(uint64_t first_index);  // "00000000000000000001.log"
std::optional<uint64_t> parse_segment_file_name(std::string_view name);

}  // namespace praetor::raft
