// acl token create, update, clone, read, list, delete.
#include "base/text.h"
#include "cli/acl_command.h"
#include "cli/commands.h"

namespace praetor::cli {
namespace {

class TokenCommand : public AclCommand {
 protected:
  using AclCommand::AclCommand;

  void add_id_flag() { flags_.add_string("id", &id_, "Accessor ID of the token, or its start."); }
  Result<std::string> key(Api& api) const {
    auto id = token_id(api, id_);
    if (!id) return fail("Error determining token ID: " + id.error().message);
    return id;
  }
  Status apply_grants(Api& api, AclGrants& grants, const GrantFlags::Merge& merge) const {
    return grants_.apply(
        grants, merge, [&](const std::string& start) { return policy_id(api, start); },
        [&](const std::string& start) { return role_id(api, start); });
  }

  std::string id_;
  GrantFlags grants_;
};

class TokenCreate final : public TokenCommand {
 public:
  TokenCreate()
      : TokenCommand(R"(
Usage: praetor acl token create [options]

  Makes a token that grants the given policies, roles and identities.

      $ praetor acl token create -description "for backups" -policy-name backups
)") {
    flags_.add_string("accessor", &accessor_, "Accessor ID of the token; made up if not given.");
    flags_.add_string("description", &description_, "What the token is for.");
    flags_.add_duration("expires-ttl", &ttl_, "How long the token is valid; for ever if not given.");
    flags_.add_bool("local", &local_, "Makes a token of this datacenter only.");
    grants_.add_to(flags_, true);
    flags_.add_string("secret", &secret_, "Secret ID of the token; made up if not given.");
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (grants_.empty()) {
      return refuse(
          "Cannot create a token without specifying -policy-name, -policy-id, -role-name, -role-id, "
          "-service-identity, or -node-identity at least once",
          ui);
    }
    auto api = open_api(ui);
    if (!api) return 1;
    AclToken token;
    token.accessor_id = accessor_;
    token.secret_id = secret_;
    token.description = description_;
    token.local = local_;
    token.expiration_ttl = ttl_;
    if (Status status = apply_grants(*api, token, {}); !status) return refuse(status.error().message, ui);
    auto made = ask<AclToken>(*api, "PUT", "/v1/acl/token", codec::to_json(token));
    if (!made) return refuse("Failed to create new token: " + made.error().message, ui);
    return show(*made, format_acl_token, ui);
  }

  std::string accessor_, secret_, description_;
  bool local_ = false;
  Duration ttl_{};
};

class TokenUpdate final : public TokenCommand {
 public:
  TokenUpdate()
      : TokenCommand(R"(
Usage: praetor acl token update [options]

  Changes a token. What it grants is replaced by what is given, or added to
  where one of the merging flags says so.

      $ praetor acl token update -id 5f2c -policy-name backups -merge-policies
)") {
    add_id_flag();
    flags_.add_string("description", &description_, "What the token is for.");
    grants_.add_to(flags_, true);
    flags_.add_bool("merge-node-identities", &merge_.node_identities, "Keeps the node identities it has.");
    flags_.add_bool("merge-policies", &merge_.policies, "Keeps the policies it has.");
    flags_.add_bool("merge-roles", &merge_.roles, "Keeps the roles it has.");
    flags_.add_bool("merge-service-identities", &merge_.service_identities,
                    "Keeps the service identities it has.");
    flags_.add_bool(
        "upgrade-legacy", &upgrade_,
        "Makes a legacy token a new one: its rules go, the secret stays. It then needs policies.");
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (id_.empty()) return refuse("Cannot update a token without specifying the -id parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = key(*api);
    if (!id) return refuse(id.error().message, ui);
    auto token = ask<AclToken>(*api, "GET", "/v1/acl/token/" + *id);
    if (!token) return refuse("Error when retrieving current token: " + token.error().message, ui);
    if (upgrade_) {
      if (token->rules.empty()) return refuse("Can't use -upgrade-legacy on a non-legacy token", ui);
      token->rules.clear();
    }
    if (!description_.empty()) token->description = description_;
    if (Status status = apply_grants(*api, *token, merge_); !status)
      return refuse(status.error().message, ui);
    auto changed = ask<AclToken>(*api, "PUT", "/v1/acl/token/" + *id, codec::to_json(*token));
    if (!changed) return refuse("Failed to update token " + *id + ": " + changed.error().message, ui);
    return show(*changed, format_acl_token, ui);
  }

