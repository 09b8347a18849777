#include "cli/acl_command.h"

#include <algorithm>

#include "base/text.h"

namespace praetor::cli {
namespace {

using codec::List;

constexpr size_t kIdLength = 36;
constexpr std::string_view kAnonymousToken = "00000000-0000-0000-0000-000000000002";
constexpr std::string_view kGlobalManagement = "00000000-0000-0000-0000-000000000001";

// The one id of the list that starts so.
template <typename T>
Result<std::string> unique_start(const List<T>& list, std::string T::* id, const std::string& start,
                                 std::string_view what) {
  std::string found;
  for (const T& record : list) {
    if (!(record.*id).starts_with(start)) continue;
    if (!found.empty()) return fail("Partial " + std::string(what) + " ID is not unique");
    found = record.*id;
  }
  if (found.empty()) return fail("No such " + std::string(what) + " ID with prefix: " + start);
  return found;
}

template <typename T>
Result<std::string> id_of_name(const List<T>& list, const std::string& name, std::string_view what) {
  for (const T& record : list) {
    if (record.name == name) return record.id;
  }
  return fail("No such " + std::string(what) + " with name " + name);
}

}  // namespace

void AclCommand::add_output_flags(bool with_meta) {
  flags_.add_string("format", &format_, "Form of the output: {pretty|json}");
  if (with_meta) flags_.add_bool("meta", &meta_, "Shows hashes and indexes too.");
}

Params AclCommand::params() const {
  Params list;
  if (namespace_) list.emplace("ns", *namespace_);
  return list;
}

int AclCommand::refuse_with_help(const std::string& message, Ui& ui) const {
  ui.error(message);
  ui.error(help(ui));
  return 1;
}

Result<std::string> AclCommand::token_id(Api& api, const std::string& start) const {
  if (start == "anonymous") return std::string(kAnonymousToken);
  if (start.size() == kIdLength) return start;
  TRY_ASSIGN(auto list, ask<List<AclTokenEntry>>(api, "GET", "/v1/acl/tokens"));
  return unique_start(list, &AclTokenEntry::accessor_id, start, "token");
}

Result<std::string> AclCommand::policy_id(Api& api, const std::string& start) const {
  if (start == "global-management") return std::string(kGlobalManagement);
  if (start.size() == kIdLength) return start;
  TRY_ASSIGN(auto list, ask<List<AclPolicyEntry>>(api, "GET", "/v1/acl/policies"));
  return unique_start(list, &AclPolicyEntry::id, start, "policy");
}

Result<std::string> AclCommand::role_id(Api& api, const std::string& start) const {
  if (start.size() == kIdLength) return start;
  TRY_ASSIGN(auto list, ask<List<AclRole>>(api, "GET", "/v1/acl/roles"));
  return unique_start(list, &AclRole::id, start, "role");
}

Result<std::string> AclCommand::rule_id(Api& api, const std::string& start) const {
  if (start.size() == kIdLength) return start;
  TRY_ASSIGN(auto list, ask<List<AclBindingRule>>(api, "GET", "/v1/acl/binding-rules"));
  return unique_start(list, &AclBindingRule::id, start, "rule");
}

Result<std::string> AclCommand::policy_id_of_name(Api& api, const std::string& name) const {
  TRY_ASSIGN(auto list, ask<List<AclPolicyEntry>>(api, "GET", "/v1/acl/policies"));
  return id_of_name(list, name, "policy");
}

Result<std::string> AclCommand::role_id_of_name(Api& api, const std::string& name) const {
  TRY_ASSIGN(auto list, ask<List<AclRole>>(api, "GET", "/v1/acl/roles"));
  return id_of_name(list, name, "role");
}

Result<std::string> AclCommand::translate(Api& api, const std::string& rules) const {
  TRY_ASSIGN(HttpResponse response, api.request("POST", "/v1/acl/rules/translate", params(), rules));
  constexpr std::string_view kLead = "Bad request: ";
  if (response.status == 400 && response.body.starts_with(kLead))
    return fail(response.body.substr(kLead.size()));
  TRY(require_ok(response));
  return std::move(response.body);
}

Result<std::string> AclCommand::legacy_rules(Api& api, const std::string& id, bool is_secret) const {
  TRY_ASSIGN(std::string whole, token_id(api, id));
  Result<AclToken> token = fail("");
  if (is_secret) {
    auto other = api.clone(nullptr);
    other->set_token(whole);
    token = ask<AclToken>(*other, "GET", "/v1/acl/token/self");
  } else {
    token = ask<AclToken>(api, "GET", "/v1/acl/token/" + whole);
  }
  if (!token) return fail("Error reading token: " + token.error().message);
  return token->rules;
}

void GrantFlags::add_to(FlagSet& flags, bool with_roles) {
  flags.add_list("node-identity", &nodes_,
                 "Node whose identity is granted, as NODENAME:DATACENTER. May be given several times.");
  flags.add_list("policy-id", &policy_ids_, "Id of a policy, or its start. May be given several times.");
  flags.add_list("policy-name", &policy_names_, "Name of a policy. May be given several times.");
  if (with_roles) {
    flags.add_list("role-id", &role_ids_, "Id of a role, or its start. May be given several times.");
    flags.add_list("role-name", &role_names_, "Name of a role. May be given several times.");
  }
  flags.add_list(
      "service-identity", &services_,
      "Service whose identity is granted, as SERVICENAME or SERVICENAME:DATACENTER1,DATACENTER2,... May "
      "be given several times.");
}

bool GrantFlags::empty() const {
  return policy_ids_.empty() && policy_names_.empty() && role_ids_.empty() && role_names_.empty() &&
         services_.empty() && nodes_.empty();
}

namespace {

Result<AclServiceIdentity> parse_service(const std::string& text) {
  std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() > 2) return fail("Malformed -service-identity argument: " + go_quote(text));
  AclServiceIdentity identity;
  identity.service_name = parts[0];
  if (parts.size() == 2) {
    for (std::string_view name : split(parts[1], ',')) identity.datacenters.push_back(std::string(name));
  }
  return identity;
}

Result<AclNodeIdentity> parse_node(const std::string& text) {
  std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() != 2) return fail("Malformed -node-identity argument: " + go_quote(text));
  return AclNodeIdentity{std::string(parts[0]), std::string(parts[1])};
}

