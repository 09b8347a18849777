// acl auth-method and acl binding-rule: create, update, read, list, delete.
#include "base/text.h"
#include "cli/acl_command.h"
#include "cli/commands.h"

namespace praetor::cli {
namespace {

std::string method_missing(const std::string& name) {
  return "Auth method not found with name " + go_quote(name);
}

class MethodCommand : public AclCommand {
 protected:
  using AclCommand::AclCommand;

  void add_name_flag() { flags_.add_string("name", &name_, "Name of the auth method."); }
  void add_setting_flags() {
    add_name_flag();
    flags_.add_string(
        "config", &config_,
        "Configuration of the auth method in JSON: '@' and a file's name, '-' for standard input, or a "
        "text.");
    flags_.add_string("description", &description_, "What the auth method is for.");
    flags_.add_string("display-name", &display_name_, "Name to show to people.");
    flags_.add_string(
        "kubernetes-ca-cert", &kubernetes_ca_,
        "Certificate of the Kubernetes API's authority as PEM: '@' and a file's name, '-' for standard "
        "input, or a text. For type=kubernetes.");
    flags_.add_string("kubernetes-host", &kubernetes_host_,
                      "Address of the Kubernetes API. For type=kubernetes.");
    flags_.add_string("kubernetes-service-account-jwt", &kubernetes_jwt_,
                      "Token of a service account that may review tokens. For type=kubernetes.");
    flags_.add_duration("max-token-ttl", &max_token_ttl_, "How long tokens made by logging in are valid.");
    flags_.add_string("token-locality", &token_locality_,
                      "Kind of the tokens made by logging in: 'local' or 'global'.");
    add_output_flags();
  }

  void set_plain(AclAuthMethod& method) const {
    if (!display_name_.empty()) method.display_name = display_name_;
    if (!description_.empty()) method.description = description_;
    if (!token_locality_.empty()) method.token_locality = token_locality_;
    if (max_token_ttl_ != Duration::zero()) method.max_token_ttl = max_token_ttl_;
  }

  // Sets the configuration where -config is given.
  Status set_config(AclAuthMethod& method, std::string_view what, Ui& ui) const {
    if (config_.empty()) return {};
    auto text = read_data(config_, ui);
    if (!text) return fail("Error loading configuration file: " + text.error().message);
    auto value = codec::parse_json_value(*text);
    if (!value) return fail("Error parsing JSON " + std::string(what) + ": " + value.error().message);
    if (const codec::ValueMap* map = value->map()) method.config = *map;
    return {};
  }

  Result<std::string> kubernetes_ca(Ui& ui) const {
    auto text = read_data(kubernetes_ca_, ui);
    if (!text) return fail("Invalid '-kubernetes-ca-cert' value: " + text.error().message);
    if (text->empty() && !kubernetes_ca_.empty()) return fail("Kubernetes CA Cert is empty");
    return text;
  }

  int finish(Api& api, const AclAuthMethod& method, const std::string& path, const std::string& failure,
             Ui& ui) {
    auto made = ask<AclAuthMethod>(api, "PUT", path, codec::to_json(method));
    if (!made) return refuse(failure + ": " + made.error().message, ui);
    return show(*made, format_acl_auth_method, ui);
  }

