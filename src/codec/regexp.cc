#include "codec/regexp.h"

#include <re2/re2.h>

#include <string>

namespace praetor::codec {
namespace {

const char* go_text(re2::RE2::ErrorCode code) {
  switch (code) {
    case re2::RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case re2::RE2::ErrorBadCharClass:
      return "invalid character class";
    case re2::RE2::ErrorBadCharRange:
      return "invalid character class range";
    case re2::RE2::ErrorMissingBracket:
      return "missing closing ]";
    case re2::RE2::ErrorMissingParen:
      return "missing closing )";
    case re2::RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case re2::RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    default:
      return "expression too large";
  }
}

// RE2 knows \C (any byte), Go does not.
bool has_any_byte_escape(std::string_view expression) {
  bool literal = false;  // between \Q and \E
  for (size_t i = 0; i + 1 < expression.size(); ++i) {
    if (expression[i] != '\\') continue;
    char name = expression[++i];
    if (literal ? name == 'E' : name == 'Q') literal = !literal;
    if (!literal && name == 'C') return true;
  }
  return false;
}

}  // namespace

Result<Regexp> Regexp::compile(std::string_view expression) {
  if (has_any_byte_escape(expression))
    return fail("error parsing regexp: invalid escape sequence: `\\C`", ErrorKind::kBadRequest);
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto compiled =
      std::make_shared<const re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options);
  if (compiled->ok()) return Regexp(std::move(compiled));
  // Go shows the whole text for what spans it, and nothing for a trailing backslash.
  std::string piece = compiled->error_arg();
  auto code = compiled->error_code();
  if (code == re2::RE2::ErrorTrailingBackslash) piece.clear();
  if (code == re2::RE2::ErrorMissingParen || code == re2::RE2::ErrorUnexpectedParen) piece = expression;
  return fail("error parsing regexp: " + std::string(go_text(code)) + ": `" + piece + "`",
              ErrorKind::kBadRequest);
}

bool Regexp::matches(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

std::vector<std::string> Regexp::submatches(std::string_view text) const {
  std::vector<re2::StringPiece> groups(static_cast<size_t>(compiled_->NumberOfCapturingGroups()) + 1);
  re2::StringPiece subject(text.data(), text.size());
  bool found = compiled_->Match(subject, 0, text.size(), re2::RE2::UNANCHORED, groups.data(),
                                static_cast<int>(groups.size()));
  std::vector<std::string> out;
  if (!found) return out;
  for (const re2::StringPiece& group : groups)
    out.emplace_back(group.data() == nullptr ? "" : group.ToString());
  return out;
}

}  // namespace praetor::codec
