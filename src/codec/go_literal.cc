#include "codec/go_literal.h"

#include <charconv>

#include "base/text.h"
#include "codec/utf8.h"

namespace praetor::codec {
namespace {

bool in_range(char c, char low, char high) { return c >= low && c <= high; }
bool is_digit(char c) { return in_range(c, '0', '9'); }

struct Magnitude {
  uint64_t value = 0;
  bool valid = false;
  bool overflow = false;
};

Magnitude parse_magnitude(std::string_view text) {
  Magnitude result;
  uint64_t base = 10;
  bool prefixed = text.size() > 1 && text[0] == '0';
  if (prefixed) {
    char letter = static_cast<char>(text[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    text.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  char last = prefixed ? '0' : '_';  // an underscore stands between digits, or after a prefix
  for (char c : text) {
    if (c == '_') {
      if (last == '_') return result;
    } else {
      char lower = static_cast<char>(c | 0x20);
      uint64_t digit = c >= '0' && c <= '9'           ? static_cast<uint64_t>(c - '0')
                       : lower >= 'a' && lower <= 'f' ? static_cast<uint64_t>(lower - 'a') + 10
                                                      : 99;
      if (digit >= base) return result;
      if (result.value > (UINT64_MAX - digit) / base) result.overflow = true;
      result.value = result.value * base + digit;
    }
    last = c;
  }
  result.valid = !text.empty() && last != '_';
  return result;
}

std::unexpected<Error> number_error(std::string_view function, std::string_view text, bool overflow) {
  return fail("strconv." + std::string(function) + ": parsing " + go_quote(text) + ": " +
              (overflow ? "value out of range" : "invalid syntax"));
}

}  // namespace

bool unquote_escape(std::string_view& rest, std::string& out) {
  constexpr std::string_view kNames = "abfnrtv\\\"", kMeaning = "\a\b\f\n\r\t\v\\\"";
  char name = rest[0];
  if (size_t at = kNames.find(name); at != kNames.npos) {
    out.push_back(kMeaning[at]);
    rest.remove_prefix(1);
    return true;
  }
  bool octal = in_range(name, '0', '7');
  size_t digits = octal ? 3 : name == 'x' ? 2 : name == 'u' ? 4 : name == 'U' ? 8 : 0;
  if (!octal) rest.remove_prefix(1);
  if (digits == 0 || rest.size() < digits) return false;
  uint32_t code = 0;
  for (char c : rest.substr(0, digits)) {
    bool ok = octal ? in_range(c, '0', '7') : is_digit(c) || in_range(c, 'a', 'f') || in_range(c, 'A', 'F');
    if (!ok) return false;
    uint32_t digit = static_cast<uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    code = code * (octal ? 8 : 16) + digit;
  }
  rest.remove_prefix(digits);
  if (name == 'u' || name == 'U') {
    if (code > 0x10ffff) return false;
    put_utf8(out, is_surrogate(code) ? 0xfffd : code);
    return true;
  }
  if (code > 0xff) return false;
  out.push_back(static_cast<char>(code));
  return true;
}

Result<int64_t> parse_int_literal(std::string_view text, unsigned bits) {
  bool negative = text.starts_with('-');
  Magnitude magnitude = parse_magnitude(text.substr(negative || text.starts_with('+') ? 1 : 0));
  uint64_t limit = (uint64_t{1} << (bits - 1)) - (negative ? 0 : 1);
  if (!magnitude.valid) return number_error("ParseInt", text, false);
  if (magnitude.overflow || magnitude.value > limit) return number_error("ParseInt", text, true);
  return static_cast<int64_t>(negative ? 0 - magnitude.value : magnitude.value);
}

Result<uint64_t> parse_uint_literal(std::string_view text, unsigned bits) {
  Magnitude magnitude = parse_magnitude(text);
  if (!magnitude.valid) return number_error("ParseUint", text, false);
  if (magnitude.overflow || (bits < 64 && magnitude.value >> bits != 0))
    return number_error("ParseUint", text, true);
  return magnitude.value;
}

Result<double> parse_float_literal(std::string_view text) {
  double value = 0;
  std::string_view digits = text.substr(text.starts_with('+') ? 1 : 0);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range) return number_error("ParseFloat", text, true);
  if (error != std::errc() || end != digits.data() + digits.size())
    return number_error("ParseFloat", text, false);
  return value;
}

}  // namespace praetor::codec
