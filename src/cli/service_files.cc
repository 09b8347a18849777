#include "cli/service_files.h"

#include "agent/config_load.h"
#include "codec/json.h"

namespace praetor::cli {

Result<std::vector<ServiceFile>> load_service_files(const std::vector<std::string>& paths) {
  TRY_ASSIGN(auto definitions, agent::load_services(paths));
  std::vector<ServiceFile> services;
  for (const agent::ServiceDefinition& definition : definitions) {
    services.push_back({definition.name, definition.id, codec::to_json(definition)});
  }
  return services;
}

}  // namespace praetor::cli
