// meta.json of a stored snapshot.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "raft/types.h"

namespace praetor::raft {

struct StoredMeta {
  SnapshotMeta meta;
  uint64_t crc = 0;  // CRC-64 of state.bin
};

std::string encode_stored_meta(const StoredMeta& stored);
Result<StoredMeta> decode_stored_meta(std::string_view json);

}  // namespace praetor::raft