  std::string description_;
  GrantFlags::Merge merge_;
  bool upgrade_ = false;
};

class TokenClone final : public TokenCommand {
 public:
  TokenClone()
      : TokenCommand(R"(
Usage: praetor acl token clone [options]

  Makes a token that grants what another one does.

      $ praetor acl token clone -id 5f2c -description "a copy"
)") {
    add_id_flag();
    flags_.add_string("description", &description_,
                      "What the new token is for; as the old one if not given.");
    add_output_flags(false);
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (id_.empty()) return refuse("Cannot update a token without specifying the -id parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = key(*api);
    if (!id) return refuse(id.error().message, ui);
    std::string body = "{\"Description\":";
    codec::write_json_string(body, description_);
    auto made = ask<AclToken>(*api, "PUT", "/v1/acl/token/" + *id + "/clone", body + "}");
    if (!made) return refuse("Error cloning token: " + made.error().message, ui);
    return show(*made, format_acl_token, ui);
  }

  std::string description_;
};

class TokenRead final : public TokenCommand {
 public:
  TokenRead()
      : TokenCommand(R"(
Usage: praetor acl token read [options] -id TOKENID

  Shows a token, or with -self the one that the request is made with.
)") {
    add_id_flag();
    flags_.add_bool("self", &self_, "Shows the token of this very request.");
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (id_.empty() && !self_) return refuse("Must specify the -id parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    std::string path = "self";
    std::string name;
    if (!self_) {
      auto id = key(*api);
      if (!id) return refuse(id.error().message, ui);
      path = *id;
      name = " " + go_quote(*id);
    }
    auto token = ask<AclToken>(*api, "GET", "/v1/acl/token/" + path);
    if (!token) return refuse("Error reading token" + name + ": " + token.error().message, ui);
    return show(*token, format_acl_token, ui);
  }

  bool self_ = false;
};

class TokenList final : public TokenCommand {
 public:
  TokenList()
      : TokenCommand(R"(
Usage: praetor acl token list [options]

  Lists the tokens, without their secrets.
)") {
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    auto list = ask<codec::List<AclTokenEntry>>(*api, "GET", "/v1/acl/tokens");
    if (!list) return refuse("Failed to retrieve the token list: " + list.error().message, ui);
    return show(*list, format_acl_tokens, ui);
  }
};

class TokenDelete final : public TokenCommand {
 public:
  TokenDelete()
      : TokenCommand(R"(
Usage: praetor acl token delete [options] -id TOKEN

  Removes a token.
)") {
    add_id_flag();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (id_.empty()) return refuse("Must specify the -id parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = key(*api);
    if (!id) return refuse(id.error().message, ui);
    if (auto done = api->del("/v1/acl/token/" + *id, params()); !done)
      return refuse("Error deleting token " + go_quote(*id) + ": " + done.error().message, ui);
    ui.print("Token " + go_quote(*id) + " deleted successfully");
    return 0;
  }
};

}  // namespace

CommandPtr make_acl_token_create() { return std::make_unique<TokenCreate>(); }
CommandPtr make_acl_token_update() { return std::make_unique<TokenUpdate>(); }
CommandPtr make_acl_token_clone() { return std::make_unique<TokenClone>(); }
CommandPtr make_acl_token_read() { return std::make_unique<TokenRead>(); }
CommandPtr make_acl_token_list() { return std::make_unique<TokenList>(); }
CommandPtr make_acl_token_delete() { return std::make_unique<TokenDelete>(); }

}  // namespace praetor::cli