// Links by name, then by id, that are not there yet.
Status add_links(List<AclLink>& links, const std::vector<std::string>& names,
                 const std::vector<std::string>& ids, const GrantFlags::Resolve& resolve,
                 std::string_view what) {
  auto missing = [&](std::string AclLink::* field, const std::string& value) {
    return std::ranges::none_of(links, [&](const AclLink& link) { return link.*field == value; });
  };
  for (const std::string& name : names) {
    if (missing(&AclLink::name, name)) links.push_back({"", name});
  }
  for (const std::string& start : ids) {
    auto id = resolve(start);
    // The gap before the colon is Consul's: it means to name the id and does not.
    if (!id) return fail("Error resolving " + std::string(what) + " ID : " + id.error().message);
    if (missing(&AclLink::id, *id)) links.push_back({*id, ""});
  }
  return {};
}

}  // namespace

Status GrantFlags::apply(AclGrants& grants, const Merge& merge, const Resolve& policy,
                         const Resolve& role) const {
  std::vector<AclServiceIdentity> services;
  for (const std::string& text : services_) {
    TRY_ASSIGN(auto identity, parse_service(text));
    services.push_back(std::move(identity));
  }
  std::vector<AclNodeIdentity> nodes;
  for (const std::string& text : nodes_) {
    TRY_ASSIGN(auto identity, parse_node(text));
    nodes.push_back(std::move(identity));
  }
  if (!merge.policies) grants.policies = {};
  TRY(add_links(grants.policies, policy_names_, policy_ids_, policy, "policy"));
  if (!merge.roles) grants.roles = {};
  TRY(add_links(grants.roles, role_names_, role_ids_, role, "role"));
  if (!merge.service_identities) grants.service_identities = {};
  for (AclServiceIdentity& one : services) {
    auto same =
        std::ranges::find(grants.service_identities, one.service_name, &AclServiceIdentity::service_name);
    if (merge.service_identities && same != grants.service_identities.end()) {
      *same = std::move(one);
    } else {
      grants.service_identities.push_back(std::move(one));
    }
  }
  if (!merge.node_identities) grants.node_identities = {};
  for (AclNodeIdentity& one : nodes) {
    bool known = std::ranges::any_of(grants.node_identities, [&](const AclNodeIdentity& each) {
      return each.node_name == one.node_name && each.datacenter == one.datacenter;
    });
    if (!merge.node_identities || !known) grants.node_identities.push_back(std::move(one));
  }
  return {};
}

}  // namespace praetor::cli
