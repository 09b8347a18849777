// Service definitions of configuration files, as `services register` sends them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace praetor::cli {

class Ui;

struct ServiceFile {
  std::string name;
  std::string id;        // may be empty
  std::string document;  // the body of /v1/agent/service/register
};

// Reads files and directories in the order given, as the agent reads its configuration; skipped files are
// told on `ui`.
// Errors: `config: Open failed on x. open x: …`, `failed to parse x: …`.
Result<std::vector<ServiceFile>> load_service_files(const std::vector<std::string>& paths, Ui& ui);

}  // namespace praetor::cli
