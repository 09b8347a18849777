#include "cli/service_files.h"

#include "agent/config_load.h"
#include "cli/ui.h"
#include "codec/json.h"

namespace praetor::cli {

Result<std::vector<ServiceFile>> load_service_files(const std::vector<std::string>& paths, Ui& ui) {
  agent::LoadOptions options;
  options.dev_mode = true;  // no data directory needed
  options.config_files = paths;
  TRY_ASSIGN(agent::LoadedConfig loaded, agent::load_config(options));
  for (const std::string& warning : loaded.warnings) {
    if (warning.starts_with("skipping file")) ui.error(warning);
  }
  std::vector<ServiceFile> services;
  for (const agent::ServiceDefinition& definition : loaded.config.services) {
    services.push_back({definition.name, definition.id, codec::to_json(definition)});
  }
  return services;
}

}  // namespace praetor::cli
