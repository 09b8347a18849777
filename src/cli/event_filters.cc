#include "cli/event_filters.h"

#include "cli/regexp.h"

namespace praetor::cli {

Status check_event_filters(const std::string& node, const std::string& service, const std::string& tag) {
  auto check = [](const char* name, const std::string& pattern) -> Status {
    if (pattern.empty()) return {};
    if (auto compiled = compile_regexp(pattern); !compiled) {
      return fail(std::string("Failed to compile ") + name + " filter regexp: " + compiled.error().message);
    }
    return {};
  };
  TRY(check("node", node));
  TRY(check("service", service));
  if (!tag.empty() && service.empty()) return fail("Cannot provide tag filter without service filter.");
  return check("tag", tag);
}

}  // namespace praetor::cli
