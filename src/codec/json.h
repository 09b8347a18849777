// JSON as Go's encoding/json writes and reads it (http-api.md 1.2), for described structs (codec/type.h) and
// free documents (codec/value.h). Every function may be called from any thread.
//
// Written: fields in order, map keys sorted, '<', '>', '&', U+2028 and U+2029 as \u escapes, invalid UTF-8 as
// \ufffd, nil as null, Bytes as base64, Time as RFC 3339, Duration as nanoseconds (kDurationText: as text).
// Numbers that JSON cannot hold (NaN, infinities) become null.
// Read: names match in any case, null leaves numbers, texts and structs alone and clears lists, maps and
// pointers, a Duration is text or a number of nanoseconds. The error texts are Go's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/type.h"
#include "codec/value.h"

namespace praetor::codec {

// Appends the compact form, without a newline.
void write_json(std::string& out, const Type& type, const void* value);
void write_json_string(std::string& out, std::string_view text);

template <typename T>
void write_json(std::string& out, const T& value) {
  write_json(out, type_of<T>(), &value);
}
template <typename T>
std::string to_json(const T& value) {
  std::string out;
  write_json(out, type_of<T>(), &value);
  return out;
}

// Go's json.Indent of a valid document: MarshalIndent(x, prefix, indent) is indent_json(to_json(x), …).
std::string indent_json(std::string_view document, std::string_view prefix, std::string_view indent);
// The form of `?pretty`: four spaces and a final newline.
std::string pretty_json(std::string_view document);

struct JsonReadOptions {
  // Unknown fields fail with `json: unknown field "X"`.
  bool reject_unknown = false;
  // false: as json.Decoder reads a request body (what follows the first value is ignored; empty is `EOF`,
  // cut short `unexpected EOF`). true: as json.Unmarshal (one whole document).
  bool whole_document = false;
  size_t max_size = 64 * 1024 * 1024;
  size_t max_depth = 500;
};

// Reads into *object, which keeps what the document does not name. As in Go, a mistyped value is skipped and
// the rest still read; the first such error is returned. Errors are kBadRequest (size: kTooLarge).
Status read_json(std::string_view text, const Type& type, void* object, const JsonReadOptions& options = {});

template <typename T>
Status read_json(std::string_view text, T& object, const JsonReadOptions& options = {}) {
  return read_json(text, type_of<T>(), &object, options);
}
template <typename T>
Result<T> from_json(std::string_view text, const JsonReadOptions& options = {}) {
  T object{};
  TRY(read_json(text, type_of<T>(), &object, options));
  return object;
}

// A whole document of any shape; numbers become double, as in Go's interface{}.
Result<Value> parse_json_value(std::string_view text, JsonReadOptions options = {.whole_document = true});

// Checks the syntax of the first value in `text` and gives its extent, from its first to past its last byte.
// Needed by readers over a validated text.
Result<std::string_view> scan_json(std::string_view text, const JsonReadOptions& options);

}  // namespace praetor::codec
