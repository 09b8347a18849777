#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

namespace praetor {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

Error number_error(std::string_view function, std::string_view text, std::string_view why) {
  return Error{"strconv." + std::string(function) + ": parsing " + go_quote(text) + ": " + std::string(why),
               ErrorKind::kInternal};
}

}  // namespace

// RFC 3629: no overlong forms, no surrogates, at most U+10FFFF.
size_t utf8_length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t first = byte(0);
  if (first < 0x80) return 1;
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && byte(1) < 0xa0) return 0;
  if (first == 0xed && byte(1) > 0x9f) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool equals_ignore_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool contains(std::string_view text, std::string_view piece) { return text.find(piece) != text.npos; }

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  size_t begin = 0;
  for (size_t end; (end = text.find(separator, begin)) != text.npos; begin = end + 1)
    pieces.push_back(text.substr(begin, end - begin));
  pieces.push_back(text.substr(begin));
  return pieces;
}

std::string join(const std::vector<std::string>& pieces, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) out += separator;
    out += pieces[i];
  }
  return out;
}

std::string go_quote(std::string_view text) {
  std::string out = "\"";
  std::array<char, 8> buffer;
  while (!text.empty()) {
    char c = text[0];
    size_t length = utf8_length(text);
    if (length == 0) {
      std::snprintf(buffer.data(), buffer.size(), "\\x%02x", static_cast<uint8_t>(c));
      out += buffer.data();
      length = 1;
    } else if (length > 1) {
      out += text.substr(0, length);
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<uint8_t>(c) >= 0x20 && c != 0x7f) {
      out += c;
    } else {
      constexpr std::string_view kFrom = "\a\b\f\n\r\t\v", kTo = "abfnrtv";
      if (size_t at = kFrom.find(c); at != kFrom.npos && c != 0) {
        out += {'\\', kTo[at]};
      } else {
        std::snprintf(buffer.data(), buffer.size(), "\\x%02x", static_cast<uint8_t>(c));
        out += buffer.data();
      }
    }
    text.remove_prefix(length);
  }
  return out + "\"";
}

Result<uint64_t> parse_uint(std::string_view text, int bits) {
  uint64_t max = bits >= 64 ? std::numeric_limits<uint64_t>::max() : (uint64_t{1} << bits) - 1;
  if (text.empty()) return fail(number_error("ParseUint", text, "invalid syntax"));
  uint64_t value = 0;
  bool overflow = false;
  for (char c : text) {
    if (c < '0' || c > '9') return fail(number_error("ParseUint", text, "invalid syntax"));
    uint64_t digit = static_cast<uint64_t>(c - '0');
    if (value > (max - digit) / 10) overflow = true;
    value = value * 10 + digit;
  }
  if (overflow) return fail(number_error("ParseUint", text, "value out of range"));
  return value;
}

Result<int64_t> parse_int(std::string_view text, int bits) {
  std::string_view digits = text;
  bool negative = !digits.empty() && digits[0] == '-';
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  auto magnitude = parse_uint(digits, 64);
  uint64_t limit = (uint64_t{1} << (bits - 1)) - (negative ? 0 : 1);
  if (!magnitude)
    return fail(
        number_error("ParseInt", text,
                     magnitude.error().message.ends_with("range") ? "value out of range" : "invalid syntax"));
  if (*magnitude > limit) return fail(number_error("ParseInt", text, "value out of range"));
  return negative ? static_cast<int64_t>(0 - *magnitude) : static_cast<int64_t>(*magnitude);
}

Result<bool> parse_bool(std::string_view text) {
  for (std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == yes) return true;
  for (std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == no) return false;
  return fail(number_error("ParseBool", text, "invalid syntax"));
}

std::string hex_encode(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) out += {kDigits[static_cast<uint8_t>(c) >> 4], kDigits[static_cast<uint8_t>(c) & 15]};
  return out;
}

Result<std::string> hex_decode(std::string_view text) {
  auto digit = [](char c) {
    c = lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (text.size() % 2 != 0) return fail("encoding/hex: odd length hex string");
  std::string out;
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return fail("encoding/hex: invalid byte in " + go_quote(text));
    out.push_back(static_cast<char>(high << 4 | low));
  }
  return out;
}

namespace {
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) out.push_back(k <= count ? kBase64[group >> (18 - 6 * k) & 63] : '=');
  }
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  static constexpr auto kTable = [] {
    std::array<int8_t, 256> table{};
    table.fill(-1);
    for (size_t i = 0; i < kBase64.size(); ++i)
      table[static_cast<uint8_t>(kBase64[i])] = static_cast<int8_t>(i);
    return table;
  }();
  auto bad = [](size_t at) { return fail("illegal base64 data at input byte " + std::to_string(at)); };
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t group = 0;
  size_t digits = 0, padding = 0, i = 0;
  for (; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\n' || c == '\r') continue;
    if (c == '=' && digits >= 2) {
      if (digits + ++padding > 4) return bad(i);
      continue;
    }
    int value = kTable[static_cast<uint8_t>(c)];
    if (value < 0 || padding > 0) return bad(i);
    group = group << 6 | static_cast<uint32_t>(value);
    if (++digits == 4) {
      for (int shift : {16, 8, 0}) out.push_back(static_cast<char>(group >> shift));
      group = 0;
      digits = 0;
    }
  }
  if (digits == 0) return out;
  if (digits + padding != 4) return bad(padding > 0 ? i : i - digits);  // Go names the start of a cut group
  group <<= 6 * (4 - digits);
  out.push_back(static_cast<char>(group >> 16));
  if (digits == 3) out.push_back(static_cast<char>(group >> 8));
  return out;
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string sanitize_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    size_t length = utf8_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      length = 1;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string format_multierror(const std::vector<std::string>& errors) {
  std::string out =
      errors.size() == 1 ? "1 error occurred:" : std::to_string(errors.size()) + " errors occurred:";
  for (const std::string& error : errors) out += "\n\t* " + error;
  return out + "\n\n";
}

}  // namespace praetor
