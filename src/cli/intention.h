// Intentions: who may connect to whom. What the commands share.
#pragma once

#include <optional>
#include <string>

#include "cli/api.h"
#include "codec/type.h"

namespace praetor::cli {

struct Intention {
  std::string id, description, source_ns, source_name, destination_ns, destination_name, source_type, action;
  codec::Map<std::string> meta;
  int64_t precedence = 0;
  Time created_at, updated_at;
  uint64_t create_index = 0, modify_index = 0;

  std::string source() const { return shown(source_ns, source_name); }
  std::string destination() const { return shown(destination_ns, destination_name); }
  // `a => b (allow)`
  std::string text() const { return source() + " => " + destination() + " (" + action + ")"; }

 private:
  static std::string shown(const std::string& ns, const std::string& name) {
    return ns.empty() || ns == "default" ? name : ns + "/" + name;
  }
};
PRAETOR_DESCRIBED(Intention)

// `name` or `namespace/name`: the namespace, empty when not given, and the name.
Result<std::pair<std::string, std::string>> parse_service_target(const std::string& text);
// The intention from one name to the other.
Result<std::optional<Intention>> find_intention(Api& api, const std::string& source,
                                                const std::string& destination);
Status create_intention(Api& api, const Intention& intention);

}  // namespace praetor::cli
