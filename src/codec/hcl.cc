// From the syntax tree to a Value.
#include "codec/hcl.h"

#include <algorithm>

#include "base/text.h"
#include "codec/go_literal.h"
#include "codec/hcl_parser.h"
#include "codec/json.h"

namespace praetor::codec {
namespace {

using hcl::Item;
using hcl::Lexeme;
using hcl::Node;
using hcl::Token;

std::unexpected<Error> bad(std::string text) { return fail(std::move(text), ErrorKind::kBadRequest); }
std::unexpected<Error> bad_at(const Lexeme& at, const std::string& text) {
  return bad("At " + hcl::position_text(at.line, at.column) + ": " + text);
}

const char* go_node_name(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kLiteral:
      return "*ast.LiteralType";
    case Node::Kind::kList:
      return "*ast.ListType";
    case Node::Kind::kObject:
      return "*ast.ObjectType";
  }
  return "";
}

Result<std::string> literal_text(const Lexeme& lexeme) {
  auto text = hcl::text_of(lexeme);
  if (!text) return bad_at(lexeme, "invalid string");
  return std::move(*text);
}

// A run of keys of one item, from `first`: what stays after the labels that were used.
struct View {
  const Item* item;
  size_t first;
};

Result<ValueMap> to_map(const std::string& name, const std::vector<View>& items);

std::vector<View> views_of(const std::vector<Item>& items) {
  std::vector<View> views;
  for (const Item& item : items) views.push_back(View{&item, 0});
  return views;
}

Result<Value> to_literal(const Lexeme& lexeme) {
  switch (lexeme.token) {
    case Token::kBool:
      return Value(lexeme.text == "true");
    case Token::kNumber: {
      TRY_ASSIGN(int64_t number, parse_int_literal(lexeme.text));
      return Value(number);
    }
    case Token::kFloat: {
      TRY_ASSIGN(double number, parse_float_literal(lexeme.text));
      return Value(number);
    }
    default: {
      TRY_ASSIGN(std::string text, literal_text(lexeme));
      return Value(std::move(text));
    }
  }
}

Status append(const std::string& name, const Node& node, ValueList& list);

// An element of a list, where an object is a map.
Result<Value> to_element(const std::string& name, const Node& node) {
  if (node.kind == Node::Kind::kLiteral) return to_literal(node.lexeme);
  if (node.kind == Node::Kind::kObject) {
    TRY_ASSIGN(ValueMap map, to_map(name, views_of(node.items)));
    return Value(std::move(map));
  }
  ValueList list;
  list.make_empty();
  TRY(append(name, node, list));
  return Value(std::move(list));
}

std::string element_name(const std::string& name, size_t index) {
  return name + "[" + std::to_string(index) + "]";
}

Status append(const std::string& name, const Node& node, ValueList& list) {
  if (node.kind == Node::Kind::kLiteral) return bad_at(node.lexeme, "unknown slice type: *ast.LiteralType");
  if (node.kind == Node::Kind::kObject) {
    TRY_ASSIGN(Value map, to_element(element_name(name, 0), node));
    list.push_back(std::move(map));
    return {};
  }
  for (size_t i = 0; i < node.elements.size(); ++i) {
    TRY_ASSIGN(Value element, to_element(element_name(name, i), node.elements[i]));
    list.push_back(std::move(element));
  }
  return {};
}

// A scalar that was given before keeps its type, and the new text must fit it.
Status overwrite(const std::string& name, const Node& node, Value& old) {
  Token token = node.kind == Node::Kind::kLiteral ? node.lexeme.token : Token::kIllegal;
  bool is_text = token == Token::kString || token == Token::kHeredoc;
  auto unknown = [&](const char* what) {
    return bad_at(node.lexeme, name + ": unknown type" + what + " " + go_node_name(node));
  };
  if (old.string() != nullptr) {
    if (!is_text && token != Token::kNumber) return unknown(" for string");
    TRY_ASSIGN(std::string text, literal_text(node.lexeme));
    old = Value(std::move(text));
  } else if (std::holds_alternative<int64_t>(old.data)) {
    if (!is_text && token != Token::kNumber) return unknown("");
    TRY_ASSIGN(std::string text, literal_text(node.lexeme));
    TRY_ASSIGN(int64_t number, parse_int_literal(text));
    old = Value(number);
  } else if (std::holds_alternative<double>(old.data)) {
    if (token != Token::kFloat && token != Token::kNumber) return unknown("");
    TRY_ASSIGN(double number, parse_float_literal(node.lexeme.text));
    old = Value(number);
  } else {
    if (token != Token::kBool) return unknown("");
    old = Value(node.lexeme.text == "true");
  }
  return {};
}

// Members of a map: an object is a list of one map, and lists grow when the name comes again. `of_blocks`: a
// list that began with a block, which takes only maps.
Status add_member(const std::string& name, const Node& node, bool of_blocks, Value& slot) {
  if (of_blocks && node.kind == Node::Kind::kList) {
    for (size_t i = 0; i < node.elements.size(); ++i)
      if (const Node& element = node.elements[i]; element.kind != Node::Kind::kObject)
        return bad_at(element.lexeme,
                      element_name(name, i) + ": not an object type for map (" + go_node_name(element) + ")");
  }
  if (ValueList* list = slot.list()) return append(name, node, *list);
  if (!slot.is_null()) return overwrite(name, node, slot);
  if (node.kind == Node::Kind::kLiteral) {
    TRY_ASSIGN(slot, to_literal(node.lexeme));
    return {};
  }
  ValueList list;
  list.make_empty();
  TRY(append(name, node, list));
  slot = Value(std::move(list));
  return {};
}

// `name "label" …`: every item of that name, one map each.
Status add_labelled(const std::string& name, const std::vector<View>& items, Value& slot) {
  if (slot.is_null()) {
    ValueList list;
    list.make_empty();
    slot = Value(std::move(list));
  }
  ValueList* list = slot.list();
  if (list == nullptr) return bad(name + ": unknown type *ast.ObjectList");
  for (size_t i = 0; i < items.size(); ++i) {
    TRY_ASSIGN(ValueMap map, to_map(element_name(name, i), {items[i]}));
    list->push_back(Value(std::move(map)));
  }
  return {};
}

Result<ValueMap> to_map(const std::string& name, const std::vector<View>& items) {
  ValueMap map;
  map.make_empty();
  std::vector<std::string> blocks;  // names that came as a block
  std::vector<std::string> done;    // names whose labelled items have all been taken
  for (const View& view : items) {
    const std::vector<Lexeme>& keys = view.item->keys;
    if (view.first >= keys.size()) return bad("At -: " + name + ": map must have string keys");
    TRY_ASSIGN(std::string key, literal_text(keys[view.first]));
    if (std::find(done.begin(), done.end(), key) != done.end()) continue;
    std::string member = name + "." + key;
    if (keys.size() - view.first == 1) {
      const Node& value = view.item->value;
      bool of_blocks =
          value.kind == Node::Kind::kList && std::find(blocks.begin(), blocks.end(), key) != blocks.end();
      if (value.kind == Node::Kind::kObject && !map.contains(key)) blocks.push_back(key);
      TRY(add_member(member, value, of_blocks, map[key]));
      continue;
    }
    std::vector<View> same;
    for (const View& other : items) {
      if (other.first >= other.item->keys.size()) continue;
      TRY_ASSIGN(std::string other_key, literal_text(other.item->keys[other.first]));
      if (other_key == key) same.push_back(View{other.item, other.first + 1});
    }
    done.push_back(key);
    blocks.push_back(key);
    TRY(add_labelled(member, same, map[key]));
  }
  return map;
}

// JSON becomes what the same document would be in HCL.
Value from_json_member(Value value);

Value from_json_element(Value value) {
  if (ValueMap* map = value.map()) {
    for (auto& [key, member] : *map) member = from_json_member(std::move(member));
  } else if (ValueList* list = value.list()) {
    for (Value& element : *list) element = from_json_element(std::move(element));
  } else if (auto* number = std::get_if<double>(&value.data)) {
    if (*number == static_cast<double>(static_cast<int64_t>(std::clamp(*number, -9e15, 9e15))))
      return Value(static_cast<int64_t>(*number));
  }
  return value;
}

Value from_json_member(Value value) {
  bool is_map = value.map() != nullptr;
  value = from_json_element(std::move(value));
  if (!is_map) return value;
  ValueList list;
  list.push_back(std::move(value));
  return Value(std::move(list));
}

}  // namespace

Result<ValueMap> parse_hcl(std::string_view text) {
  if (text.size() > kMaxHclSize) return fail("HCL document too large", ErrorKind::kTooLarge);
  if (trim(text).starts_with('{')) {
    TRY_ASSIGN(Value value, parse_json_value(text, {.whole_document = true, .max_depth = kMaxHclDepth}));
    value = from_json_element(std::move(value));
    return std::move(*value.map());
  }
  // The scanner counts line feeds only.
  std::string source;
  source.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') source.push_back(text[i]);
  TRY_ASSIGN(std::vector<Item> items, hcl::parse(source));
  return to_map("root", views_of(items));
}

}  // namespace praetor::codec
