// The two checksums of consensus data: CRC-32C for log records, CRC-64 (ECMA, as Go's hash/crc64) for
// snapshots, whose meta.json carries it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace praetor::raft {

// Extends `seed` (0 at the start) by the bytes: crc32c(b, crc32c(a)) == crc32c(a + b). Uses SSE 4.2 where the
// processor has it.
uint32_t crc32c(std::string_view bytes, uint32_t seed = 0);
uint32_t crc32c_portable(std::string_view bytes, uint32_t seed = 0);

uint64_t crc64_ecma(std::string_view bytes, uint64_t seed = 0);

}  // namespace praetor::raft
