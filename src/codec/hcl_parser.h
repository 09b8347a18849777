// The syntax tree of HCL. Internal to codec/hcl.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/hcl_scanner.h"

namespace praetor::codec::hcl {

struct Item;

struct Node {
  enum class Kind : uint8_t { kLiteral, kList, kObject };
  Kind kind = Kind::kLiteral;
  Lexeme lexeme;               // the literal, or the opening bracket or brace
  std::vector<Node> elements;  // list
  std::vector<Item> items;     // object
};

// `key "label" … = value` or `key "label" … { … }`; at least one key.
struct Item {
  std::vector<Lexeme> keys;
  Node value;
};

// The items of a document; texts lie in `source`, which must outlive them. Error: `At 1:5: …`.
Result<std::vector<Item>> parse(std::string_view source);

}  // namespace praetor::codec::hcl
