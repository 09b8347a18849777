#include "agent/config_load.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/config_builder.h"
#include "agent/config_defaults.h"
#include "agent/config_keys.h"
#include "agent/config_value.h"
#include "base/text.h"
#include "codec/json.h"
#if __has_include("codec/hcl.h")
#include "codec/hcl.h"
#endif

namespace praetor::agent {
namespace {

namespace fs = std::filesystem;

struct Source {
  std::string name;
  std::string format;  // "json" or "hcl"
  std::string data;
};

struct Parsed {
  ConfigFile file;
  std::vector<std::string> duration_errors;
};

Result<Value> parse_document(const Source& source) {
  if (source.format == "json") {
    TRY_ASSIGN(Value value, codec::parse_json_value(source.data));
    const char* given = value.list() != nullptr      ? "array"
                        : value.string() != nullptr  ? "string"
                        : value.boolean() != nullptr ? "bool"
                                                     : "number";
    if (value.map() == nullptr && !value.is_null())
      return fail(
          fmt::format("json: cannot unmarshal {} into Go value of type map[string]interface {{}}", given));
    return value;
  }
#if __has_include("codec/hcl.h")
  TRY_ASSIGN(codec::ValueMap document, codec::parse_hcl(source.data));
  return Value(std::move(document));
#else
  return fail("HCL is not supported by this build");
#endif
}

std::string decode_error_text(const std::vector<std::string>& errors) {
  std::string text = fmt::format("{} error(s) decoding:\n\n", errors.size());
  for (size_t i = 0; i < errors.size(); ++i) text += (i > 0 ? "\n* " : "* ") + errors[i];
  return text;
}

// Keys that only Consul Enterprise understands are blanked, and the user told so.
void drop_enterprise_keys(ConfigFile& file, std::vector<std::string>& warnings) {
  auto drop = [&](bool given, const char* key, auto&& reset) {
    if (!given) return;
    warnings.push_back(
        fmt::format("\"{}\" is a Consul Enterprise configuration and will have no effect", key));
    reset();
  };
  auto& providers = file.acl.tokens.managed_service_provider;
  drop(!providers.empty(), "acl.tokens.managed_service_provider", [&] { providers.clear(); });
  drop(file.acl.msp_disable_bootstrap.has_value(), "acl.msp_disable_bootstrap",
       [&] { file.acl.msp_disable_bootstrap.reset(); });
  drop(file.autopilot.disable_upgrade_migration.has_value(), "autopilot.disable_upgrade_migration",
       [&] { file.autopilot.disable_upgrade_migration.reset(); });
  drop(file.autopilot.redundancy_zone_tag.has_value(), "autopilot.redundancy_zone_tag",
       [&] { file.autopilot.redundancy_zone_tag.reset(); });
  drop(file.autopilot.upgrade_version_tag.has_value(), "autopilot.upgrade_version_tag",
       [&] { file.autopilot.upgrade_version_tag.reset(); });
  drop(file.dns_config.prefer_namespace.has_value(), "dns_config.prefer_namespace",
       [&] { file.dns_config.prefer_namespace.reset(); });
  drop(static_cast<bool>(file.audit), "audit", [&] { file.audit.reset(); });
  drop(file.non_voting_server.has_value(), "non_voting_server", [&] { file.non_voting_server.reset(); });
}

Result<Parsed> parse_source(const Source& source, std::vector<std::string>& warnings) {
  auto refuse = [&](const std::string& text) {
    return fail(fmt::format("failed to parse {}: {}", source.name, text), ErrorKind::kBadRequest);
  };
  auto document = parse_document(source);
  if (!document) return refuse(document.error().message);
  Parsed parsed;
  DecodeErrors errors;
  decode_config(*document, codec::type_of<ConfigFile>(), &parsed.file, errors);
  if (!errors.types.empty()) return refuse(decode_error_text(errors.types));
  if (!errors.unknown_keys.empty()) {
    for (std::string& key : errors.unknown_keys) key.insert(0, "invalid config key ");
    return refuse(format_multierror(errors.unknown_keys));
  }
  ConfigFile& file = parsed.file;
  if (file.acl_enforce_version_8)
    warnings.push_back("config key \"acl_enforce_version_8\" is deprecated and should be removed");
  drop_enterprise_keys(file, warnings);
  if (file.service) file.services.push_back(*file.service);
  file.service.reset();
  if (file.check) file.checks.push_back(*file.check);
  file.check.reset();
  parsed.duration_errors = std::move(errors.durations);
  return parsed;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    int error = errno;
    return fail(
        fmt::format("config: ReadFile failed on {}: {}", path, io_error("open " + path, error).message));
  }
  std::ostringstream data;
  data << in.rdbuf();
  return std::move(data).str();
}

// The format of a file, or nothing when it is none of ours.
std::string format_of(const std::string& path, const std::string& forced) {
  if (!forced.empty()) return forced;
  if (path.ends_with(".json")) return "json";
  if (path.ends_with(".hcl")) return "hcl";
  return "";
}

Status add_file(const std::string& path, const std::string& forced, std::vector<Source>& sources,
                std::vector<std::string>& warnings) {
  std::string format = format_of(path, forced);
  if (format.empty()) {
    warnings.push_back(
        fmt::format("skipping file {}, extension must be .hcl or .json, or config format must be set", path));
    return {};
  }
  TRY_ASSIGN(std::string data, read_file(path));
  if (!data.empty()) sources.push_back({path, format, std::move(data)});
  return {};
}

Status add_path(const std::string& path, const std::string& forced, std::vector<Source>& sources,
                std::vector<std::string>& warnings) {
  std::error_code code;
  auto status = fs::status(path, code);
  if (!fs::exists(status))
    return fail(fmt::format("config: Open failed on {}. {}", path,
                            io_error("open " + path, code ? code.value() : ENOENT).message));
  if (!fs::is_directory(status)) return add_file(path, forced, sources, warnings);
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, code)) {
    std::error_code ignored;
    if (!entry.is_directory(ignored)) files.push_back((fs::path(path) / entry.path().filename()).string());
  }
  if (code)
    return fail(fmt::format("config: Readdir failed on {}. {}", path,
                            io_error("open " + path, code.value()).message));
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) TRY(add_file(file, forced, sources, warnings));
  return {};
}

