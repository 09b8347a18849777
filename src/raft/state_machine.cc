#include "raft/state_machine.h"

#include <algorithm>
#include <array>

namespace praetor::raft {

Status SnapshotReader::skip(uint64_t bytes) {
  std::array<char, 16384> buffer;
  while (bytes > 0) {
    TRY_ASSIGN(size_t got, read(std::span(buffer).first(std::min<uint64_t>(bytes, buffer.size()))));
    if (got == 0) break;
    bytes -= got;
  }
  return {};
}

}  // namespace praetor::raft