  std::string name_, config_, description_, display_name_, kubernetes_ca_, kubernetes_host_, kubernetes_jwt_,
      token_locality_;
  Duration max_token_ttl_{};
};

class MethodCreate final : public MethodCommand {
 public:
  MethodCreate()
      : MethodCommand(R"(
Usage: praetor acl auth-method create -name NAME -type TYPE [options]

  Makes an auth method: a way to get a token by proving an identity elsewhere.

      $ praetor acl auth-method create -type jwt -name ci -config @ci.json
)") {
    add_setting_flags();
    flags_.add_string("type", &type_, "Type of the auth method: kubernetes or jwt. Needed.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (type_.empty()) return refuse_with_help("Missing required '-type' flag", ui);
    if (name_.empty()) return refuse_with_help("Missing required '-name' flag", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    AclAuthMethod method;
    method.name = name_;
    method.type = type_;
    set_plain(method);
    if (Status status = set_config(method, "configuration file", ui); !status)
      return refuse(status.error().message, ui);
    if (type_ == "kubernetes" && config_.empty()) {
      if (kubernetes_host_.empty()) return refuse("Missing required '-kubernetes-host' flag", ui);
      auto ca = kubernetes_ca(ui);
      if (!ca) return refuse(ca.error().message, ui);
      if (ca->empty()) return refuse("Missing required '-kubernetes-ca-cert' flag", ui);
      if (kubernetes_jwt_.empty())
        return refuse("Missing required '-kubernetes-service-account-jwt' flag", ui);
      method.config["Host"] = kubernetes_host_;
      method.config["CACert"] = *ca;
      method.config["ServiceAccountJWT"] = kubernetes_jwt_;
    }
    return finish(*api, method, "/v1/acl/auth-method", "Failed to create new auth method", ui);
  }

  std::string type_;
};

class MethodUpdate final : public MethodCommand {
 public:
  MethodUpdate()
      : MethodCommand(R"(
Usage: praetor acl auth-method update -name NAME [options]

  Changes an auth method. What is not given stays, unless -no-merge is.

      $ praetor acl auth-method update -name ci -config @ci.json
)") {
    add_setting_flags();
    flags_.add_bool("no-merge", &no_merge_, "Replaces the whole auth method by what is given.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (name_.empty())
      return refuse("Cannot update an auth method without specifying the -name parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    std::string path = "/v1/acl/auth-method/" + name_;
    auto current = find<AclAuthMethod>(*api, path);
    if (!current) return refuse("Error when retrieving current auth method: " + current.error().message, ui);
    if (!*current) return refuse(method_missing(name_), ui);
    AclAuthMethod method;
    method.name = name_;
    method.type = (*current)->type;
    if (!no_merge_) method = std::move(**current);
    set_plain(method);
    if (Status status = set_config(method, "for auth method config", ui); !status)
      return refuse(status.error().message, ui);
    auto ca = kubernetes_ca(ui);
    if (!ca) return refuse(ca.error().message, ui);
    if (method.type == "kubernetes" && config_.empty()) {
      if (no_merge_) {
        if (kubernetes_host_.empty()) return refuse("Missing required '-kubernetes-host' flag", ui);
        if (ca->empty()) return refuse("Missing required '-kubernetes-ca-cert' flag", ui);
        if (kubernetes_jwt_.empty())
          return refuse("Missing required '-kubernetes-service-account-jwt' flag", ui);
      }
      if (!kubernetes_host_.empty()) method.config["Host"] = kubernetes_host_;
      if (!ca->empty()) method.config["CACert"] = *ca;
      if (!kubernetes_jwt_.empty()) method.config["ServiceAccountJWT"] = kubernetes_jwt_;
    }
    return finish(*api, method, path, "Error updating auth method " + go_quote(name_), ui);
  }

  bool no_merge_ = false;
};

class MethodRead final : public MethodCommand {
 public:
  MethodRead()
      : MethodCommand(R"(
Usage: praetor acl auth-method read -name NAME [options]

  Shows an auth method.
)") {
    add_name_flag();
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (name_.empty()) return refuse("Must specify the -name parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto method = find<AclAuthMethod>(*api, "/v1/acl/auth-method/" + name_);
    if (!method)
      return refuse("Error reading auth method " + go_quote(name_) + ": " + method.error().message, ui);
    if (!*method) return refuse(method_missing(name_), ui);
    return show(**method, format_acl_auth_method, ui);
  }
};

class MethodList final : public MethodCommand {
 public:
  MethodList()
      : MethodCommand(R"(
Usage: praetor acl auth-method list [options]

  Lists the auth methods.
)") {
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    auto list = ask<codec::List<AclAuthMethodEntry>>(*api, "GET", "/v1/acl/auth-methods");
    if (!list) return refuse("Failed to retrieve the auth method list: " + list.error().message, ui);
    return show(*list, format_acl_auth_methods, ui);
  }
};

class MethodDelete final : public MethodCommand {
 public:
  MethodDelete()
      : MethodCommand(R"(
Usage: praetor acl auth-method delete -name NAME [options]

  Removes an auth method, its binding rules and the tokens made with it.
)") {
    add_name_flag();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (name_.empty()) return refuse("Must specify the -name parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    if (auto done = api->del("/v1/acl/auth-method/" + name_, params()); !done)
      return refuse("Error deleting auth method " + go_quote(name_) + ": " + done.error().message, ui);
    ui.print("Auth method " + go_quote(name_) + " deleted successfully");
    return 0;
  }
};

class RuleCommand : public AclCommand {
 protected:
  using AclCommand::AclCommand;

