// Literals as Go's strconv reads them. Internal to codec.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace praetor::codec {

// One escape of a Go string literal at the front of `rest`, after its backslash: appended to `out`, removed
// from `rest`. False when it is none.
bool unquote_escape(std::string_view& rest, std::string& out);

// strconv.ParseInt and ParseUint with base 0: prefixes 0x, 0b, 0o and 0, underscores between digits.
// Error texts are theirs, as in `strconv.ParseInt: parsing "x": invalid syntax`.
Result<int64_t> parse_int_literal(std::string_view text, unsigned bits = 64);
Result<uint64_t> parse_uint_literal(std::string_view text, unsigned bits = 64);
Result<double> parse_float_literal(std::string_view text);

}  // namespace praetor::codec
