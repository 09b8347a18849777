// The pretty forms of the ACL records.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/acl_command.h"

namespace praetor::cli {
namespace {

using codec::List;

// Lines of `Key: value`, values in one column, behind an indent.
class Lines {
 public:
  explicit Lines(size_t width, std::string_view indent = "") : width_(width), indent_(indent) {}

  void add(std::string_view key, std::string_view value) {
    text_ += fmt::format("{}{:<{}}{}\n", indent_, std::string(key) + ":", width_, value);
  }
  void add_if(std::string_view key, std::string_view value) {
    if (!value.empty()) add(key, value);
  }
  void add(std::string_view line) { text_ += std::string(indent_) + std::string(line) + "\n"; }

  template <typename T>
  void add_meta(const T& record) {
    add("Hash",
        hex_encode(std::string_view(reinterpret_cast<const char*>(record.hash.data()), record.hash.size())));
    add_indexes(record);
  }
  // These two keys are not padded where the column is narrower than they are.
  template <typename T>
  void add_indexes(const T& record) {
    size_t least = sizeof("Create Index: ") - 1;
    size_t column = std::max(width_, least);
    text_ += fmt::format("{}{:<{}}{}\n", indent_, "Create Index:", column, record.create_index);
    text_ += fmt::format("{}{:<{}}{}\n", indent_, "Modify Index:", column, record.modify_index);
  }

  void add_links(std::string_view title, const List<AclLink>& links) {
    if (links.empty()) return;
    add(std::string(title) + ":");
    for (const AclLink& link : links) add("   " + link.id + " - " + link.name);
  }
  void add_services(const AclGrants& grants) {
    if (grants.service_identities.empty()) return;
    add("Service Identities:");
    for (const AclServiceIdentity& one : grants.service_identities)
      add("   " + one.service_name +
          " (Datacenters: " + (one.datacenters.empty() ? "all" : list(one.datacenters)) + ")");
  }
  void add_nodes(const AclGrants& grants) {
    if (grants.node_identities.empty()) return;
    add("Node Identities:");
    for (const AclNodeIdentity& one : grants.node_identities)
      add("   " + one.node_name + " (Datacenter: " + one.datacenter + ")");
  }

  static std::string list(const List<std::string>& names) {
    return join(std::vector<std::string>(names.begin(), names.end()), ", ");
  }

  std::string take() { return std::move(text_); }

