#include "dns/name.h"

#include <cstring>

namespace praetor::dns {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Decodes the escape that starts behind a backslash at `at`, and moves past it.
bool unescape(std::string_view text, size_t& at, char& out) {
  if (at >= text.size()) return false;
  if (at + 2 < text.size() && is_digit(text[at]) && is_digit(text[at + 1]) && is_digit(text[at + 2])) {
    int value = (text[at] - '0') * 100 + (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
    if (value > 255) return false;
    out = static_cast<char>(value);
    at += 3;
    return true;
  }
  out = text[at++];
  return true;
}

}  // namespace

bool NameBuffer::append(std::string_view bytes) {
  if (bytes.size() > kMaxNameBytes - size_) return false;
  std::memcpy(bytes_ + size_, bytes.data(), bytes.size());
  size_ = static_cast<uint8_t>(size_ + bytes.size());
  return true;
}

bool read_name(Cursor& cursor, NameBuffer& out) {
  out.clear();
  Cursor reader = cursor;
  int pointers = 0;
  auto failed = [&] {
    cursor.set_failed();
    return false;
  };
  for (;;) {
    size_t at = reader.offset();
    uint8_t length = reader.u8();
    if (!reader.ok()) return failed();
    if (length >= 0xc0) {
      size_t target = static_cast<size_t>(length & 0x3f) << 8 | reader.u8();
      if (!reader.ok() || ++pointers > kMaxPointers || target >= at) return failed();
      if (pointers == 1) cursor.seek(reader.offset());
      reader.seek(target);
      continue;
    }
    if (length > kMaxLabelBytes) return failed();
    reader.skip(length);
    if (!reader.ok() || !out.append(reader.whole().substr(at, size_t{1} + length))) return failed();
    if (length == 0) break;
  }
  if (pointers == 0) cursor.seek(reader.offset());
  return cursor.ok();
}

Result<std::string> name_from_text(std::string_view text) {
  auto invalid = [&] { return fail("not a domain name: " + std::string(text), ErrorKind::kBadRequest); };
  std::string wire;
  if (text.empty() || text == ".") return std::string(1, '\0');
  std::string label;
  for (size_t at = 0; at <= text.size();) {
    if (at == text.size() || text[at] == '.') {
      bool final_dot = at == text.size() && label.empty() && !wire.empty();
      if (final_dot) break;
      if (label.empty() || label.size() > kMaxLabelBytes) return invalid();
      wire.push_back(static_cast<char>(label.size()));
      wire += label;
      label.clear();
      ++at;
      continue;
    }
    char c = text[at++];
    if (c == '\\' && !unescape(text, at, c)) return invalid();
    label.push_back(c);
  }
  wire.push_back('\0');
  if (wire.size() > kMaxNameBytes) return invalid();
  return wire;
}

void append_label_text(std::string& out, std::string_view label) {
  for (char c : label) {
    auto byte = static_cast<unsigned char>(c);
    if (std::strchr(".();@\"\\ ", c) != nullptr && c != '\0') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < ' ' || byte > '~') {
      out.push_back('\\');
      out.push_back(static_cast<char>('0' + byte / 100));
      out.push_back(static_cast<char>('0' + byte / 10 % 10));
      out.push_back(static_cast<char>('0' + byte % 10));
    } else {
      out.push_back(c);
    }
  }
}

std::string name_to_text(std::string_view wire) {
  if (wire.size() <= 1) return ".";
  std::string out;
  for (size_t at = 0; at < wire.size() && wire[at] != '\0';) {
    auto length = static_cast<size_t>(wire[at]);
    append_label_text(out, wire.substr(at + 1, length));
    out.push_back('.');
    at += 1 + length;
  }
  return out;
}

std::string lower_name(std::string_view wire) {
  std::string out(wire);
  for (char& c : out) c = lower(c);
  return out;
}

bool equal_names(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  return true;
}

bool name_ends_with(std::string_view name, std::string_view suffix, size_t* at) {
  if (suffix.empty() || name.size() < suffix.size()) return false;
  size_t start = name.size() - suffix.size();
  if (!equal_names(name.substr(start), suffix)) return false;
  // The suffix must begin where a label begins.
  for (size_t label = 0; label <= start; label += 1 + static_cast<size_t>(name[label]))
    if (label == start) {
      if (at != nullptr) *at = start;
      return true;
    }
  return false;
}

}  // namespace praetor::dns
