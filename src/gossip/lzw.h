// LZW as memberlist compresses with it (Go's compress/lzw: least significant bit first, 8-bit literals; the
// variant of the GIF89a specification, appendix F): codes of 9 to 12 bits, 256 clears the table, 257 ends.
// Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace praetor::gossip {

std::string lzw_compress(std::string_view data);
// kCorrupt for a code out of turn or a missing end; kTooLarge beyond `limit` bytes of output (a few bytes of
// input can stand for very much).
Result<std::string> lzw_decompress(std::string_view data, size_t limit);

}  // namespace praetor::gossip
