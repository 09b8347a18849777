// kv export, kv import.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/api_types.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

class KvExport : public FlagCommand {
 public:
  KvExport()
      : FlagCommand(R"(
Usage: praetor kv export [KEY_OR_PREFIX]

  Prints every pair under the prefix as JSON that "praetor kv import" loads: a
  way to copy trees between clusters.

      $ praetor kv export app > app.json
)",
                    HttpFlagSet::kClientAndServer) {
    add_namespace_flag(flags_, &namespace_);
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.size() > 1) {
      ui.error(too_many(1, args.size()));
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    std::string prefix = args.empty() ? "" : args[0];
    if (prefix.starts_with('/')) prefix.erase(0, 1);
    auto pairs = read_tree(*api, prefix);
    if (!pairs) {
      ui.error("Error querying Consul agent: " + pairs.error().message);
      return 1;
    }
    List<KvEntry> entries;
    entries.make_empty();
    for (const KvPair& pair : *pairs) {
      std::string_view value(pair.value.data(), pair.value.size());
      entries.push_back({pair.key, pair.flags, base64_encode(value), namespace_.value_or("")});
    }
    ui.print(codec::indent_json(codec::to_json(entries), "", "\t"));
    return 0;
  }

  Result<List<KvPair>> read_tree(Api& api, const std::string& prefix) {
    Params params = {{"recurse", ""}};
    if (namespace_) params.emplace("ns", *namespace_);
    if (api.stale()) params.emplace("stale", "");
    TRY_ASSIGN(HttpResponse response, api.request("GET", "/v1/kv/" + prefix, std::move(params)));
    if (response.status == 404) return List<KvPair>();
    if (response.status != 200) return fail(fmt::format("Unexpected response code: {}", response.status));
    return codec::from_json<List<KvPair>>(response.body);
  }

  std::optional<std::string> namespace_;
};

// The JSON reader names Go types as the server does; this one is the command's own.
std::string with_go_name(std::string text) {
  constexpr std::string_view kServerName = "[]structs.Entry";
  if (size_t at = text.find(kServerName); at != std::string::npos) {
    text.replace(at, kServerName.size(), "[]*impexp.Entry");
  }
  return text;
}

class KvImport : public FlagCommand {
 public:
  KvImport()
      : FlagCommand(R"(
Usage: praetor kv import [DATA]

  Writes the pairs that "praetor kv export" printed. The data is the argument
  itself, or after "@" a file, or for "-" standard input:

      $ praetor kv import @app.json
      $ cat app.json | praetor kv import -
)",
                    HttpFlagSet::kClientAndServer) {
    add_namespace_flag(flags_, &namespace_);
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    auto data = load(args, ui);
    if (!data) {
      ui.error(data.error().message);
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    auto entries = codec::from_json<List<Box<KvEntry>>>(*data, {.whole_document = true});
    if (!entries) {
      ui.error("Cannot unmarshal data: " + with_go_name(entries.error().message));
      return 1;
    }
    for (const Box<KvEntry>& entry : *entries) {
      if (!entry) continue;
      if (Status status = write(*api, *entry); !status) {
        ui.error(status.error().message);
        return 1;
      }
      ui.print("Imported: " + entry->key);
    }
    return 0;
  }

  Result<std::string> load(const std::vector<std::string>& args, Ui& ui) const {
    if (args.empty()) return fail("Error! Missing DATA argument");
    if (args.size() > 1) return fail("Error! " + too_many(1, args.size()));
    if (args[0].empty()) return fail("Error! Empty DATA argument");
    auto text = read_data(args[0], ui);
    if (!text) return fail("Error! " + text.error().message);
    return text;
  }

  Status write(Api& api, const KvEntry& entry) const {
    auto value = base64_decode(entry.value);
    if (!value) {
      return fail("Error base 64 decoding value for key " + entry.key + ": " + value.error().message);
    }
    Params params;
    if (entry.flags != 0) params.emplace("flags", std::to_string(entry.flags));
    std::string ns = entry.ns.empty() ? namespace_.value_or("") : entry.ns;
    if (!ns.empty()) params.emplace("ns", ns);
    Result<HttpResponse> response =
        entry.key.starts_with('/') ? fail("Invalid key. Key must not begin with a '/': " + entry.key)
                                   : api.put("/v1/kv/" + entry.key, std::move(params), std::move(*value));
    if (!response) {
      return fail("Error! Failed writing data for key " + entry.key + ": " + response.error().message);
    }
    return {};
  }

  std::optional<std::string> namespace_;
};

}  // namespace

CommandPtr make_kv_export() { return std::make_unique<KvExport>(); }
CommandPtr make_kv_import() { return std::make_unique<KvImport>(); }

}  // namespace praetor::cli
