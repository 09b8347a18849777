// The syntax check: one pass, no recursion, Go's error texts (encoding/json's scanner).
#include <string>
#include <vector>

#include "base/text.h"
#include "codec/json.h"

namespace praetor::codec {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// As Go shows a byte: 'x', '\'', '"', '\n', 'ÿ'.
std::string quote_char(char c) {
  if (c == '\'') return "'\\''";
  if (c == '"') return "'\"'";
  auto byte = static_cast<uint8_t>(c);
  std::string text(1, c);
  if (byte >= 0x80) text = {static_cast<char>(0xc0 | byte >> 6), static_cast<char>(0x80 | (byte & 0x3f))};
  std::string quoted = go_quote(text);
  return "'" + quoted.substr(1, quoted.size() - 2) + "'";
}

class Scanner {
 public:
  Scanner(std::string_view text, const JsonReadOptions& options) : text_(text), options_(options) {}

  Result<std::string_view> run() {
    if (text_.size() > options_.max_size) return fail("JSON document too large", ErrorKind::kTooLarge);
    skip_space();
    size_t begin = at_;
    while (error_.empty() && !done_) step();
    if (error_.empty() && options_.whole_document) {
      size_t end = at_;
      skip_space();
      if (at_ < text_.size()) unexpected("after top-level value");
      if (error_.empty()) return text_.substr(begin, end - begin);
    }
    if (!error_.empty()) return fail(std::move(error_), ErrorKind::kBadRequest);
    return text_.substr(begin, at_ - begin);
  }

 private:
  enum class Expect { kValue, kValueOrEnd, kKey, kKeyOrEnd, kAfterValue };

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool more() {
    if (at_ < text_.size()) return true;
    if (error_.empty()) {
      if (options_.whole_document)
        error_ = "unexpected end of JSON input";
      else
        error_ = trim(text_).empty() ? "EOF" : "unexpected EOF";
    }
    return false;
  }
  void unexpected(std::string_view where) {
    error_ = "invalid character " + quote_char(text_[at_]) + " " + std::string(where);
  }

  void step() {
    skip_space();
    if (!more()) return;
    char c = text_[at_];
    switch (expect_) {
      case Expect::kValueOrEnd:
        if (c == ']') return close();
        return value(c);
      case Expect::kValue:
        return value(c);
      case Expect::kKeyOrEnd:
        if (c == '}') return close();
        return key(c);
      case Expect::kKey:
        return key(c);
      case Expect::kAfterValue:
        return after_value(c);
    }
  }

  void end_value() {
    expect_ = Expect::kAfterValue;
    if (open_.empty()) done_ = true;
  }
  void open(char c) {
    if (open_.size() >= options_.max_depth) {
      error_ = "exceeded max depth";
      return;
    }
    open_.push_back(c);
    expect_ = c == '{' ? Expect::kKeyOrEnd : Expect::kValueOrEnd;
    ++at_;
  }
  void close() {
    open_.pop_back();
    ++at_;
    end_value();
  }
  void after_value(char c) {
    bool object = open_.back() == '{';
    if (c == (object ? '}' : ']')) return close();
    if (c != ',') return unexpected(object ? "after object key:value pair" : "after array element");
    ++at_;
    expect_ = object ? Expect::kKey : Expect::kValue;
  }
  void key(char c) {
    if (c != '"') return unexpected("looking for beginning of object key string");
    if (!string()) return;
    skip_space();
    if (!more()) return;
    if (text_[at_] != ':') return unexpected("after object key");
    ++at_;
    expect_ = Expect::kValue;
  }
  void value(char c) {
    if (c == '{' || c == '[') return open(c);
    bool ok = false;
    if (c == '"')
      ok = string();
    else if (c == '-' || is_digit(c))
      ok = number();
    else if (c == 't')
      ok = literal("true");
    else if (c == 'f')
      ok = literal("false");
    else if (c == 'n')
      ok = literal("null");
    else
      unexpected("looking for beginning of value");
    if (ok) end_value();
  }

  bool literal(std::string_view word) {
    for (size_t i = 1; i < word.size(); ++i) {
      ++at_;
      if (!more()) return false;
      if (text_[at_] != word[i]) {
        unexpected("in literal " + std::string(word) + " (expecting " + quote_char(word[i]) + ")");
        return false;
      }
    }
    ++at_;
    return true;
  }
  bool string() {
    for (++at_; more(); ++at_) {
      char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<uint8_t>(c) < 0x20) {
        unexpected("in string literal");
        return false;
      }
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }
  // Leaves at_ on the last character of the escape.
  bool escape() {
    ++at_;
    if (!more()) return false;
    if (text_[at_] != 'u') {
      if (std::string_view("bfnrt\\/\"").find(text_[at_]) != std::string_view::npos) return true;
      unexpected("in string escape code");
      return false;
    }
    for (int i = 0; i < 4; ++i) {
      ++at_;
      if (!more()) return false;
      if (!is_hex(text_[at_])) {
        unexpected("in \\u hexadecimal character escape");
        return false;
      }
    }
    return true;
  }
  bool digits(std::string_view where) {
    if (!more()) return false;
    if (!is_digit(text_[at_])) {
      unexpected(where);
      return false;
    }
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return true;
  }
  bool at_any(std::string_view set) const {
    return at_ < text_.size() && set.find(text_[at_]) != std::string_view::npos;
  }
  bool number() {
    if (at_any("-")) ++at_;
    if (at_any("0"))
      ++at_;
    else if (!digits("in numeric literal"))
      return false;
    if (at_any(".")) {
      ++at_;
      if (!digits("after decimal point in numeric literal")) return false;
    }
    if (at_any("eE")) {
      ++at_;
      if (at_any("+-")) ++at_;
      if (!digits("in exponent of numeric literal")) return false;
    }
    return true;
  }

  std::string_view text_;
  const JsonReadOptions& options_;
  size_t at_ = 0;
  Expect expect_ = Expect::kValue;
  std::string open_;
  bool done_ = false;
  std::string error_;
};

}  // namespace

Result<std::string_view> scan_json(std::string_view text, const JsonReadOptions& options) {
  return Scanner(text, options).run();
}

}  // namespace praetor::codec
