// What becomes of each configuration key that Consul 1.8.7 knows: no key is silently ignored.
// docs/configuration.md shows the same table; a test holds both, and the keys themselves (config_file.h),
// together. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config_file.h"

namespace praetor::agent {

enum class KeyTreatment : uint8_t {
  kWorks,
  kRefused,      // the agent does not start: it would look as if it were protected
  kLater,        // read and checked; a warning at the start names it
  kNothingToDo,  // there is nothing here that it could change
  kInternal,     // timings that Consul's own tests set; a file's value is overridden
  kEnterprise,   // a warning in Consul's words
};

struct KeyRow {
  std::string_view pattern;  // a dotted key; one that ends in `*` stands for all that begin so
  KeyTreatment treatment;
};
// The most specific row counts for a key.
std::span<const KeyRow> key_rows();
KeyTreatment treatment_of(std::string_view key);
std::string_view treatment_name(KeyTreatment treatment);  // as the documentation heads its table

// Every dotted key of configuration files. Definitions (services, checks, watches) are one key each.
std::vector<std::string> all_config_keys();

// Keys that `file` sets, other than to false, zero or nothing, and that have no effect yet.
std::vector<std::string> keys_without_effect(const ConfigFile& file);

}  // namespace praetor::agent
