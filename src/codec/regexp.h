// Regular expressions from users: Go's syntax in linear time (RE2), with the error texts of Go's regexp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace praetor::codec {

// Immutable and cheap to copy; any thread may match.
class Regexp {
 public:
  // "error parsing regexp: missing closing ]: `[a`"
  static Result<Regexp> compile(std::string_view expression);
  // Unanchored, as Go's MatchString.
  bool matches(std::string_view text) const;
  // The first match and its groups (empty ones that take no part), as Go's FindStringSubmatch; empty without
  // one.
  std::vector<std::string> submatches(std::string_view text) const;

 private:
  explicit Regexp(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace praetor::codec
