// acl bootstrap, set-agent-token, translate-rules; login and logout.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/text.h"
#include "cli/acl_command.h"
#include "cli/commands.h"

namespace praetor::cli {
namespace {

class Bootstrap final : public AclCommand {
 public:
  Bootstrap()
      : AclCommand(R"(
Usage: praetor acl bootstrap [options]

  Makes the first token, which may do everything. This works once.
)",
                   kWithoutNamespace) {
    add_output_flags(false);
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    auto token = ask<AclToken>(*api, "PUT", "/v1/acl/bootstrap");
    if (!token) return refuse("Failed ACL bootstrapping: " + token.error().message, ui);
    return show(*token, format_acl_token, ui);
  }
};

class SetAgentToken final : public AclCommand {
 public:
  SetAgentToken()
      : AclCommand(R"(
Usage: praetor acl set-agent-token [options] TYPE TOKEN

  Gives the agent a token for one of its uses:

      default      requests that bring no token
      agent        the agent's own requests
      master       the agent's API when no server can be reached
      replication  a server's copying of ACLs from the primary datacenter

  The agent forgets it when it ends, unless it is told to keep it.
)",
                   kWithoutNamespace) {}

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.empty()) return refuse("Error! Missing TYPE and TOKEN arguments", ui);
    if (args.size() == 1) return refuse("Error! Missing TOKEN argument", ui);
    if (args.size() > 2)
      return refuse("Error! Too many arguments: expected 2 got " + std::to_string(args.size()), ui);
    const std::string& type = args[0];
    auto api = open_api(ui);
    if (!api) return 1;
    if (type != "default" && type != "agent" && type != "master" && type != "replication")
      return refuse("Unknown token type", ui);
    std::string body = "{\"Token\":";
    codec::write_json_string(body, args[1]);
    auto done = api->put("/v1/agent/token/" + (type == "master" ? "agent_master" : type), {}, body + "}");
    if (!done) return refuse("Failed to set ACL token " + go_quote(type) + ": " + done.error().message, ui);
    ui.print("ACL token " + go_quote(type) + " set successfully");
    return 0;
  }
};

class TranslateRules final : public AclCommand {
 public:
  TranslateRules()
      : AclCommand(R"(
Usage: praetor acl translate-rules  [options] TRANSLATE

  Writes rules of the old syntax in today's. TRANSLATE is '@' and a file's name,
  '-' for standard input, the rules themselves, or with one of the flags a
  legacy token that has them.
)",
                   kWithoutNamespace) {
    flags_.add_bool("token-accessor", &by_accessor_, "TRANSLATE is the accessor ID of a token.");
    flags_.add_bool("token-secret", &by_secret_, "TRANSLATE is the secret ID of a token.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (by_accessor_ && by_secret_)
      return refuse("Error! Cannot specify both -token-accessor and -token-secret", ui);
    if (args.empty()) return refuse("Error! Missing TRANSLATE argument", ui);
    if (args.size() > 1)
      return refuse("Error! Too many arguments: expected 1 got " + std::to_string(args.size()), ui);
    auto api = open_api(ui);
    if (!api) return 1;
    Result<std::string> rules = std::string();
    if (by_accessor_ || by_secret_) {
      rules = legacy_rules(*api, args[0], by_secret_);
      if (!rules) return refuse(rules.error().message, ui);
    } else {
      rules = read_data(args[0], ui);
      if (!rules) return refuse("Error! " + rules.error().message, ui);
    }
    auto translated = translate(*api, *rules);
    if (!translated) return refuse("Error translating rules: " + translated.error().message, ui);
    ui.print(*translated);
    return 0;
  }

  bool by_accessor_ = false;
  bool by_secret_ = false;
};

// Written beside its place and renamed, so that nobody reads half a token; for its owner alone.
Status write_secret(const std::string& path, const std::string& text) {
  std::string part = path + ".tmp-" + std::to_string(::getpid());
  int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return std::unexpected(io_error("open " + part, errno));
  bool written =
      ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  int problem = errno;
  ::close(fd);
  if (written && ::rename(part.c_str(), path.c_str()) == 0) return {};
  if (written) problem = errno;
  ::unlink(part.c_str());
  return std::unexpected(io_error("write " + path, problem));
}

class Login final : public AclCommand {
 public:
  Login()
      : AclCommand(R"(
Usage: praetor login [options]

  Changes a credential of a third party into a token, which it writes to a file.
  "praetor logout" destroys it.

      $ praetor login -method ci -bearer-token-file jwt -token-sink-file token
)") {
    flags_.add_string("bearer-token-file", &bearer_file_, "File with the credential.");
    flags_.add_map("meta", &meta_values_, "Metadata of the token as key=value. May be given several times.");
    flags_.add_string("method", &method_, "Name of the auth method.");
    flags_.add_string("token-sink-file", &sink_, "File that the token's secret is written to.");
    flags_.add_string("type", &type_,
                      "Type of the auth method. Not used: only Enterprise knows another way.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (!args.empty()) return refuse("Should have no non-flag arguments.", ui);
    if (method_.empty()) return refuse("Missing required '-method' flag", ui);
    if (sink_.empty()) return refuse("Missing required '-token-sink-file' flag", ui);
    if (bearer_file_.empty()) return refuse("Missing required '-bearer-token-file' flag", ui);
    auto text = read_file(bearer_file_);
    if (!text) return refuse(text.error().message, ui);
    std::string_view bearer = trim(*text);
    if (bearer.empty()) return refuse("No bearer token found in " + bearer_file_, ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto token = ask<AclToken>(*api, "POST", "/v1/acl/login", body(bearer));
    if (!token) return refuse("Error logging in: " + token.error().message, ui);
    if (Status status = write_secret(sink_, token->secret_id); !status)
      return refuse("Error writing token to file sink: " + status.error().message, ui);
    return 0;
  }

  std::string body(std::string_view bearer) const {
    codec::ValueMap login;
    login["AuthMethod"] = method_;
    login["BearerToken"] = std::string(bearer);
    if (!meta_values_.empty()) {
      codec::ValueMap meta;
      for (const auto& [key, value] : meta_values_) meta[key] = value;
      login["Meta"] = codec::Value(std::move(meta));
    }
    return codec::to_json(codec::Value(std::move(login)));
  }

  std::string bearer_file_, method_, sink_, type_;
  std::map<std::string, std::string> meta_values_;
};

class Logout final : public AclCommand {
 public:
  Logout()
      : AclCommand(R"(
Usage: praetor logout [options]

  Destroys the token of this request, which must be one of "praetor login".
)",
                   kWithoutNamespace) {}

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (!args.empty()) return refuse("Should have no non-flag arguments.", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto response = api->request("POST", "/v1/acl/logout");
    Status status = response ? require_ok(*response) : Status(std::unexpected(response.error()));
    if (!status) return refuse("Error destroying token: " + status.error().message, ui);
    return 0;
  }
};

}  // namespace

CommandPtr make_acl_bootstrap() { return std::make_unique<Bootstrap>(); }
CommandPtr make_acl_set_agent_token() { return std::make_unique<SetAgentToken>(); }
CommandPtr make_acl_translate_rules() { return std::make_unique<TranslateRules>(); }
CommandPtr make_login() { return std::make_unique<Login>(); }
CommandPtr make_logout() { return std::make_unique<Logout>(); }

}  // namespace praetor::cli
