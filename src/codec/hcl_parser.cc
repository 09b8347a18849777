#include "codec/hcl_parser.h"

#include <optional>

#include "codec/hcl.h"

namespace praetor::codec::hcl {
namespace {

std::unexpected<Error> error_at(const Lexeme& at, std::string_view text) {
  return fail("At " + position_text(at.line, at.column) + ": " + std::string(text), ErrorKind::kBadRequest);
}

// Follows HashiCorp's parser step by step, its oddities included, because they show in which texts it
// accepts: a document may end after `key =`.
class Parser {
 public:
  explicit Parser(std::string_view source) : scanner_(source) {}

  Result<std::vector<Item>> run() {
    std::vector<Item> items;
    Status status = object_list(false, items);
    if (!scanner_.error().empty()) return fail(scanner_.error(), ErrorKind::kBadRequest);
    if (!status) return std::unexpected(status.error());
    return items;
  }

 private:
  // What stands where a value or key is looked for; `end` is the end of the text.
  template <typename T>
  struct Found {
    T value;
    bool end = false;
  };

  const Lexeme& scan() {
    if (buffered_) {
      buffered_ = false;
      return current_;
    }
    do {
      current_ = scanner_.scan();
    } while (current_.token == Token::kComment);
    return current_;
  }
  void unscan() { buffered_ = true; }

  Status object_list(bool in_object, std::vector<Item>& items) {
    while (true) {
      if (in_object) {
        Token token = scan().token;
        unscan();
        if (token == Token::kRightBrace) return {};
      }
      TRY_ASSIGN(Found<Item> item, object_item());
      if (item.end) return {};
      items.push_back(std::move(item.value));
      if (scan().token != Token::kComma) unscan();
    }
  }

  Result<Found<Item>> object_item() {
    Found<Item> item;
    auto keys = object_keys(item.value.keys);
    bool none = item.value.keys.empty();
    if (!keys && (none || current_.token != Token::kRightBrace)) return std::unexpected(keys.error());
    if (keys && *keys && none) {
      item.end = true;
      return item;
    }
    // An object that ends after a name is not finished: the brace must not count as its end.
    if (!keys) current_.token = Token::kEof;
    if (current_.token != Token::kAssign && current_.token != Token::kLeftBrace) {
      std::string names;
      for (const Lexeme& key : item.value.keys) names += (names.empty() ? "" : " ") + std::string(key.text);
      return error_at(current_, "key '" + names + "' expected start of object ('{') or assignment ('=')");
    }
    if (current_.token == Token::kAssign) {
      TRY_ASSIGN(Found<Node> value, assigned());
      item.value.value = std::move(value.value);
      item.end = value.end;
      if (item.end) return item;
    } else {
      TRY_ASSIGN(item.value.value, object());
    }
    scan();
    unscan();
    return item;
  }

  // Reads names up to '=' or '{', which becomes current_. True: the text ended.
  Result<bool> object_keys(std::vector<Lexeme>& keys) {
    while (true) {
      const Lexeme& lexeme = scan();
      switch (lexeme.token) {
        case Token::kEof:
          return true;
        case Token::kAssign:
          if (keys.size() > 1) {
            keys.clear();
            return error_at(lexeme, "nested object expected: LBRACE got: ASSIGN");
          }
          if (keys.empty()) return error_at(lexeme, "no object keys found!");
          return false;
        case Token::kLeftBrace:
          if (keys.empty()) return error_at(lexeme, "expected: IDENT | STRING got: LBRACE");
          return false;
        case Token::kIdent:
        case Token::kString:
          keys.push_back(lexeme);
          break;
        case Token::kIllegal:
          return error_at(lexeme, "illegal character");
        default:
          return error_at(lexeme, std::string("expected: IDENT | STRING | ASSIGN | LBRACE got: ") +
                                      token_name(lexeme.token));
      }
    }
  }

  static bool is_literal(Token token) {
    return token == Token::kNumber || token == Token::kFloat || token == Token::kBool ||
           token == Token::kString || token == Token::kHeredoc;
  }

  Result<Found<Node>> assigned() {
    Found<Node> found;
    Lexeme lexeme = scan();
    if (is_literal(lexeme.token)) {
      found.value.lexeme = lexeme;
    } else if (lexeme.token == Token::kLeftBrace) {
      TRY_ASSIGN(found.value, object());
    } else if (lexeme.token == Token::kLeftBracket) {
      TRY_ASSIGN(found.value, list());
    } else if (lexeme.token == Token::kEof) {
      found.end = true;
    } else {
      return error_at(lexeme, "Unknown token: " + position_text(lexeme.line, lexeme.column) + " " +
                                  token_name(lexeme.token) + " " + std::string(lexeme.text));
    }
    return found;
  }

  Status enter(const Lexeme& at) {
    if (depth_ >= kMaxHclDepth) return error_at(at, "nested too deeply");
    ++depth_;
    return {};
  }

  // After '{'.
  Result<Node> object() {
    Node node;
    node.kind = Node::Kind::kObject;
    node.lexeme = current_;
    TRY(enter(current_));
    Status status = object_list(true, node.items);
    --depth_;
    if (!status && current_.token != Token::kRightBrace) return std::unexpected(status.error());
    if (const Lexeme& end = scan(); end.token != Token::kRightBrace)
      return error_at(end, std::string("object expected closing RBRACE got: ") + token_name(end.token));
    return node;
  }

  // After '['.
  Result<Node> list() {
    Node node;
    node.kind = Node::Kind::kList;
    node.lexeme = current_;
    TRY(enter(current_));
    bool need_comma = false;
    while (true) {
      Lexeme lexeme = scan();
      Token token = lexeme.token;
      if (need_comma && token != Token::kComma && token != Token::kRightBracket)
        return error_at(
            lexeme, std::string("error parsing list, expected comma or list end, got: ") + token_name(token));
      if (token == Token::kRightBracket) break;
      if (token == Token::kComma) {
        need_comma = false;
        continue;
      }
      if (is_literal(token)) {
        node.elements.emplace_back().lexeme = lexeme;
        need_comma = true;
      } else if (token == Token::kLeftBrace || token == Token::kLeftBracket) {
        bool is_object = token == Token::kLeftBrace;
        auto element = is_object ? object() : list();
        if (!element)
          return error_at(lexeme, std::string("error while trying to parse ") +
                                      (is_object ? "object" : "list") +
                                      " within list: " + element.error().message);
        node.elements.push_back(std::move(*element));
        need_comma = is_object;  // lists may follow each other without one
      } else {
        return error_at(lexeme, std::string("unexpected token while parsing list: ") + token_name(token));
      }
    }
    --depth_;
    return node;
  }

  Scanner scanner_;
  Lexeme current_;
  bool buffered_ = false;
  size_t depth_ = 0;
};

}  // namespace

Result<std::vector<Item>> parse(std::string_view source) { return Parser(source).run(); }

}  // namespace praetor::codec::hcl
