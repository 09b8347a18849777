#include <fmt/format.h>

#include "base/text.h"
#include "cli/api_types.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

constexpr size_t kDetailGap = 6;

class KvGet : public FlagCommand {
 public:
  KvGet()
      : FlagCommand(R"(
Usage: praetor kv get [options] [KEY_OR_PREFIX]

  Prints the value of the key; a key that does not exist is an error, an empty
  one prints an empty line. Without a name, -recurse and -keys start at the
  root of the store.

  The value alone:

      $ praetor kv get app/limit

  With the indexes, flags and lock of the key:

      $ praetor kv get -detailed app/limit

  Every pair under a prefix, or the names only:

      $ praetor kv get -recurse app
      $ praetor kv get -keys app
)",
                    HttpFlagSet::kClientAndServer) {
    flags_.add_bool("base64", &base64_, "Print values encoded as base 64. The default value is false.");
    flags_.add_bool("detailed", &detailed_,
                    "Print all that is known of the key: indexes, flags and session beside the value. The "
                    "default value is false.");
    flags_.add_bool("keys", &keys_,
                    "Print the names that start with the prefix, without values, up to the next -separator. "
                    "The default value is false.");
    add_namespace_flag(flags_, &namespace_);
    flags_.add_bool("recurse", &recurse_,
                    "Print every pair whose key starts with the prefix. The default value is false.");
    flags_.add_string(
        "separator", &separator_,
        "With -keys: print each common prefix up to this text once. The default value is \"/\".");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.size() > 1) {
      ui.error(too_many(1, args.size()));
      return 1;
    }
    std::string key = args.empty() ? "" : args[0];
    if (key.starts_with('/')) key.erase(0, 1);  // as in a path
    if (key.empty() && !recurse_ && !keys_) {
      ui.error("Error! Missing KEY argument");
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    Status status = keys_ ? list_keys(*api, key, ui) : recurse_ ? list_pairs(*api, key, ui) : Status();
    if (!status) return report(status.error(), ui);
    if (keys_ || recurse_) return 0;
    return print_one(*api, key, ui);
  }

  static int report(const Error& error, Ui& ui) {
    ui.error("Error querying Consul agent: " + error.message);
    return 1;
  }

  // The body; empty for 404.
  Result<std::string> query(Api& api, const std::string& key, Params params) {
    if (namespace_) params.emplace("ns", *namespace_);
    if (api.stale()) params.emplace("stale", "");
    TRY_ASSIGN(HttpResponse response, api.request("GET", "/v1/kv/" + key, std::move(params)));
    if (response.status == 404) return std::string();
    if (response.status != 200) return fail(fmt::format("Unexpected response code: {}", response.status));
    return std::move(response.body);
  }

  Status list_keys(Api& api, const std::string& prefix, Ui& ui) {
    Params params = {{"keys", ""}};
    if (!separator_.empty()) params.emplace("separator", separator_);
    TRY_ASSIGN(std::string body, query(api, prefix, std::move(params)));
    if (body.empty()) return {};
    TRY_ASSIGN(auto names, codec::from_json<List<std::string>>(body));
    for (const std::string& name : names) ui.print(name);
    return {};
  }

  Status list_pairs(Api& api, const std::string& prefix, Ui& ui) {
    TRY_ASSIGN(std::string body, query(api, prefix, {{"recurse", ""}}));
    if (body.empty()) return {};
    TRY_ASSIGN(auto pairs, codec::from_json<List<KvPair>>(body));
    std::string text;
    for (size_t i = 0; i < pairs.size(); ++i) {
      if (detailed_) {
        text += (i == 0 ? "" : "\n") + detail(pairs[i]) + "\n";
      } else {
        text += pairs[i].key + ":" + value_text(pairs[i]) + "\n";
      }
    }
    ui.write_out(text);
    return {};
  }

  int print_one(Api& api, const std::string& key, Ui& ui) {
    auto body = query(api, key, {});
    if (!body) return report(body.error(), ui);
    List<KvPair> pairs;
    if (!body->empty()) {
      auto parsed = codec::from_json<List<KvPair>>(*body);
      if (!parsed) return report(parsed.error(), ui);
      pairs = std::move(*parsed);
    }
    if (pairs.empty()) {
      ui.error("Error! No key exists at: " + key);
      return 1;
    }
    ui.print(detailed_ ? detail(pairs[0]) : value_text(pairs[0]));
    return 0;
  }

  std::string value_text(const KvPair& pair) const {
    std::string_view value(pair.value.data(), pair.value.size());
    return base64_ ? base64_encode(value) : std::string(value);
  }

  std::string detail(const KvPair& pair) const {
    return format_pairs({{"CreateIndex", std::to_string(pair.create_index)},
                         {"Flags", std::to_string(pair.flags)},
                         {"Key", pair.key},
                         {"LockIndex", std::to_string(pair.lock_index)},
                         {"ModifyIndex", std::to_string(pair.modify_index)},
                         {"Session", pair.session.empty() ? "-" : pair.session},
                         {"Value", value_text(pair)}},
                        kDetailGap);
  }

  bool base64_ = false;
  bool detailed_ = false;
  bool keys_ = false;
  bool recurse_ = false;
  std::string separator_ = "/";
  std::optional<std::string> namespace_;
};

}  // namespace

CommandPtr make_kv_get() { return std::make_unique<KvGet>(); }

}  // namespace praetor::cli
