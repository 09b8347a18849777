#include "raft/log_record.h"

#include <algorithm>
#include <cstring>

#include "raft/checksum.h"

namespace praetor::raft {
namespace {

// Every record ends in 1 to 8 of these, every header in the marker: a write cut short leaves zeros there.
constexpr char kPadding = '\x5a';
constexpr uint32_t kHeaderMarker = 0x52544c50;  // "PLTR"
constexpr size_t kMarkerOffset = 36;

template <typename T>
void store(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
template <typename T>
T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

size_t padded(size_t bytes) { return (bytes / kRecordAlignment + 1) * kRecordAlignment; }

bool is_known_type(uint8_t type) { return type <= 5; }

}  // namespace

size_t RecordHeader::total_bytes() const {
  return padded(kRecordHeaderBytes + static_cast<size_t>(extension_bytes) + data_bytes);
}

size_t record_bytes(const Entry& entry) {
  return padded(kRecordHeaderBytes + entry.extensions.size() + entry.data.size());
}

void append_record(std::string& out, const Entry& entry, uint64_t batch_first, uint32_t salt) {
  size_t start = out.size(), total = record_bytes(entry);
  out.resize(start + total, kPadding);
  char* header = out.data() + start;
  char* payload = header + kRecordHeaderBytes;
  std::memcpy(payload, entry.extensions.data(), entry.extensions.size());
  std::memcpy(payload + entry.extensions.size(), entry.data.data(), entry.data.size());
  store(header + 4, crc32c({payload, total - kRecordHeaderBytes}, salt));
  store(header + 8, entry.index);
  store(header + 16, entry.term);
  store(header + 24, static_cast<uint32_t>(entry.data.size()));
  store(header + 28, static_cast<uint32_t>(entry.index - batch_first));
  // Extensions are protobuf of some tens of bytes: 24 bits beside the type.
  store(header + 32, static_cast<uint32_t>(entry.extensions.size() << 8) | static_cast<uint32_t>(entry.type));
  store(header + kMarkerOffset, kHeaderMarker);
  store(header, crc32c({header + 4, kRecordHeaderBytes - 4}, salt));
}

std::optional<RecordHeader> decode_record_header(std::string_view bytes, uint32_t salt) {
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  const char* at = bytes.data();
  if (load<uint32_t>(at + kMarkerOffset) != kHeaderMarker) return std::nullopt;
  if (load<uint32_t>(at) != crc32c(bytes.substr(4, kRecordHeaderBytes - 4), salt)) return std::nullopt;
  auto type_and_extensions = load<uint32_t>(at + 32);
  auto type = static_cast<uint8_t>(type_and_extensions & 0xff);
  RecordHeader header{.index = load<uint64_t>(at + 8),
                      .term = load<uint64_t>(at + 16),
                      .data_bytes = load<uint32_t>(at + 24),
                      .extension_bytes = type_and_extensions >> 8,
                      .batch_offset = load<uint32_t>(at + 28),
                      .type = static_cast<EntryType>(type),
                      .payload_crc = load<uint32_t>(at + 4)};
  if (!is_known_type(type) || header.index == 0 || header.batch_offset >= header.index) return std::nullopt;
  return header;
}

bool record_payload_is_intact(const RecordHeader& header, std::string_view record, uint32_t salt) {
  if (record.size() < header.total_bytes()) return false;
  std::string_view payload = record.substr(kRecordHeaderBytes, header.total_bytes() - kRecordHeaderBytes);
  return crc32c(payload, salt) == header.payload_crc;
}

EntryRef make_entry(const RecordHeader& header, std::string_view record) {
  auto entry = std::make_shared<Entry>();
  entry->index = header.index;
  entry->term = header.term;
  entry->type = header.type;
  entry->extensions = record.substr(kRecordHeaderBytes, header.extension_bytes);
  entry->data = record.substr(kRecordHeaderBytes + header.extension_bytes, header.data_bytes);
  return entry;
}

bool all_zero(std::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

bool looks_torn(std::string_view bytes, uint64_t offset) {
  if (bytes.empty() || bytes.back() == 0) return true;
  while (!bytes.empty()) {
    size_t piece = std::min<size_t>(bytes.size(), kSectorBytes - offset % kSectorBytes);
    if (all_zero(bytes.substr(0, piece))) return true;
    bytes.remove_prefix(piece);
    offset += piece;
  }
  return false;
}

}  // namespace praetor::raft
