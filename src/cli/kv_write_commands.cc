// kv put, kv delete.
#include "base/text.h"
#include "cli/command.h"
#include "cli/commands.h"

namespace praetor::cli {
namespace {

class KvPut : public FlagCommand {
 public:
  KvPut()
      : FlagCommand(R"(
Usage: praetor kv put [options] KEY [DATA]

  Sets the key to the data, which may be anything:

      $ praetor kv put app/limit 5

  Data that starts with "@" names a file, "-" is standard input, none at all
  leaves the value empty:

      $ praetor kv put app/license @license.txt
      $ date | praetor kv put app/started -
      $ praetor kv put app/active

  To write only if the key has not changed since it was read, give the
  ModifyIndex it had:

      $ praetor kv put -cas -modify-index=844 app/limit 5
)",
                    HttpFlagSet::kClientAndServer) {
    flags_.add_bool("acquire", &acquire_,
                    "Take the lock of the key for -session, creating the key if need be. The session must "
                    "exist. The default value is false.");
    flags_.add_bool("base64", &base64_, "The data is base 64: decode it first. The default value is false.");
    flags_.add_bool("cas", &cas_,
                    "Check-and-set: write only if the key's index is still -modify-index, which must be "
                    "given too. The default value is false.");
    flags_.add_uint("flags", &user_flags_,
                    "Number to keep beside the value, for the clients' own use. The default value is 0 (no "
                    "flags).");
    flags_.add_uint("modify-index", &modify_index_, "ModifyIndex that -cas expects of the key.");
    add_namespace_flag(flags_, &namespace_);
    flags_.add_bool("release", &release_,
                    "Give the lock of the key back. Needs -session, which must hold it. The default value is "
                    "false.");
    flags_.add_string("session", &session_,
                      "ID of the session that -acquire and -release lock with. The default value is empty "
                      "(no session).");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    auto data = key_and_data(args, ui);
    if (!data) {
      ui.error(data.error().message);
      return 1;
    }
    if (cas_ && modify_index_ == 0) {
      ui.error("Must specify -modify-index with -cas!");
      return 1;
    }
    if ((acquire_ || release_) && session_.empty()) {
      ui.error("Error! Missing -session (required with -acquire and -release)");
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    return write(*api, args[0], std::move(*data), ui);
  }

  Result<std::string> key_and_data(const std::vector<std::string>& args, Ui& ui) const {
    if (args.empty()) return fail("Error! Missing KEY argument");
    if (args.size() > 2) {
      return fail("Error! Too many arguments (expected 1 or 2, got " + std::to_string(args.size()) + ")");
    }
    if (args.size() == 1 || args[1].empty()) return std::string();
    auto data = read_data(args[1], ui);
    if (!data) return fail("Error! " + data.error().message);
    if (!base64_) return data;
    // Consul goes on with empty data here and overwrites the key: that helps nobody.
    auto decoded = base64_decode(*data);
    if (!decoded) return fail("Error! Cannot base 64 decode data: " + decoded.error().message);
    return std::move(*decoded);
  }

  int write(Api& api, const std::string& key, std::string data, Ui& ui) {
    Params params;
    std::string done = "Success! Data written to: ";
    std::string refused;
    std::string failed = "Error! Failed writing data: ";
    if (user_flags_ != 0) params.emplace("flags", std::to_string(user_flags_));
    if (namespace_) params.emplace("ns", *namespace_);
    if (cas_) {
      params.emplace("cas", std::to_string(modify_index_));
      refused = "Error! Did not write to " + key + ": CAS failed";
      failed = "Error! Did not write to " + key + ": ";
    } else if (acquire_) {
      params.emplace("acquire", session_);
      done = "Success! Lock acquired on: ";
      refused = "Error! Did not acquire lock";
    } else if (release_) {
      params.emplace("release", session_);
      done = "Success! Lock released on: ";
      refused = "Error! Did not release lock";
    }
    Result<HttpResponse> response = key.starts_with('/')
                                        ? fail("Invalid key. Key must not begin with a '/': " + key)
                                        : api.put("/v1/kv/" + key, std::move(params), std::move(data));
    if (!response) {
      ui.error(failed + response.error().message);
      return 1;
    }
    if (!refused.empty() && !contains(response->body, "true")) {
      ui.error(refused);
      return 1;
    }
    ui.print(done + key);
    return 0;
  }

  bool acquire_ = false;
  bool base64_ = false;
  bool cas_ = false;
  bool release_ = false;
  uint64_t user_flags_ = 0;
  uint64_t modify_index_ = 0;
  std::string session_;
  std::optional<std::string> namespace_;
};

class KvDelete : public FlagCommand {
 public:
  KvDelete()
      : FlagCommand(R"(
Usage: praetor kv delete [options] KEY_OR_PREFIX

  Removes the key. One that does not exist is no error.

      $ praetor kv delete app/limit

  With -recurse the argument is a prefix: "app" removes "app", "apple" and
  "app/limit" alike.

      $ praetor kv delete -recurse app/
)",
                    HttpFlagSet::kClientAndServer) {
    flags_.add_bool("cas", &cas_,
                    "Check-and-set: remove only if the key's index is still -modify-index, which must be "
                    "given too. The default value is false.");
    flags_.add_uint("modify-index", &modify_index_, "ModifyIndex that -cas expects of the key.");
    add_namespace_flag(flags_, &namespace_);
    flags_.add_bool("recurse", &recurse_,
                    "Remove every key that starts with the argument. The default value is false.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    std::string key = args.empty() ? "" : args[0];
    if (key.starts_with('/')) key.erase(0, 1);  // as in a path
    std::string problem;
    if (args.size() > 1) {
      problem = too_many(1, args.size());
    } else if (key.empty() && !recurse_) {
      problem = "Error! Missing KEY argument";
    } else if (!cas_ && modify_index_ != 0) {
      problem = "Cannot specify -modify-index without -cas!";
    } else if (cas_ && modify_index_ == 0) {
      problem = "Must specify -modify-index with -cas!";
    } else if (cas_ && recurse_) {
      problem = "Cannot specify both -cas and -recurse!";
    }
    if (!problem.empty()) {
      ui.error(problem);
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    return remove(*api, key, ui);
  }

  int remove(Api& api, const std::string& key, Ui& ui) {
    Params params;
    if (namespace_) params.emplace("ns", *namespace_);
    if (recurse_) params.emplace("recurse", "");
    if (cas_) params.emplace("cas", std::to_string(modify_index_));
    std::string name = recurse_ ? "prefix " + key : "key " + key;
    auto response = api.del("/v1/kv/" + key, std::move(params));
    if (!response) {
      ui.error((recurse_ || cas_ ? "Error! Did not delete " : "Error deleting ") + name + ": " +
               response.error().message);
      return 1;
    }
    if (cas_ && !contains(response->body, "true")) {
      ui.error("Error! Did not delete key " + key + ": CAS failed");
      return 1;
    }
    ui.print((recurse_ ? "Success! Deleted keys with prefix: " : "Success! Deleted key: ") + key);
    return 0;
  }

  bool cas_ = false;
  bool recurse_ = false;
  uint64_t modify_index_ = 0;
  std::optional<std::string> namespace_;
};

}  // namespace

CommandPtr make_kv_put() { return std::make_unique<KvPut>(); }
CommandPtr make_kv_delete() { return std::make_unique<KvDelete>(); }

}  // namespace praetor::cli
