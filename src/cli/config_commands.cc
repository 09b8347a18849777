// config write, read, list, delete.
#include "base/text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/config_entry.h"
#include "cli/help.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

class ConfigCommand : public FlagCommand {
 protected:
  explicit ConfigCommand(std::string_view usage) : FlagCommand(usage, HttpFlagSet::kClientAndServer) {
    add_namespace_flag(flags_, &namespace_);
  }
  Params params() const {
    Params list;
    if (namespace_) list.emplace("ns", *namespace_);
    return list;
  }
  static int refuse(const std::string& message, Ui& ui) {
    ui.error(message);
    return 1;
  }
  std::string path() const { return "/v1/config/" + kind_ + "/" + name_; }
  std::string shown() const { return kind_ + "/" + name_; }

  std::string kind_, name_;
  std::optional<std::string> namespace_;
};

class ConfigWrite final : public ConfigCommand {
 public:
  ConfigWrite()
      : ConfigCommand(R"(
Usage: praetor config write [options] <configuration>

  Makes or changes a config entry. <configuration> is the name of a file, or '-'
  for standard input, with HCL or JSON.

      $ praetor config write web.service.hcl
)") {
    flags_.add_bool("cas", &cas_, "Writes only if the entry's index is the one of -modify-index.");
    flags_.add_uint("modify-index", &modify_index_,
                    "ModifyIndex that -cas expects; 0 for an entry that is not there.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.size() != 1)
      return refuse("Must provide exactly one positional argument to specify the config entry to write", ui);
    auto text = read_data(args[0] == "-" || args[0].starts_with('@') ? args[0] : "@" + args[0], ui);
    if (!text) return refuse("Failed to load data: " + text.error().message, ui);
    auto entry = parse_config_entry(*text);
    if (!entry) return refuse("Failed to decode config entry input: " + entry.error().message, ui);
    kind_ = entry->kind;
    name_ = entry->name;
    auto api = open_api(ui);
    if (!api) return 1;
    Params list = params();
    if (cas_) list.emplace("cas", std::to_string(modify_index_));
    auto response = api->put("/v1/config", std::move(list), entry->json);
    if (!response)
      return refuse("Error writing config entry " + shown() + ": " + response.error().message, ui);
    if (!contains(response->body, "true")) return refuse("Config entry not updated: " + shown(), ui);
    ui.print("Config entry written: " + shown());
    return 0;
  }

  bool cas_ = false;
  uint64_t modify_index_ = 0;
};

class ConfigRead final : public ConfigCommand {
 public:
  ConfigRead()
      : ConfigCommand(R"(
Usage: praetor config read [options] -kind <config kind> -name <config name>

  Shows a config entry as JSON.

      $ praetor config read -kind proxy-defaults -name global
)") {
    flags_.add_string("kind", &kind_, "Kind of the entry.");
    flags_.add_string("name", &name_, "Name of the entry.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (kind_.empty()) return refuse("Must specify the -kind parameter", ui);
    if (name_.empty()) return refuse("Must specify the -name parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto json = read(*api);
    if (!json) return refuse("Error reading config entry " + shown() + ": " + json.error().message, ui);
    ui.print(codec::indent_json(*json, "", "    "));
    return 0;
  }

  Result<std::string> read(Api& api) const {
    TRY(check_config_kind(kind_));
    TRY_ASSIGN(HttpResponse response, api.get(path(), params()));
    return render_config_entry(kind_, response.body);
  }
};

class ConfigList final : public ConfigCommand {
 public:
  ConfigList()
      : ConfigCommand(R"(
Usage: praetor config list [options] -kind <config kind>

  Lists the names of the config entries of a kind.
)") {
    flags_.add_string("kind", &kind_, "Kind of the entries.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (kind_.empty()) return refuse("Must specify the -kind parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto response = api->get("/v1/config/" + kind_, params());
    auto list = response ? codec::parse_json_value(response->body)
                         : Result<codec::Value>(std::unexpected(response.error()));
    if (!list) {
      return refuse("Error listing config entries for kind " + go_quote(kind_) + ": " + list.error().message,
                    ui);
    }
    if (const codec::ValueList* entries = list->list()) {
      for (const codec::Value& entry : *entries) {
        const codec::Value* name = entry.map() ? entry.map()->get("Name") : nullptr;
        if (name && name->string()) ui.print(*name->string());
      }
    }
    return 0;
  }
};

class ConfigDelete final : public ConfigCommand {
 public:
  static constexpr std::string_view kUsage = R"(
Usage: praetor config delete [options] -kind <config kind> -name <config name>

  Removes a config entry.

      $ praetor config delete -kind service-defaults -name web
)";
  ConfigDelete() : ConfigCommand(kUsage) {
    flags_.add_string("kind", &kind_, "Kind of the entry.");
    flags_.add_string("name", &name_, "Name of the entry.");
  }
  // Consul's help of this command leaves the flags out.
  std::string help(const Ui& ui) const override { return render_help(kUsage, nullptr, ui.program()); }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (kind_.empty()) return refuse("Must specify the -kind parameter", ui);
    if (name_.empty()) return refuse("Must specify the -name parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    if (auto response = api->del(path(), params()); !response)
      return refuse("Error deleting config entry " + shown() + ": " + response.error().message, ui);
    ui.print("Config entry deleted: " + shown());
    return 0;
  }
};

}  // namespace

CommandPtr make_config_write() { return std::make_unique<ConfigWrite>(); }
CommandPtr make_config_read() { return std::make_unique<ConfigRead>(); }
CommandPtr make_config_list() { return std::make_unique<ConfigList>(); }
CommandPtr make_config_delete() { return std::make_unique<ConfigDelete>(); }

}  // namespace praetor::cli
