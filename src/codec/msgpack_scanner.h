// Finds the end of a MessagePack value that arrives in pieces, looking at every byte once. For streams (RPC,
// Raft, Serf's push/pull), where msgpack_length would begin again with every piece. Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace praetor::codec {

class MsgpackScanner {
 public:
  // Looks at more of the stream. `data` is all that there is of the value so far: what was there at the last
  // call must still be at its front. Returns the value's length once it is complete, 0 before; then the
  // scanner starts anew. kCorrupt for a byte that starts no value.
  Result<size_t> scan(std::string_view data);

 private:
  size_t at_ = 0;         // the next value's first byte, or beyond the data while a raw is incomplete
  uint64_t missing_ = 1;  // values that have not been seen whole
};

}  // namespace praetor::codec