  void add_id_flag() { flags_.add_string("id", &id_, "Id of the binding rule, or its start."); }
  void add_setting_flags() {
    flags_.add_string("bind-name", &bind_name_, "Name to bind to; ${name} stands for what the login told.");
    flags_.add_string("bind-type", &bind_type_, "What the name is: \"service\" or \"role\".");
    flags_.add_string("description", &description_, "What the binding rule is for.");
    flags_.add_string("selector", &selector_,
                      "Expression that a login must match; every login if not given.");
    add_output_flags();
  }
  Result<std::string> key(Api& api) const {
    auto id = rule_id(api, id_);
    if (!id) return fail("Error determining binding rule ID: " + id.error().message);
    return id;
  }

  std::string id_, bind_name_, bind_type_, description_, selector_;
};

class RuleCreate final : public RuleCommand {
 public:
  RuleCreate()
      : RuleCommand(R"(
Usage: praetor acl binding-rule create [options]

  Makes a binding rule: what logging in with an auth method grants.

      $ praetor acl binding-rule create -method ci -bind-type service \
            -bind-name 'build-${project}'
)") {
    bind_type_ = "service";
    add_setting_flags();
    flags_.add_string("method", &method_, "Name of the auth method. Needed.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (method_.empty()) return refuse_with_help("Missing required '-method' flag", ui);
    if (bind_type_.empty()) return refuse_with_help("Missing required '-bind-type' flag", ui);
    if (bind_name_.empty()) return refuse_with_help("Missing required '-bind-name' flag", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    AclBindingRule rule;
    rule.auth_method = method_;
    rule.bind_type = bind_type_;
    rule.bind_name = bind_name_;
    rule.selector = selector_;
    rule.description = description_;
    auto made = ask<AclBindingRule>(*api, "PUT", "/v1/acl/binding-rule", codec::to_json(rule));
    if (!made) return refuse("Failed to create new binding rule: " + made.error().message, ui);
    return show(*made, format_acl_binding_rule, ui);
  }

  std::string method_;
};

class RuleUpdate final : public RuleCommand {
 public:
  RuleUpdate()
      : RuleCommand(R"(
Usage: praetor acl binding-rule update -id ID [options]

  Changes a binding rule. What is not given stays, unless -no-merge is.
)") {
    bind_type_ = "service";
    add_id_flag();
    add_setting_flags();
    flags_.add_bool("no-merge", &no_merge_, "Replaces the whole binding rule by what is given.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (id_.empty()) return refuse("Cannot update a binding rule without specifying the -id parameter", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = key(*api);
    if (!id) return refuse(id.error().message, ui);
    auto current = find<AclBindingRule>(*api, "/v1/acl/binding-rule/" + *id);
    if (!current) return refuse("Error when retrieving current binding rule: " + current.error().message, ui);
    if (!*current) return refuse("Binding rule not found with ID " + go_quote(*id), ui);
    AclBindingRule rule = std::move(**current);
    if (no_merge_) {
      if (bind_type_.empty()) return refuse_with_help("Missing required '-bind-type' flag", ui);
      if (bind_name_.empty()) return refuse_with_help("Missing required '-bind-name' flag", ui);
    }
    // An empty selector or description can be set, in any way of updating.
    if (no_merge_ || flags_.was_set("description")) rule.description = description_;
    if (no_merge_ || flags_.was_set("bind-type")) rule.bind_type = bind_type_;
    if (no_merge_ || !bind_name_.empty()) rule.bind_name = bind_name_;
    if (no_merge_ || flags_.was_set("selector")) rule.selector = selector_;
    auto changed = ask<AclBindingRule>(*api, "PUT", "/v1/acl/binding-rule/" + *id, codec::to_json(rule));
    if (!changed)
      return refuse("Error updating binding rule " + go_quote(*id) + ": " + changed.error().message, ui);
    return show(*changed, format_acl_binding_rule, ui);
  }