ConfigBuilder::Environment environment() {
  ConfigBuilder::Environment env;
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) == 0) env.host_name = name;
  env.interfaces = system_interfaces();
  if (const char* token = std::getenv("CONSUL_INTRO_TOKEN")) env.intro_token = token;
  return env;
}

struct Merged {
  ConfigFile file;
  std::vector<std::string> duration_errors;
};

void merge_into(Merged& merged, const ConfigFile& later) {
  merge_config(codec::type_of<ConfigFile>(), &merged.file, &later);
}

Status merge_sources(Merged& merged, const std::vector<Source>& sources, std::vector<std::string>& warnings) {
  for (const Source& source : sources) {
    TRY_ASSIGN(Parsed parsed, parse_source(source, warnings));
    merge_into(merged, parsed.file);
    merged.duration_errors.insert(merged.duration_errors.end(), parsed.duration_errors.begin(),
                                  parsed.duration_errors.end());
  }
  return {};
}

Result<std::vector<Source>> read_sources(const LoadOptions& options, std::vector<std::string>& warnings) {
  const std::string& format = options.config_format;
  if (!is_config_format(format)) return fail("config: -config-format must be either 'hcl' or 'json'");
  std::vector<Source> sources;
  for (const std::string& path : options.config_files) TRY(add_path(path, format, sources, warnings));
  return sources;
}

}  // namespace

bool is_config_format(std::string_view format) {
  return format.empty() || format == "json" || format == "hcl";
}

Result<LoadedConfig> load_config(const LoadOptions& options) {
  LoadedConfig loaded;
  TRY_ASSIGN(std::vector<Source> files, read_sources(options, loaded.warnings));
  std::vector<Source> fragments;
  for (size_t i = 0; i < options.hcl.size(); ++i)
    fragments.push_back({fmt::format("flags-{}.hcl", i), "hcl", options.hcl[i]});
  Merged given;
  merge_into(given, options.list_flags);
  TRY(merge_sources(given, files, loaded.warnings));
  ConfigFile scalars = options.scalar_flags;
  drop_enterprise_keys(scalars, loaded.warnings);
  merge_into(given, scalars);
  TRY(merge_sources(given, fragments, loaded.warnings));
  loaded.without_effect = keys_without_effect(given.file);
  Merged merged;
  merge_into(merged, default_config());
  if (options.dev_mode) merge_into(merged, dev_config());
  merge_into(merged, given.file);
  merge_into(merged, fixed_config(options.dev_mode));

  const ConfigBuilder::Environment env = environment();
  ConfigBuilder builder(merged.file, env, options.dev_mode, loaded.warnings);
  builder.add_decode_errors(given.duration_errors);
  TRY_ASSIGN(loaded.config, builder.build());
  TRY(validate_config(loaded.config, loaded.warnings));
  return loaded;
}

Result<std::vector<ServiceDefinition>> load_services(const std::vector<std::string>& files) {
  LoadOptions options;
  options.dev_mode = true;  // no data directory needed
  options.config_files = files;
  TRY_ASSIGN(LoadedConfig loaded, load_config(options));
  return std::vector<ServiceDefinition>(loaded.config.services.begin(), loaded.config.services.end());
}

}  // namespace praetor::agent
