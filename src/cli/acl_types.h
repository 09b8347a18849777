// Records of the ACL API as commands read, print and send them: field order and omissions are those of
// Consul's Go client, whose JSON `-format=json` shows.
#pragma once

#include <optional>
#include <string>

#include "codec/type.h"
#include "codec/value.h"

namespace praetor::cli {

struct AclLink {
  std::string id;
  std::string name;
};
PRAETOR_DESCRIBED(AclLink)

struct AclServiceIdentity {
  std::string service_name;
  codec::List<std::string> datacenters;
};
PRAETOR_DESCRIBED(AclServiceIdentity)

struct AclNodeIdentity {
  std::string node_name;
  std::string datacenter;
};
PRAETOR_DESCRIBED(AclNodeIdentity)

// What tokens and roles grant.
struct AclGrants {
  codec::List<AclLink> policies;
  codec::List<AclLink> roles;  // tokens only
  codec::List<AclServiceIdentity> service_identities;
  codec::List<AclNodeIdentity> node_identities;
};

struct AclToken : AclGrants {
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
  std::string accessor_id;
  std::string secret_id;
  std::string description;
  bool local = false;
  std::string auth_method;
  Duration expiration_ttl{};
  std::optional<Time> expiration_time;
  Time create_time;
  codec::Bytes hash;
  std::string rules;
  std::string ns;
};
PRAETOR_DESCRIBED(AclToken)

struct AclTokenEntry : AclGrants {
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
  std::string accessor_id;
  std::string description;
  bool local = false;
  std::string auth_method;
  std::optional<Time> expiration_time;
  Time create_time;
  codec::Bytes hash;
  bool legacy = false;
  std::string ns;
};
PRAETOR_DESCRIBED(AclTokenEntry)

struct AclPolicy {
  std::string id;
  std::string name;
  std::string description;
  std::string rules;
  codec::List<std::string> datacenters;
  codec::Bytes hash;
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
  std::string ns;
};
PRAETOR_DESCRIBED(AclPolicy)

struct AclPolicyEntry {
  std::string id;
  std::string name;
  std::string description;
  codec::List<std::string> datacenters;
  codec::Bytes hash;
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
  std::string ns;
};
PRAETOR_DESCRIBED(AclPolicyEntry)

struct AclRole : AclGrants {
  std::string id;
  std::string name;
  std::string description;
  codec::Bytes hash;
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
  std::string ns;
};
PRAETOR_DESCRIBED(AclRole)

struct AclAuthMethod {
  Duration max_token_ttl{};
  std::string name;
  std::string type;
  std::string display_name;
  std::string description;
  std::string token_locality;
  codec::Map<codec::Value> config;
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
  std::string ns;
};
PRAETOR_DESCRIBED(AclAuthMethod)

struct AclAuthMethodEntry {
  std::string name;
  std::string type;
  std::string display_name;
  std::string description;
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
  std::string ns;
};
PRAETOR_DESCRIBED(AclAuthMethodEntry)

struct AclBindingRule {
  std::string id;
  std::string description;
  std::string auth_method;
  std::string bind_type;
  std::string selector;
  std::string bind_name;
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
  std::string ns;
};
PRAETOR_DESCRIBED(AclBindingRule)

}  // namespace praetor::cli
