// A parsing expression grammar, written out by hand: every rule either matches and moves on, or restores the
// position and fails. What failed at the farthest position makes the error text, so each primitive records
// what it wanted, and rules try their alternatives in the order of the language's definition.
#include "codec/filter_parser.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "codec/filter.h"
#include "codec/go_literal.h"

namespace praetor::codec::filter_detail {
namespace {

bool in_range(char c, char low, char high) { return c >= low && c <= high; }
bool is_letter(char c) { return in_range(c, 'a', 'z') || in_range(c, 'A', 'Z'); }
bool is_digit(char c) { return in_range(c, '0', '9'); }
bool is_nonzero(char c) { return in_range(c, '1', '9'); }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// strconv.Unquote of "…" or `…`.
bool unquote(std::string_view literal, std::string& out) {
  char quote = literal[0];
  std::string_view rest = literal.substr(1, literal.size() - 2);
  if (quote == '`') {
    std::copy_if(rest.begin(), rest.end(), std::back_inserter(out), [](char c) { return c != '\r'; });
    return true;
  }
  while (!rest.empty()) {
    char c = rest[0];
    if (c == '\n' || c == '"') return false;
    rest.remove_prefix(1);
    if (c != '\\')
      out.push_back(c);
    else if (rest.empty() || !unquote_escape(rest, out))
      return false;
  }
  return true;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::unique_ptr<Syntax>> run() {
    auto tree = input();
    if (errors_.empty() && tree == nullptr)
      errors_.push_back(position_text(farthest_) + ": " + expected_text());
    if (errors_.empty()) return tree;
    return fail(join(errors_, "\n"));
  }

 private:
  using Tree = std::unique_ptr<Syntax>;

  // --- errors

  // "line:column (offset)"; columns count characters.
  std::string position_text(size_t offset) const {
    size_t line = 1, column = 1;
    for (size_t i = 0; i <= offset && i < text_.size();) {
      if (text_[i] == '\n') {
        ++line;
        column = 0;
      }
      size_t next = i + std::max<size_t>(1, utf8_length(text_.substr(i)));
      if (next > offset) break;
      ++column;
      i = next;
    }
    return std::to_string(line) + ":" + std::to_string(column) + " (" + std::to_string(offset) + ")";
  }
  std::string expected_text() const {
    std::set<std::string> wants = wants_;
    bool end = wants.erase("!.") > 0;
    std::vector<std::string> list(wants.begin(), wants.end());
    if (end) list.push_back("EOF");
    std::string out = "no match found, expected: ";
    for (size_t i = 0; i < list.size(); ++i)
      out += (i == 0 ? "" : i + 1 == list.size() ? " or " : ", ") + list[i];
    return out;
  }
  void error_at(size_t offset, std::string_view rule, std::string_view text) {
    if (too_deep_ && !errors_.empty()) return;
    std::string full = position_text(offset) + ": rule \"" + std::string(rule) + "\": " + std::string(text);
    if (std::find(errors_.begin(), errors_.end(), full) == errors_.end()) errors_.push_back(std::move(full));
  }

  // --- primitives

  // Inside a negative look-ahead it is the matches that are unwelcome.
  void record(bool matched, size_t at, std::string_view want) {
    if (matched != inverted_ || at < farthest_) return;
    if (at > farthest_) wants_.clear();
    farthest_ = at;
    wants_.insert((inverted_ ? "!" : "") + std::string(want));
  }
  bool literal(std::string_view word) {
    bool matched = text_.substr(at_).starts_with(word);
    record(matched, at_, go_quote(word));
    if (matched) at_ += word.size();
    return matched;
  }
  bool one_of(bool (*member)(char), std::string_view name) {
    bool matched = at_ < text_.size() && member(text_[at_]);
    record(matched, at_, name);
    if (matched) ++at_;
    return matched;
  }
  bool any_character() {
    bool matched = at_ < text_.size();
    record(matched, at_, ".");
    if (matched) at_ += std::max<size_t>(1, utf8_length(text_.substr(at_)));
    return matched;
  }
  template <typename Rule>
  bool not_followed_by(Rule rule) {
    size_t start = at_;
    inverted_ = !inverted_;
    bool matched = rule();
    inverted_ = !inverted_;
    at_ = start;
    return !matched;
  }
  bool end_of_text() {
    return not_followed_by([&] { return any_character(); });
  }
  bool spaces() {
    if (!one_of(is_space, "[ \\t\\r\\n]")) return false;
    while (one_of(is_space, "[ \\t\\r\\n]")) {
    }
    return true;
  }
  bool back_to(size_t start) {
    at_ = start;
    return false;
  }

  // --- expressions

  Tree input() {
    spaces();
    if (literal("(")) {
      spaces();
      if (Tree tree = or_expression()) {
        spaces();
        if (literal(")") && (spaces(), end_of_text())) return tree;
      }
    }
    at_ = 0;
    spaces();
    Tree tree = or_expression();
    if (tree == nullptr) return nullptr;
    spaces();
    return end_of_text() ? std::move(tree) : nullptr;
  }

  // term (_ word _ term)*
  Tree chain(Syntax::Kind kind, std::string_view word, Tree (Parser::*term)()) {
    Tree first = (this->*term)();
    if (first == nullptr) return nullptr;
    Tree tree;
    while (true) {
      size_t start = at_;
      Tree next;
      if (spaces() && literal(word) && spaces()) next = (this->*term)();
      if (next == nullptr) {
        at_ = start;
        return tree ? std::move(tree) : std::move(first);
      }
      if (tree == nullptr) {
        tree = std::make_unique<Syntax>();
        tree->kind = kind;
        tree->children.push_back(std::move(first));
      }
      tree->children.push_back(std::move(next));
    }
  }
  Tree or_expression() { return chain(Syntax::Kind::kOr, "or", &Parser::and_expression); }
  Tree and_expression() { return chain(Syntax::Kind::kAnd, "and", &Parser::not_expression); }

  Tree not_expression() {
    size_t start = at_;
    if (literal("not") && spaces() && enter(start)) {
      Tree inner = not_expression();
      --depth_;
      if (inner != nullptr) {
        if (inner->kind == Syntax::Kind::kNot) return std::move(inner->children[0]);
        auto tree = std::make_unique<Syntax>();
        tree->kind = Syntax::Kind::kNot;
        tree->children.push_back(std::move(inner));
        return tree;
      }
    }
    at_ = start;
    return grouping();
  }
  bool enter(size_t start) {
    if (depth_ >= kMaxFilterDepth) {
      if (!too_deep_) errors_.clear();
      too_deep_ = true;
      error_at(start, "grouping", "Expression is nested too deeply");
      return false;
    }
    ++depth_;
    return true;
  }

  Tree grouping() {
    size_t start = at_;
    size_t unclosed = std::string_view::npos;
    if (literal("(") && enter(start)) {
      spaces();
      Tree tree = or_expression();
      --depth_;
      if (tree != nullptr) {
        spaces();
        unclosed = at_;
        if (literal(")")) return tree;
      }
    }
    at_ = start;
    if (Tree tree = match()) return tree;
    if (unclosed != std::string_view::npos) error_at(unclosed, "grouping", "Unmatched parentheses");
    at_ = start;
    return nullptr;
  }

  // --- matches

  bool symbol_operator(std::string_view symbol) {
    size_t start = at_;
    spaces();
    if (!literal(symbol)) return back_to(start);
    spaces();
    return true;
  }
  // _ word (_ word)* and, unless the last word ends the match, _
  bool word_operator(std::initializer_list<std::string_view> words, bool space_after = true) {
    size_t start = at_;
    for (std::string_view word : words)
      if (!spaces() || !literal(word)) return back_to(start);
    return !space_after || spaces() || back_to(start);
  }
  bool binary_operator(Operator& op) {
    auto is = [&](bool matched, Operator which) {
      if (matched) op = which;
      return matched;
    };
    return is(symbol_operator("=="), Operator::kEqual) || is(symbol_operator("!="), Operator::kNotEqual) ||
           is(word_operator({"contains"}), Operator::kIn) ||
           is(word_operator({"not", "contains"}), Operator::kNotIn) ||
           is(word_operator({"matches"}), Operator::kMatches) ||
           is(word_operator({"not", "matches"}), Operator::kNotMatches);
  }
  bool unary_operator(Operator& op) {
    op = Operator::kIsEmpty;
    if (word_operator({"is", "empty"}, false)) return true;
    op = Operator::kIsNotEmpty;
    return word_operator({"is", "not", "empty"}, false);
  }
  bool member_operator(Operator& op) {
    op = Operator::kIn;
    if (word_operator({"in"})) return true;
    op = Operator::kNotIn;
    return word_operator({"not", "in"});
  }

  Tree match() {
    size_t start = at_;
    auto tree = std::make_unique<Syntax>();
    if (selector(tree->selector)) {
      size_t after = at_;
      if (binary_operator(tree->op) && value(tree->value)) return tree;
      at_ = after;
      if (unary_operator(tree->op)) return tree;
    }
    at_ = start;
    if (value(tree->value) && member_operator(tree->op)) {
      if (selector(tree->selector)) return tree;
      error_at(at_, "match", "Invalid selector");
    }
    at_ = start;
    return nullptr;
  }

  bool identifier(std::string& out) {
    size_t start = at_;
    if (!one_of(is_letter, "[a-zA-Z]")) return false;
    while (one_of(is_word, "[a-zA-Z0-9_]")) {
    }
    out = text_.substr(start, at_ - start);
    return true;
  }
  bool selector(std::vector<std::string>& path) {
    path.clear();
    std::string part;
    if (!identifier(part)) return false;
    path.push_back(part);
    while (true) {
      size_t start = at_;
      if (!(literal(".") && identifier(part))) {
        at_ = start;
        if (!index(part)) return true;
      }
      path.push_back(part);
    }
  }
  bool index(std::string& out) {
    size_t start = at_;
    if (!literal("[")) return false;
    spaces();
    size_t inside = at_;
    if (string(out)) {
      spaces();
      if (literal("]")) return true;
      error_at(at_, "index", "Unclosed index expression");
    } else {
      error_at(inside, "index", "Invalid index");
    }
    return back_to(start);
  }

  bool value(std::string& out) {
    std::vector<std::string> path;
    if (selector(path)) {
      out = join(path, ".");
      return true;
    }
    return number(out) || string(out);
  }
  bool after_number() {
    size_t start = at_;
    bool ends = spaces() || end_of_text() || literal(")");
    at_ = start;
    return ends;
  }
  bool digits() {
    if (!one_of(is_digit, "[0-9]")) return false;
    while (one_of(is_digit, "[0-9]")) {
    }
    return true;
  }
  bool number(std::string& out) {
    size_t start = at_;
    literal("-");
    if (!literal("0")) {
      if (!one_of(is_nonzero, "[1-9]")) return back_to(start);
      while (one_of(is_digit, "[0-9]")) {
      }
    }
    size_t whole = at_;
    if (!(literal(".") && digits())) at_ = whole;
    if (after_number()) {
      out = text_.substr(start, at_ - start);
      return true;
    }
    error_at(at_, "number", "Invalid number literal");
    return back_to(start);
  }
  bool quoted(std::string_view quote) {
    if (!literal(quote)) return false;
    while (not_followed_by([&] { return literal(quote); }) && any_character()) {
    }
    return true;
  }
  bool string(std::string& out) {
    size_t start = at_;
    for (std::string_view quote : {"`", "\""}) {
      if (!quoted(quote)) continue;
      if (!literal(quote)) {
        error_at(at_, "string", "Unterminated string literal");
        return back_to(start);
      }
      out.clear();
      if (!unquote(text_.substr(start, at_ - start), out)) error_at(start, "string", "invalid syntax");
      return true;
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;
  bool too_deep_ = false;
  bool inverted_ = false;
  size_t farthest_ = 0;
  std::set<std::string> wants_;
  std::vector<std::string> errors_;
};

}  // namespace

Result<std::unique_ptr<Syntax>> parse_filter(std::string_view text) { return Parser(text).run(); }

}  // namespace praetor::codec::filter_detail
