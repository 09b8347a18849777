// Users' regular expressions, with the error texts of Go's regexp package.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace praetor::cli {

// Error: "error parsing regexp: missing closing ): `(`".
Result<std::shared_ptr<re2::RE2>> compile_regexp(const std::string& pattern);

}  // namespace praetor::cli
