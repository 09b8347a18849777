// What the `acl` commands share: output in two forms, ids from prefixes and names, what a token or role
// grants.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/acl_types.h"
#include "cli/command.h"
#include "codec/json.h"

namespace praetor::cli {

class AclCommand : public FlagCommand {
 protected:
  enum NamespaceFlag : bool { kWithoutNamespace, kWithNamespace };
  explicit AclCommand(std::string_view usage, NamespaceFlag wanted = kWithNamespace)
      : FlagCommand(usage, HttpFlagSet::kClientAndServer) {
    if (wanted == kWithNamespace) add_namespace_flag(flags_, &namespace_);
  }
  // -format and -meta.
  void add_output_flags(bool with_meta = true);
  Params params() const;

  // Prints the value as -format says; the exit code.
  template <typename T>
  int show(const T& value, std::string (*pretty)(const T&, bool meta), Ui& ui) const {
    if (format_ == "pretty") {
      if (std::string text = pretty(value, meta_); !text.empty()) ui.print(text);
    } else if (format_ == "json") {
      ui.print(codec::indent_json(codec::to_json(value), "", "    "));
    } else {
      ui.error("Unknown format: " + format_);
      return 1;
    }
    return 0;
  }

  // A request whose answer is a T.
  template <typename T>
  Result<T> ask(Api& api, std::string_view method, const std::string& path, std::string body = {}) const {
    Params list = params();
    if (method == "GET" && api.stale()) list.emplace("stale", "");
    TRY_ASSIGN(HttpResponse response, api.request(method, path, std::move(list), std::move(body)));
    TRY(require_ok(response));
    return codec::from_json<T>(response.body);
  }
  // As ask(); a 404 is nothing.
  template <typename T>
  Result<std::optional<T>> find(Api& api, const std::string& path) const {
    Params list = params();
    if (api.stale()) list.emplace("stale", "");
    TRY_ASSIGN(HttpResponse response, api.request("GET", path, std::move(list)));
    if (response.status == 404) return std::nullopt;
    TRY(require_ok(response));
    TRY_ASSIGN(T value, codec::from_json<T>(response.body));
    return std::optional<T>(std::move(value));
  }

  // The whole id of a record of which the start is known. Ids of full length are not looked up.
  Result<std::string> token_id(Api& api, const std::string& start) const;
  Result<std::string> policy_id(Api& api, const std::string& start) const;
  Result<std::string> role_id(Api& api, const std::string& start) const;
  Result<std::string> rule_id(Api& api, const std::string& start) const;
  Result<std::string> policy_id_of_name(Api& api, const std::string& name) const;
  Result<std::string> role_id_of_name(Api& api, const std::string& name) const;

  // The rules of a legacy token, in today's syntax or as they are.
  Result<std::string> legacy_rules(Api& api, const std::string& id, bool is_secret) const;
  Result<std::string> translate(Api& api, const std::string& rules) const;

  // Tells an error and asks for nothing more: exit code 1.
  static int refuse(const std::string& message, Ui& ui) {
    ui.error(message);
    return 1;
  }
  int refuse_with_help(const std::string& message, Ui& ui) const;

  std::optional<std::string> namespace_;
  std::string format_ = "pretty";
  bool meta_ = false;
};

// The flags of what a token or a role grants, and their use.
class GrantFlags {
 public:
  void add_to(FlagSet& flags, bool with_roles);
  bool empty() const;

  struct Merge {
    bool policies = false, roles = false, service_identities = false, node_identities = false;
  };
  // Checks the identities; then sets `grants`, or adds to it what `merge` says. `resolve…` completes ids.
  using Resolve = std::function<Result<std::string>(const std::string&)>;
  Status apply(AclGrants& grants, const Merge& merge, const Resolve& policy, const Resolve& role) const;

 private:
  std::vector<std::string> policy_ids_, policy_names_, role_ids_, role_names_, services_, nodes_;
};

// The pretty forms. No line break at the end where Consul has none.
std::string format_acl_token(const AclToken& token, bool meta);
std::string format_acl_tokens(const codec::List<AclTokenEntry>& tokens, bool meta);
std::string format_acl_policy(const AclPolicy& policy, bool meta);
std::string format_acl_policies(const codec::List<AclPolicyEntry>& policies, bool meta);
std::string format_acl_role(const AclRole& role, bool meta);
std::string format_acl_roles(const codec::List<AclRole>& roles, bool meta);
std::string format_acl_auth_method(const AclAuthMethod& method, bool meta);
std::string format_acl_auth_methods(const codec::List<AclAuthMethodEntry>& methods, bool meta);
std::string format_acl_binding_rule(const AclBindingRule& rule, bool meta);
std::string format_acl_binding_rules(const codec::List<AclBindingRule>& rules, bool meta);

}  // namespace praetor::cli
