// Small text tools, and the wording that Go's standard library gives to errors users see.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace praetor {

std::string to_lower(std::string_view text);  // ASCII
bool equals_ignore_case(std::string_view a, std::string_view b);
bool contains(std::string_view text, std::string_view piece);
std::string_view trim(std::string_view text);  // ASCII white space on both sides
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& pieces, std::string_view separator);

// Go's %q: "a\n\"b\"" ; invalid UTF-8 as \xNN, non-printable as \u escapes.
std::string go_quote(std::string_view text);
// strconv.ParseUint/ParseInt/ParseBool with Go's error texts:
// `strconv.ParseUint: parsing "abc": invalid syntax` or `… value out of range`.
Result<uint64_t> parse_uint(std::string_view text, int bits = 64);
Result<int64_t> parse_int(std::string_view text, int bits = 64);
Result<bool> parse_bool(std::string_view text);  // 1, t, T, TRUE, true, True, 0, f, …

std::string hex_encode(std::string_view bytes);  // lower case
Result<std::string> hex_decode(std::string_view text);
std::string base64_encode(std::string_view bytes);  // standard alphabet, padded
// Error text is Go's: `illegal base64 data at input byte N`.
Result<std::string> base64_decode(std::string_view text);

// Length of the valid UTF-8 sequence at the front of `text` (not empty), 0 when it is not one.
size_t utf8_length(std::string_view text);
bool is_valid_utf8(std::string_view text);
// Replaces every invalid byte by U+FFFD, as Go's JSON encoder does.
std::string sanitize_utf8(std::string_view text);

// hashicorp/go-multierror's format: "1 error occurred:\n\t* a\n\n".
std::string format_multierror(const std::vector<std::string>& errors);

}  // namespace praetor
