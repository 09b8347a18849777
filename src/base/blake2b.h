// BLAKE2b without a key (RFC 7693), at most 64 bytes long. OpenSSL 3.0 has only the longest form, whose first
// bytes are not the shorter ones'.
#pragma once

#include <string>
#include <string_view>

namespace praetor {

// `size` raw bytes, 1 to 64.
std::string blake2b(std::string_view data, size_t size);

}  // namespace praetor
