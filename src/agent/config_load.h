// Loads the agent's configuration from defaults, flags, files and fragments: for `agent`, `validate` and
// reload. Reads files; call it from a thread that may wait. No state is kept: load again to reload.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config_file.h"
#include "agent/runtime_config.h"
#include "base/result.h"

namespace praetor::agent {

enum class AgentFlagKind : uint8_t { kBool, kInt, kString, kDuration, kList, kMap };

// One flag of the `agent` command. Flags with an empty key steer loading itself (config-dir, config-file,
// config-format, dev, hcl).
struct AgentFlag {
  std::string_view name;
  AgentFlagKind kind;
  std::string_view key;  // dotted key of the configuration
  std::string_view help;
};
// Sorted by name.
const std::vector<AgentFlag>& agent_flags();

// "json", "hcl", or empty: by each file's extension.
bool is_config_format(std::string_view format);

struct LoadOptions {
  bool dev_mode = false;
  std::vector<std::string> config_files;  // files and directories, in the order given
  std::string config_format;              // "", "json" or "hcl"
  std::vector<std::string> hcl;           // fragments
  ConfigFile list_flags;                  // what set_flag collected: lists stand below files, scalars above
  ConfigFile scalar_flags;

  // One occurrence of a flag. The text has been split from the name; a bool without value is "true". Errors
  // are the flag package's cause (`strconv.ParseBool: parsing "x": invalid syntax`).
  Status set_flag(std::string_view name, std::string_view text);
};

struct LoadedConfig {
  RuntimeConfig config;
  std::vector<std::string> warnings;        // for the user, one line each
  std::vector<std::string> without_effect;  // keys given that this version does not act upon (config_keys.h)
};

// The error is what Consul prints after `==> ` or `Config validation failed: `.
Result<LoadedConfig> load_config(const LoadOptions& options);

// The definitions of one file or directory, for `services register` and `services deregister`.
Result<std::vector<ServiceDefinition>> load_services(const std::vector<std::string>& files);

}  // namespace praetor::agent