 private:
  size_t width_;
  std::string_view indent_;
  std::string text_;
};

// As Go prints a time.Time: `2006-01-02 15:04:05.999999999 +0000 UTC`.
std::string time_text(Time time) {
  std::string text = format_rfc3339(time);
  text.replace(text.find('T'), 1, " ");
  text.replace(text.find('Z'), 1, " +0000 UTC");
  return text;
}

template <typename T>
void add_times(Lines& lines, const T& token) {
  lines.add_if("Auth Method", token.auth_method);
  lines.add("Create Time", time_text(token.create_time));
  if (token.expiration_time) lines.add("Expiration Time", time_text(*token.expiration_time));
}

constexpr size_t kTokenColumn = 18;
constexpr size_t kColumn = 14;
constexpr size_t kMethodColumn = 15;
constexpr std::string_view kIndent = "   ";

template <typename T>
std::string concatenate(const List<T>& list, std::string (*one)(const T&, bool), bool meta) {
  std::string text;
  for (const T& record : list) text += one(record, meta);
  return text;
}

std::string token_entry(const AclTokenEntry& token, bool meta) {
  Lines lines(kTokenColumn);
  lines.add("AccessorID", token.accessor_id);
  lines.add("Description", token.description);
  lines.add("Local", token.local ? "true" : "false");
  add_times(lines, token);
  lines.add("Legacy", token.legacy ? "true" : "false");
  if (meta) lines.add_meta(token);
  lines.add_links("Policies", token.policies);
  lines.add_links("Roles", token.roles);
  // Twice, as in Consul 1.8.7, which forgets the node identities for it.
  lines.add_services(token);
  lines.add_services(token);
  lines.add("");
  return lines.take();
}

std::string policy_entry(const AclPolicyEntry& policy, bool meta) {
  Lines lines(kColumn, kIndent);
  lines.add("ID", policy.id);
  lines.add("Description", policy.description);
  lines.add("Datacenters", Lines::list(policy.datacenters));
  if (meta) lines.add_meta(policy);
  return policy.name + ":\n" + lines.take();
}

void add_role(Lines& lines, const AclRole& role, bool meta) {
  lines.add("Description", role.description);
  if (meta) lines.add_meta(role);
  lines.add_links("Policies", role.policies);
  lines.add_services(role);
  lines.add_nodes(role);
}

std::string role_entry(const AclRole& role, bool meta) {
  Lines lines(kColumn, kIndent);
  lines.add("ID", role.id);
  add_role(lines, role, meta);
  return role.name + ":\n" + lines.take();
}

std::string method_entry(const AclAuthMethodEntry& method, bool meta) {
  Lines lines(kColumn, kIndent);
  lines.add("Type", method.type);
  lines.add_if("DisplayName", method.display_name);
  lines.add("Description", method.description);
  if (meta) lines.add_indexes(method);
  return method.name + ":\n" + lines.take();
}

void add_rule(Lines& lines, const AclBindingRule& rule, bool meta) {
  lines.add("AuthMethod", rule.auth_method);
  lines.add("Description", rule.description);
  lines.add("BindType", rule.bind_type);
  lines.add("BindName", rule.bind_name);
  lines.add("Selector", rule.selector);
  if (meta) lines.add_indexes(rule);
}

std::string rule_entry(const AclBindingRule& rule, bool meta) {
  Lines lines(kColumn, kIndent);
  add_rule(lines, rule, meta);
  return rule.id + ":\n" + lines.take();
}

}  // namespace

std::string format_acl_token(const AclToken& token, bool meta) {
  Lines lines(kTokenColumn);
  lines.add("AccessorID", token.accessor_id);
  lines.add("SecretID", token.secret_id);
  lines.add("Description", token.description);
  lines.add("Local", token.local ? "true" : "false");
  add_times(lines, token);
  if (meta) lines.add_meta(token);
  lines.add_links("Policies", token.policies);
  lines.add_links("Roles", token.roles);
  lines.add_services(token);
  lines.add_nodes(token);
  if (!token.rules.empty()) {
    lines.add("Rules:");
    lines.add(token.rules);
  }
  return lines.take();
}

std::string format_acl_policy(const AclPolicy& policy, bool meta) {
  Lines lines(kColumn);
  lines.add("ID", policy.id);
  lines.add("Name", policy.name);
  lines.add("Description", policy.description);
  lines.add("Datacenters", Lines::list(policy.datacenters));
  if (meta) lines.add_meta(policy);
  lines.add("Rules:");
  return lines.take() + policy.rules;
}

std::string format_acl_role(const AclRole& role, bool meta) {
  Lines lines(kColumn);
  lines.add("ID", role.id);
  lines.add("Name", role.name);
  add_role(lines, role, meta);
  return lines.take();
}

std::string format_acl_auth_method(const AclAuthMethod& method, bool meta) {
  Lines lines(kMethodColumn);
  lines.add("Name", method.name);
  lines.add("Type", method.type);
  lines.add_if("DisplayName", method.display_name);
  lines.add("Description", method.description);
  if (method.max_token_ttl != Duration::zero())
    lines.add("MaxTokenTTL", format_duration(method.max_token_ttl));
  lines.add_if("TokenLocality", method.token_locality);
  if (meta) lines.add_indexes(method);
  lines.add("Config:");
  return lines.take() + codec::indent_json(codec::to_json(method.config), "", "  ");
}

std::string format_acl_binding_rule(const AclBindingRule& rule, bool meta) {
  Lines lines(kColumn);
  lines.add("ID", rule.id);
  add_rule(lines, rule, meta);
  return lines.take();
}

std::string format_acl_tokens(const List<AclTokenEntry>& tokens, bool meta) {
  std::string text = concatenate(tokens, token_entry, meta);
  if (!text.empty()) text.pop_back();  // an empty line between them
  return text;
}
std::string format_acl_policies(const List<AclPolicyEntry>& policies, bool meta) {
  return concatenate(policies, policy_entry, meta);
}
std::string format_acl_roles(const List<AclRole>& roles, bool meta) {
  return concatenate(roles, role_entry, meta);
}
std::string format_acl_auth_methods(const List<AclAuthMethodEntry>& methods, bool meta) {
  return concatenate(methods, method_entry, meta);
}
std::string format_acl_binding_rules(const List<AclBindingRule>& rules, bool meta) {
  return concatenate(rules, rule_entry, meta);
}

}  // namespace praetor::cli
