#include "cli/service_files.h"

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "cli/ui.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

using codec::Value;
using codec::ValueList;
using codec::ValueMap;

const Value* find_key(const ValueMap& map, std::string_view name) {
  for (const auto& [key, value] : map) {
    if (equals_ignore_case(key, name)) return &value;
  }
  return nullptr;
}

std::string text_of(const ValueMap& map, std::string_view name) {
  const Value* value = find_key(map, name);
  return value == nullptr || value->string() == nullptr ? "" : *value->string();
}

void add_services(const Value* value, std::vector<ServiceFile>& services) {
  if (value == nullptr) return;
  if (const ValueList* list = value->list()) {
    for (const Value& item : *list) add_services(&item, services);
  }
  if (const ValueMap* map = value->map()) {
    services.push_back({text_of(*map, "name"), text_of(*map, "id"), codec::to_json(*value)});
  }
}

// The files that a path stands for: itself, or the .json and .hcl files of a directory, sorted.
Result<std::vector<std::string>> expand_path(const std::string& path) {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) {
    return fail("config: Open failed on " + path + ". " + io_error("open " + path, ENOENT).message);
  }
  if (!std::filesystem::is_directory(path, code)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path, code)) {
    std::string extension = entry.path().extension();
    if (entry.is_regular_file(code) && (extension == ".json" || extension == ".hcl")) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

Result<std::vector<ServiceFile>> load_service_files(const std::vector<std::string>& paths) {
  std::vector<ServiceFile> services;
  for (const std::string& path : paths) {
    TRY_ASSIGN(std::vector<std::string> files, expand_path(path));
    for (const std::string& file : files) {
      auto text = read_file(file);
      if (!text) return fail("config: ReadFile failed on " + file + ": " + text.error().message);
      auto document = codec::parse_json_value(*text);
      if (!document) return fail("failed to parse " + file + ": " + document.error().message);
      if (document->map() == nullptr) continue;
      add_services(find_key(*document->map(), "service"), services);
      add_services(find_key(*document->map(), "services"), services);
    }
  }
  return services;
}

}  // namespace praetor::cli
