// One log entry on disk. The format is documented in docs/formats/raft-log.md; this is its only reader and
// writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "raft/types.h"

namespace praetor::raft {

inline constexpr size_t kRecordHeaderBytes = 40;
inline constexpr size_t kRecordAlignment = 8;
inline constexpr size_t kSectorBytes = 512;  // what a disk writes whole or not at all

struct RecordHeader {
  uint64_t index = 0;
  uint64_t term = 0;
  uint32_t data_bytes = 0;
  uint32_t extension_bytes = 0;
  uint32_t batch_offset = 0;  // index minus the index of the first entry of the same append
  EntryType type = EntryType::kCommand;
  uint32_t payload_crc = 0;

  uint64_t batch_first() const { return index - batch_offset; }
  size_t total_bytes() const;
};

size_t record_bytes(const Entry& entry);
void append_record(std::string& out, const Entry& entry, uint64_t batch_first, uint32_t salt);

// The header at the start of `bytes` when its checksum and its fields are right; nullopt otherwise.
std::optional<RecordHeader> decode_record_header(std::string_view bytes, uint32_t salt);
// Whether the payload (what follows the header, header.total_bytes() in all) is what was written.
bool record_payload_is_intact(const RecordHeader& header, std::string_view record, uint32_t salt);
// REQUIRES: header and payload were found intact.
EntryRef make_entry(const RecordHeader& header, std::string_view record);

// Whether `bytes`, which begin at `offset` in the file and are not what was written, can be the remains of a
// write that a crash interrupted: on space that read as zeros before, such a write leaves its end, or a
// sector of it, zero. A damaged record that shows neither was written whole and changed afterwards.
bool looks_torn(std::string_view bytes, uint64_t offset);
bool all_zero(std::string_view bytes);

}  // namespace praetor::raft
