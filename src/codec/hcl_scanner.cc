#include "codec/hcl_scanner.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "codec/go_literal.h"

namespace praetor::codec::hcl {
namespace {

bool is_decimal(char32_t c) { return c >= '0' && c <= '9'; }
bool is_hexadecimal(char32_t c) { return is_decimal(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_space(char32_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Beyond ASCII: the letters of the scripts that names are written in.
bool is_letter(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  constexpr std::array<std::array<char32_t, 2>, 17> kRanges = {{{0xaa, 0xaa},
                                                                {0xb5, 0xb5},
                                                                {0xba, 0xba},
                                                                {0xc0, 0xd6},
                                                                {0xd8, 0xf6},
                                                                {0xf8, 0x2c1},
                                                                {0x370, 0x373},
                                                                {0x386, 0x386},
                                                                {0x388, 0x481},
                                                                {0x48a, 0x556},
                                                                {0x5d0, 0x5ea},
                                                                {0x620, 0x64a},
                                                                {0x904, 0x939},
                                                                {0x1e00, 0x1fbc},
                                                                {0x3041, 0x30ff},
                                                                {0x3400, 0x9fff},
                                                                {0xac00, 0xd7a3}}};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [&](auto& range) { return c >= range[0] && c <= range[1]; });
}

char32_t decode(std::string_view sequence) {
  auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<uint8_t>(sequence[i])); };
  switch (sequence.size()) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1f) << 6 | (byte(1) & 0x3f);
    case 3:
      return (byte(0) & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    default:
      return (byte(0) & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
  }
}

// "…" with escapes; a ${…} is copied as it stands, with the quotes and braces inside it.
std::optional<std::string> unquote(std::string_view literal) {
  std::string out;
  std::string_view rest = literal.substr(1, literal.size() - 2);
  while (!rest.empty()) {
    if (rest.starts_with("${")) {
      size_t braces = 1, end = 2;
      for (; end < rest.size() && braces > 0; ++end)
        braces += rest[end] == '{' ? 1 : rest[end] == '}' ? -1 : 0;
      if (braces != 0) return std::nullopt;
      out += rest.substr(0, end);
      rest.remove_prefix(end);
      continue;
    }
    char c = rest[0];
    if (c == '\n' || c == '"') return std::nullopt;
    rest.remove_prefix(1);
    if (c != '\\')
      out.push_back(c);
    else if (rest.empty() || !unquote_escape(rest, out))
      return std::nullopt;
  }
  return out;
}

// The lines between the two markers; `<<-` takes the last marker's indentation off every line, if all have
// it.
std::string heredoc_text(std::string_view text) {
  size_t first = text.find('\n');
  if (!text.starts_with("<<-")) return std::string(text.substr(first + 1, text.size() - 2 * first));
  std::string_view body = text.substr(first + 1, text.size() - 2 * first + 1);
  std::vector<std::string_view> lines = split(body, '\n');
  std::string_view indent = lines.back();
  bool indented = std::all_of(lines.begin(), lines.end(),
                              [&](std::string_view line) { return line.starts_with(indent); });
  if (!indented) {
    body = text.substr(first + 1, text.size() - 2 * first);
    size_t end = body.find_last_not_of(" \t");
    return std::string(body.substr(0, end == body.npos ? 0 : end + 1));
  }
  std::string out;
  for (size_t i = 0; i + 1 < lines.size(); ++i) {
    out += lines[i].substr(indent.size());
    out += '\n';
  }
  return out;
}

}  // namespace

const char* token_name(Token token) {
  constexpr std::array<const char*, 18> kNames = {"ILLEGAL", "EOF",    "COMMENT", "IDENT",  "NUMBER", "FLOAT",
                                                  "BOOL",    "STRING", "HEREDOC", "LBRACK", "LBRACE", "COMMA",
                                                  "PERIOD",  "RBRACK", "RBRACE",  "ASSIGN", "ADD",    "SUB"};
  return kNames[static_cast<size_t>(token)];
}

std::string position_text(size_t line, size_t column) {
  return std::to_string(line) + ":" + std::to_string(column);
}

std::optional<std::string> text_of(const Lexeme& lexeme) {
  if (lexeme.token == Token::kString) return unquote(lexeme.text);
  if (lexeme.token == Token::kHeredoc) return heredoc_text(lexeme.text);
  return std::string(lexeme.text);
}

char32_t Scanner::next() {
  if (at_.offset >= source_.size()) {
    // Every look past the end counts as a column: error texts show it.
    ++at_.column;
    last_size_ = 0;
    return kEnd;
  }
  std::string_view rest = source_.substr(at_.offset);
  size_t size = utf8_length(rest);
  char32_t c = size == 0 ? 0xfffd : decode(rest.substr(0, size));
  previous_ = at_;
  if (size == 0) {
    at_.column += 1;
    at_.offset += 1;
    last_size_ = 1;
    fail("illegal UTF-8 encoding");
    return c;
  }
  ++at_.column;
  last_size_ = size;
  at_.offset += size;
  if (c == '\n') {
    ++at_.line;
    last_line_length_ = at_.column;
    at_.column = 0;
  }
  if (c == 0) {
    fail("unexpected null character (0x00)");
    return kEnd;
  }
  return c;
}

void Scanner::unread() { at_ = previous_; }

void Scanner::fail(const char* text) {
  size_t line = at_.line, column = at_.column;
  if (column == 0) {
    line = last_line_length_ > 0 ? line - 1 : 1;
    column = last_line_length_ > 0 ? last_line_length_ : 1;
  }
  error_ = "At " + position_text(line, column) + ": " + text;
}

Lexeme Scanner::scan() {
  char32_t c = next();
  while (is_space(c)) c = next();
  size_t start = at_.offset - last_size_;
  Lexeme lexeme;
  lexeme.line = at_.column > 0 ? at_.line : at_.line - 1;
  lexeme.column = at_.column > 0 ? at_.column : last_line_length_;
  lexeme.token = token(c);
  lexeme.text = source_.substr(start, at_.offset - start);
  return lexeme;
}

Token Scanner::token(char32_t c) {
  if (is_letter(c)) {
    size_t start = at_.offset - last_size_;
    while (is_letter(c) || is_decimal(c) || c == '-' || c == '.') c = next();
    if (c != kEnd) unread();
    std::string_view text = source_.substr(start, at_.offset - start);
    return text == "true" || text == "false" ? Token::kBool : Token::kIdent;
  }
  if (is_decimal(c)) return number(c);
  switch (c) {
    case kEnd:
      return Token::kEof;
    case '"':
      string();
      return Token::kString;
    case '#':
    case '/':
      comment(c);
      return Token::kComment;
    case '.':
      if (!is_decimal(static_cast<uint8_t>(peek()))) return Token::kPeriod;
      c = digits(next(), 10);
      if (c == 'e' || c == 'E') c = exponent(c);
      if (c != kEnd) unread();
      return Token::kFloat;
    case '<':
      heredoc();
      return Token::kHeredoc;
    case '[':
      return Token::kLeftBracket;
    case ']':
      return Token::kRightBracket;
    case '{':
      return Token::kLeftBrace;
    case '}':
      return Token::kRightBrace;
    case ',':
      return Token::kComma;
    case '=':
      return Token::kAssign;
    case '+':
      return Token::kAdd;
    case '-':
      return is_decimal(static_cast<uint8_t>(peek())) ? number(next()) : Token::kSub;
    default:
      fail("illegal char");
      return Token::kIllegal;
  }
}

// Reads past digits; returns the first character that is none.
char32_t Scanner::digits(char32_t c, int base) {
  while (base == 16 ? is_hexadecimal(c) : is_decimal(c)) c = next();
  return c;
}

char32_t Scanner::exponent(char32_t c) {
  c = next();
  if (c == '-' || c == '+') c = next();
  return digits(c, 10);
}

Token Scanner::number(char32_t c) {
  Token kind = Token::kNumber;
  bool zero = c == '0', illegal_octal = false;
  if (zero) {
    c = next();
    if (c == 'x' || c == 'X') {
      c = next();
      if (!is_hexadecimal(c)) fail("illegal hexadecimal number");
      c = digits(c, 16);
      if (c != kEnd) unread();
      return kind;
    }
    while (is_decimal(c)) {
      illegal_octal = illegal_octal || c == '8' || c == '9';
      c = next();
    }
  } else {
    c = digits(c, 10);
    if (c == kEnd) c = next();  // looks past the end twice
  }
  if (c == '.') {
    kind = Token::kFloat;
    char32_t following = static_cast<uint8_t>(peek());
    if (!is_decimal(following) && following != 'e' && following != 'E') return kind;
    c = digits(next(), 10);
  }
  if (c == 'e' || c == 'E') {
    kind = Token::kFloat;
    c = exponent(c);
  }
  if (illegal_octal && kind == Token::kNumber) fail("illegal octal number");
  if (c != kEnd) unread();
  return kind;
}

void Scanner::string() {
  size_t braces = 0;
  while (true) {
    char32_t c = next();
    if (c == kEnd || (c == '\n' && braces == 0)) return fail("literal not terminated");
    if (c == '"' && braces == 0) return;
    if (braces == 0 && c == '$' && peek() == '{') {
      ++braces;
      next();
    } else if (braces > 0 && c == '{') {
      ++braces;
    }
    if (braces > 0 && c == '}') --braces;
    if (c == '\\') escape();
  }
}

void Scanner::escape() {
  char32_t c = next();
  if (c < 0x80 && c != 0 &&
      std::string_view("abfnrtv\\\"").find(static_cast<char>(c)) != std::string_view::npos)
    return;
  if (c >= '0' && c <= '7') return escape_digits(c, 8, 3);
  if (c == 'x') return escape_digits(next(), 16, 2);
  if (c == 'u') return escape_digits(next(), 16, 4);
  if (c == 'U') return escape_digits(next(), 16, 8);
  fail("illegal char escape");
}

void Scanner::escape_digits(char32_t c, int base, int count) {
  while (count > 0 && (base == 16 ? is_hexadecimal(c) : c >= '0' && c <= '7')) {
    c = next();
    --count;
  }
  if (count > 0) fail("illegal char escape");
  if (c != kEnd) unread();
}

void Scanner::comment(char32_t c) {
  if (c == '/' && peek() != '*') {
    if (peek() != '/') return fail("expected '/' for comment");
    c = '#';
  }
  if (c == '#') {
    do {
      c = next();
    } while (c != '\n' && c != kEnd);
    if (c != kEnd) unread();
    return;
  }
  next();
  c = next();
  while (true) {
    if (c == kEnd) return fail("comment not terminated");
    char32_t last = c;
    c = next();
    if (last == '*' && c == '/') return;
  }
}

void Scanner::heredoc() {
  if (next() != '<') return fail("heredoc expected second '<', didn't see it");
  size_t start = at_.offset;
  char32_t c = next();
  if (c == '-') c = next();
  while (is_letter(c) || is_decimal(c)) c = next();
  if (c == kEnd) return fail("heredoc not terminated");
  if (c != '\n') return fail("invalid characters in heredoc anchor");
  std::string_view anchor = source_.substr(start, at_.offset - 1 - start);
  size_t least = anchor.size();  // with the dash: an end marker of `<<-` is indented
  if (anchor.starts_with('-')) anchor.remove_prefix(1);
  if (anchor.empty()) return fail("zero-length heredoc anchor");
  size_t line = at_.offset;
  while (true) {
    c = next();
    if (c == '\n') {
      std::string_view text = source_.substr(line, at_.offset - 1 - line);
      size_t begin = text.find_first_not_of(" \t\r\v\f");
      if (text.size() >= least && begin != text.npos && text.substr(begin) == anchor) return;
      line = at_.offset;
    }
    if (c == kEnd) return fail("heredoc not terminated");
  }
}

}  // namespace praetor::codec::hcl