  bool no_merge_ = false;
};

class RuleRead final : public RuleCommand {
 public:
  RuleRead()
      : RuleCommand(R"(
Usage: praetor acl binding-rule read -id ID [options]

  Shows a binding rule.
)") {
    add_id_flag();
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (id_.empty()) return refuse("Must specify the -id parameter.", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = key(*api);
    if (!id) return refuse(id.error().message, ui);
    auto rule = find<AclBindingRule>(*api, "/v1/acl/binding-rule/" + *id);
    if (!rule) return refuse("Error reading binding rule " + go_quote(*id) + ": " + rule.error().message, ui);
    if (!*rule) return refuse("Binding rule not found with ID " + go_quote(*id), ui);
    return show(**rule, format_acl_binding_rule, ui);
  }
};

class RuleList final : public RuleCommand {
 public:
  RuleList()
      : RuleCommand(R"(
Usage: praetor acl binding-rule list [options]

  Lists the binding rules.
)") {
    flags_.add_string("method", &method_, "Only those of this auth method.");
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    Params list = params();
    if (!method_.empty()) list.emplace("authmethod", method_);
    auto response = api->get("/v1/acl/binding-rules", std::move(list));
    auto rules = response ? codec::from_json<codec::List<AclBindingRule>>(response->body)
                          : Result<codec::List<AclBindingRule>>(std::unexpected(response.error()));
    if (!rules) return refuse("Failed to retrieve the binding rule list: " + rules.error().message, ui);
    return show(*rules, format_acl_binding_rules, ui);
  }

  std::string method_;
};

class RuleDelete final : public RuleCommand {
 public:
  RuleDelete()
      : RuleCommand(R"(
Usage: praetor acl binding-rule delete -id ID [options]

  Removes a binding rule.
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
    if (auto done = api->del("/v1/acl/binding-rule/" + *id, params()); !done)
      return refuse("Error deleting binding rule " + go_quote(*id) + ": " + done.error().message, ui);
    ui.print("Binding rule " + go_quote(*id) + " deleted successfully");
    return 0;
  }
};

}  // namespace

CommandPtr make_acl_auth_method_create() { return std::make_unique<MethodCreate>(); }
CommandPtr make_acl_auth_method_update() { return std::make_unique<MethodUpdate>(); }
CommandPtr make_acl_auth_method_read() { return std::make_unique<MethodRead>(); }
CommandPtr make_acl_auth_method_list() { return std::make_unique<MethodList>(); }
CommandPtr make_acl_auth_method_delete() { return std::make_unique<MethodDelete>(); }
CommandPtr make_acl_binding_rule_create() { return std::make_unique<RuleCreate>(); }
CommandPtr make_acl_binding_rule_update() { return std::make_unique<RuleUpdate>(); }
CommandPtr make_acl_binding_rule_read() { return std::make_unique<RuleRead>(); }
CommandPtr make_acl_binding_rule_list() { return std::make_unique<RuleList>(); }
CommandPtr make_acl_binding_rule_delete() { return std::make_unique<RuleDelete>(); }

}  // namespace praetor::cli
