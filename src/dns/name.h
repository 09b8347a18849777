// Domain names in wire form: length-prefixed labels and a final zero byte, never compressed. A name in
// Praetor's DNS code is a std::string (or view) that holds exactly that; text appears only at the edges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/cursor.h"
#include "base/result.h"

namespace praetor::dns {

inline constexpr size_t kMaxNameBytes = 255;  // RFC 1035 2.3.4, on the wire
inline constexpr size_t kMaxLabelBytes = 63;

// A name without an allocation of its own, for parsing.
class NameBuffer {
 public:
  std::string_view wire() const { return {bytes_, size_}; }
  void clear() { size_ = 0; }
  // False when the name would grow past kMaxNameBytes.
  bool append(std::string_view bytes);

 private:
  uint8_t size_ = 0;
  char bytes_[kMaxNameBytes];
};

// Reads a possibly compressed name; the cursor ends behind it. Pointers must lead backwards, at most
// kMaxPointers of them. On failure the cursor is failed and `out` holds nothing useful.
inline constexpr int kMaxPointers = 126;
bool read_name(Cursor& cursor, NameBuffer& out);

// "a.b.consul" or "a.b.consul." -> wire. `\X` and `\DDD` escape as in zone files. Fails on empty labels and
// on what is too long.
Result<std::string> name_from_text(std::string_view text);
// The zone-file text, with the final dot; bytes that mean something there are escaped.
std::string name_to_text(std::string_view wire);
// One label as name_to_text writes it.
void append_label_text(std::string& out, std::string_view label);

std::string lower_name(std::string_view wire);  // ASCII; lengths are below 64, so no length byte changes
bool equal_names(std::string_view a, std::string_view b);  // ignoring case
// Whether `name` is `suffix` or lies below it, ignoring case. `at`: where the suffix starts in `name`.
bool name_ends_with(std::string_view name, std::string_view suffix, size_t* at = nullptr);

}  // namespace praetor::dns
