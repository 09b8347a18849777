// The tokens of HCL. Internal to codec/hcl.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace praetor::codec::hcl {

enum class Token : uint8_t {
  kIllegal,
  kEof,
  kComment,
  kIdent,
  kNumber,
  kFloat,
  kBool,
  kString,
  kHeredoc,
  kLeftBracket,
  kLeftBrace,
  kComma,
  kPeriod,
  kRightBracket,
  kRightBrace,
  kAssign,
  kAdd,
  kSub,
};

const char* token_name(Token token);  // as error texts show it: "RBRACE"

struct Position {
  size_t offset = 0;
  size_t line = 1;
  size_t column = 0;  // of the last character read, from 1; 0 after a line feed
};

struct Lexeme {
  Token token = Token::kEof;
  std::string_view text;  // as written, in the source
  size_t line = 0;
  size_t column = 0;
};

// "1:9"
std::string position_text(size_t line, size_t column);
// The text that a string, heredoc or name stands for; nullopt when its escapes are no text.
std::optional<std::string> text_of(const Lexeme& lexeme);

// Reads a source (with line feeds only) that outlives it. Errors do not stop it: the last one is kept.
class Scanner {
 public:
  explicit Scanner(std::string_view source) : source_(source) {}
  Lexeme scan();
  const std::string& error() const { return error_; }

 private:
  static constexpr char32_t kEnd = 0;

  char32_t next();
  void unread();
  char peek() const { return at_.offset < source_.size() ? source_[at_.offset] : '\0'; }
  void fail(const char* text);
  Token token(char32_t c);
  Token number(char32_t c);
  char32_t digits(char32_t c, int base);
  char32_t exponent(char32_t c);
  void string();
  void escape();
  void escape_digits(char32_t c, int base, int count);
  void comment(char32_t c);
  void heredoc();

  std::string_view source_;
  Position at_;
  Position previous_;
  size_t last_size_ = 0;         // bytes of the last character
  size_t last_line_length_ = 0;  // column of the last line feed
  std::string error_;
};

}  // namespace praetor::codec::hcl
