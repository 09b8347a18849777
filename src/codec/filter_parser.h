// The grammar of filter expressions. Internal to codec/filter.cc.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace praetor::codec::filter_detail {

enum class Operator : uint8_t {
  kEqual,
  kNotEqual,
  kIn,
  kNotIn,
  kIsEmpty,
  kIsNotEmpty,
  kMatches,
  kNotMatches,
};

// What stands in the text, before any selector is looked up.
struct Syntax {
  enum class Kind : uint8_t { kAnd, kOr, kNot, kMatch };
  Kind kind = Kind::kMatch;
  std::vector<std::unique_ptr<Syntax>> children;  // and, or: two or more; not: one
  std::vector<std::string> selector;
  Operator op = Operator::kEqual;
  std::string value;  // unquoted
};

// Errors have the parser's text: `1:6 (5): no match found, expected: …`.
Result<std::unique_ptr<Syntax>> parse_filter(std::string_view text);

}  // namespace praetor::codec::filter_detail
