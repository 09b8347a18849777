// Filter expressions (`?filter=…`, http-api.md 1.6): compiled once against the description of the filtered
// record, then evaluated on any number of records. Grammar, validity rules and error texts are go-bexpr's.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "codec/type.h"

namespace praetor::codec {

// Longer expressions are refused; so is nesting of parentheses and `not` beyond the depth.
inline constexpr size_t kMaxFilterLength = 64 * 1024;
inline constexpr size_t kMaxFilterDepth = 200;

namespace filter_detail {
struct Node;
}

// Immutable once compiled and cheap to copy; any thread may evaluate.
class Filter {
 public:
  // Matches everything, as does a filter compiled from "".
  Filter() = default;

  // `type` is of one record (not of the list). Errors carry Consul's whole text, `Failed to create boolean
  // expression evaluator: …`, and are kInternal (HTTP 500, as Consul answers).
  static Result<Filter> compile(std::string_view expression, const Type& type);

  bool matches_all() const { return root_ == nullptr; }
  // `object` is of the type that the filter was compiled against.
  bool matches(const void* object) const;

 private:
  std::shared_ptr<const filter_detail::Node> root_;
};

template <typename T>
Result<Filter> compile_filter(std::string_view expression) {
  return Filter::compile(expression, type_of<T>());
}

}  // namespace praetor::codec
