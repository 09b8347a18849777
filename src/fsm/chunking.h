// Large commands arrive in several log entries (wire.md 7.3). This puts them together again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cursor.h"
#include "base/result.h"

namespace praetor::fsm {

struct ChunkInfo {
  uint64_t op_number = 0;  // random, one a command
  uint32_t sequence = 0;
  uint32_t count = 0;
};

// The protobuf in a log entry's extensions.
std::string encode_chunk_info(const ChunkInfo& info);
Result<ChunkInfo> decode_chunk_info(std::string_view extensions);

// More pieces than a command can have: a command is at most 512 KiB of value and its frame, a piece 512 KiB.
inline constexpr uint32_t kMaxChunks = 4096;

// Deterministic: its state is part of snapshots. One thread.
class ChunkAssembler {
 public:
  // The whole command once its last piece is here. A new term drops what is incomplete: its leader is gone,
  // and the proposer starts again under another number.
  Result<std::optional<std::string>> add(const ChunkInfo& info, uint64_t term, std::string_view data);

  // Snapshot record 29.
  void write(std::string& out) const;
  static Result<ChunkAssembler> read(Cursor& cursor);

 private:
  struct Operation {
    uint32_t count = 0;
    uint64_t term = 0;
    std::map<uint32_t, std::string> pieces;
  };
  std::map<uint64_t, Operation> operations_;
  uint64_t term_ = 0;
};

}  // namespace praetor::fsm
