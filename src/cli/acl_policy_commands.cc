// acl policy create, update, read, list, delete.
#include "base/text.h"
#include "cli/acl_command.h"
#include "cli/commands.h"

namespace praetor::cli {
namespace {

constexpr std::string_view kNoIdOrName = "Must specify either the -id or -name parameters";

class PolicyCommand : public AclCommand {
 protected:
  using AclCommand::AclCommand;

  void add_key_flags() {
    flags_.add_string("id", &id_, "Id of the policy, or its start.");
    flags_.add_string("name", &name_, "Name of the policy.");
  }
  bool has_key() const { return !id_.empty() || !name_.empty(); }
  // The policy that -id or -name says.
  Result<std::string> key(Api& api) const {
    auto id = id_.empty() ? policy_id_of_name(api, name_) : policy_id(api, id_);
    if (!id) return fail("Error determining policy ID: " + id.error().message);
    return id;
  }

  std::string id_, name_;
};

class PolicyCreate final : public PolicyCommand {
 public:
  PolicyCreate()
      : PolicyCommand(R"(
Usage: praetor acl policy create -name NAME [options]

  Makes a policy. Its rules are given on the command line, in a file or on
  standard input:

      $ praetor acl policy create -name readers -rules @readers.hcl
)") {
    flags_.add_string("description", &description_, "What the policy is for.");
    flags_.add_string("from-token", &from_token_, "Takes the rules of this legacy token, translated.");
    flags_.add_string("name", &name_, "Name of the policy. Needed.");
    flags_.add_string("rules", &rules_,
                      "Rules of the policy: '@' and a file's name, '-' for standard input, or a text.");
    flags_.add_bool("token-secret", &from_secret_, "What -from-token says is a secret ID.");
    flags_.add_list(
        "valid-datacenter", &datacenters_,
        "Datacenter in which the policy holds; all if none is given. May be given several times.");
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (name_.empty()) return refuse_with_help("Missing require '-name' flag", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto rules = wanted_rules(*api, ui);
    if (!rules) return refuse("Error loading rules: " + rules.error().message, ui);
    AclPolicy policy;
    policy.name = name_;
    policy.description = description_;
    policy.rules = *rules;
    for (const std::string& name : datacenters_) policy.datacenters.push_back(name);
    auto made = ask<AclPolicy>(*api, "PUT", "/v1/acl/policy", codec::to_json(policy));
    if (!made) return refuse("Failed to create new policy: " + made.error().message, ui);
    return show(*made, format_acl_policy, ui);
  }

  Result<std::string> wanted_rules(Api& api, Ui& ui) const {
    if (!rules_.empty() && !from_token_.empty()) return fail("Cannot specify both -rules and -from-token");
    if (from_token_.empty()) return read_data(rules_, ui);
    TRY_ASSIGN(std::string legacy, legacy_rules(api, from_token_, from_secret_));
    return translate(api, legacy);
  }

  std::string description_, from_token_, rules_;
  bool from_secret_ = false;
  std::vector<std::string> datacenters_;
};

class PolicyUpdate final : public PolicyCommand {
 public:
  PolicyUpdate()
      : PolicyCommand(R"(
Usage: praetor acl policy update [options]

  Changes a policy. What is not given stays, unless -no-merge is.

      $ praetor acl policy update -name readers -rules @readers.hcl
)") {
    add_key_flags();
    flags_.add_string("description", &description_, "What the policy is for.");
    flags_.add_bool("no-merge", &no_merge_, "Replaces the whole policy by what is given.");
    flags_.add_string("rules", &rules_,
                      "Rules of the policy: '@' and a file's name, '-' for standard input, or a text.");
    flags_.add_list(
        "valid-datacenter", &datacenters_,
        "Datacenter in which the policy holds; all if none is given. May be given several times.");
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (!has_key()) return refuse(std::string(kNoIdOrName), ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = key(*api);
    if (!id) return refuse(id.error().message, ui);
    auto rules = read_data(rules_, ui);
    if (!rules) return refuse("Error loading rules: " + rules.error().message, ui);
    AclPolicy policy;
    if (!no_merge_) {
      auto current = ask<AclPolicy>(*api, "GET", "/v1/acl/policy/" + *id);
      if (!current) return refuse("Error when retrieving current policy: " + current.error().message, ui);
      policy = std::move(*current);
    }
    policy.id = *id;
    if (no_merge_ || flags_.was_set("name")) policy.name = name_;
    if (no_merge_ || flags_.was_set("description")) policy.description = description_;
    if (no_merge_ || flags_.was_set("rules")) policy.rules = *rules;
    if (no_merge_ || flags_.was_set("valid-datacenter")) {
      policy.datacenters = {};
      for (const std::string& name : datacenters_) policy.datacenters.push_back(name);
    }
    auto changed = ask<AclPolicy>(*api, "PUT", "/v1/acl/policy/" + *id, codec::to_json(policy));
    if (!changed)
      return refuse("Error updating policy " + go_quote(*id) + ": " + changed.error().message, ui);
    return show(*changed, format_acl_policy, ui);
  }

  std::string description_, rules_;
  bool no_merge_ = false;
  std::vector<std::string> datacenters_;
};

class PolicyRead final : public PolicyCommand {
 public:
  PolicyRead()
      : PolicyCommand(R"(
Usage: praetor acl policy read [options] POLICY

  Shows a policy and its rules.

      $ praetor acl policy read -name readers
)") {
    add_key_flags();
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (!has_key()) return refuse(std::string(kNoIdOrName), ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = key(*api);
    if (!id) return refuse(id.error().message, ui);
    auto policy = ask<AclPolicy>(*api, "GET", "/v1/acl/policy/" + *id);
    if (!policy) return refuse("Error reading policy " + go_quote(*id) + ": " + policy.error().message, ui);
    return show(*policy, format_acl_policy, ui);
  }
};

class PolicyList final : public PolicyCommand {
 public:
  PolicyList()
      : PolicyCommand(R"(
Usage: praetor acl policy list [options]

  Lists the policies.
)") {
    add_output_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    auto list = ask<codec::List<AclPolicyEntry>>(*api, "GET", "/v1/acl/policies");
    if (!list) return refuse("Failed to retrieve the policy list: " + list.error().message, ui);
    return show(*list, format_acl_policies, ui);
  }
};

class PolicyDelete final : public PolicyCommand {
 public:
  PolicyDelete()
      : PolicyCommand(R"(
Usage: praetor acl policy delete [options] -id POLICY

  Removes a policy.

      $ praetor acl policy delete -name readers
)") {
    add_key_flags();
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (!has_key()) return refuse(std::string(kNoIdOrName), ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = key(*api);
    if (!id) return refuse(id.error().message, ui);
    if (auto done = api->del("/v1/acl/policy/" + *id, params()); !done)
      return refuse("Error deleting policy " + go_quote(*id) + ": " + done.error().message, ui);
    ui.print("Policy " + go_quote(*id) + " deleted successfully");
    return 0;
  }
};

}  // namespace

CommandPtr make_acl_policy_create() { return std::make_unique<PolicyCreate>(); }
CommandPtr make_acl_policy_update() { return std::make_unique<PolicyUpdate>(); }
CommandPtr make_acl_policy_read() { return std::make_unique<PolicyRead>(); }
CommandPtr make_acl_policy_list() { return std::make_unique<PolicyList>(); }
CommandPtr make_acl_policy_delete() { return std::make_unique<PolicyDelete>(); }

}  // namespace praetor::cli
