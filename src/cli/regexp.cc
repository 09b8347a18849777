#include "cli/regexp.h"

#include <re2/re2.h>

namespace praetor::cli {

namespace {

// RE2's texts where Go's differ.
constexpr std::pair<std::string_view, std::string_view> kWordings[] = {
    {"missing )", "missing closing )"},
    {"missing ]", "missing closing ]"},
    {"no argument for repetition operator", "missing argument to repetition operator"},
    {"bad repetition operator", "invalid nested repetition operator"},
    {"invalid named capture group", "invalid named capture"},
    {"invalid repetition size", "invalid repeat count"},
    {"invalid perl operator", "invalid or unsupported Perl syntax"},
    {"trailing \\", "trailing backslash at end of expression"},
};

}  // namespace

Result<std::shared_ptr<re2::RE2>> compile_regexp(const std::string& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_shared<RE2>(pattern, options);
  if (compiled->ok()) return compiled;
  // RE2 says "missing ): (", "no argument for repetition operator: *", "invalid escape sequence: \q" …
  std::string reason = compiled->error();
  reason.erase(std::min(reason.find(": "), reason.size()));
  for (const auto& [ours, gos] : kWordings) {
    if (reason == ours) reason = gos;
  }
  std::string argument = reason == "missing closing )" ? pattern : compiled->error_arg();
  return fail("error parsing regexp: " + reason + ": `" + argument + "`", ErrorKind::kBadRequest);
}

}  // namespace praetor::cli
