// Help texts in Consul's layout: the usage text, then the flags by section, wrapped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace praetor::cli {

class FlagSet;

// `usage` names the program `praetor`; the result names it `program`. No line break at the end.
std::string render_help(std::string_view usage, const FlagSet* flags, std::string_view program);

// Breaks text into lines of at most `width` columns (longer words stay whole) so that the sum of the squared
// white space at the line ends is least.
std::vector<std::string> wrap_text(std::string_view text, size_t width);

}  // namespace praetor::cli
