#include "cli/acl_types.h"

namespace praetor::cli {

PRAETOR_DESCRIBE(AclLink, "ACLLink",         //
                 field("ID", &AclLink::id),  //
                 field("Name", &AclLink::name))

PRAETOR_DESCRIBE(AclServiceIdentity, "ACLServiceIdentity",                 //
                 field("ServiceName", &AclServiceIdentity::service_name),  //
                 field("Datacenters", &AclServiceIdentity::datacenters).omit_empty())

PRAETOR_DESCRIBE(AclNodeIdentity, "ACLNodeIdentity",              //
                 field("NodeName", &AclNodeIdentity::node_name),  //
                 field("Datacenter", &AclNodeIdentity::datacenter))

PRAETOR_DESCRIBE(AclToken, "ACLToken",                                                    //
                 field("CreateIndex", &AclToken::create_index),                           //
                 field("ModifyIndex", &AclToken::modify_index),                           //
                 field("AccessorID", &AclToken::accessor_id),                             //
                 field("SecretID", &AclToken::secret_id),                                 //
                 field("Description", &AclToken::description),                            //
                 field("Policies", &AclToken::policies).omit_empty(),                     //
                 field("Roles", &AclToken::roles).omit_empty(),                           //
                 field("ServiceIdentities", &AclToken::service_identities).omit_empty(),  //
                 field("NodeIdentities", &AclToken::node_identities).omit_empty(),        //
                 field("Local", &AclToken::local),                                        //
                 field("AuthMethod", &AclToken::auth_method).omit_empty(),                //
                 field("ExpirationTTL", &AclToken::expiration_ttl).omit_empty(),          //
                 field("ExpirationTime", &AclToken::expiration_time).omit_empty(),        //
                 field("CreateTime", &AclToken::create_time),                             //
                 field("Hash", &AclToken::hash).omit_empty(),                             //
                 field("Rules", &AclToken::rules).omit_empty(),                           //
                 field("Namespace", &AclToken::ns).omit_empty())

PRAETOR_DESCRIBE(AclTokenEntry, "ACLTokenListEntry",                                           //
                 field("CreateIndex", &AclTokenEntry::create_index),                           //
                 field("ModifyIndex", &AclTokenEntry::modify_index),                           //
                 field("AccessorID", &AclTokenEntry::accessor_id),                             //
                 field("Description", &AclTokenEntry::description),                            //
                 field("Policies", &AclTokenEntry::policies).omit_empty(),                     //
                 field("Roles", &AclTokenEntry::roles).omit_empty(),                           //
                 field("ServiceIdentities", &AclTokenEntry::service_identities).omit_empty(),  //
                 field("NodeIdentities", &AclTokenEntry::node_identities).omit_empty(),        //
                 field("Local", &AclTokenEntry::local),                                        //
                 field("AuthMethod", &AclTokenEntry::auth_method).omit_empty(),                //
                 field("ExpirationTime", &AclTokenEntry::expiration_time).omit_empty(),        //
                 field("CreateTime", &AclTokenEntry::create_time),                             //
                 field("Hash", &AclTokenEntry::hash),                                          //
                 field("Legacy", &AclTokenEntry::legacy),                                      //
                 field("Namespace", &AclTokenEntry::ns).omit_empty())

PRAETOR_DESCRIBE(AclPolicy, "ACLPolicy",                          //
                 field("ID", &AclPolicy::id),                     //
                 field("Name", &AclPolicy::name),                 //
                 field("Description", &AclPolicy::description),   //
                 field("Rules", &AclPolicy::rules),               //
                 field("Datacenters", &AclPolicy::datacenters),   //
                 field("Hash", &AclPolicy::hash),                 //
                 field("CreateIndex", &AclPolicy::create_index),  //
                 field("ModifyIndex", &AclPolicy::modify_index),  //
                 field("Namespace", &AclPolicy::ns).omit_empty())

PRAETOR_DESCRIBE(AclPolicyEntry, "ACLPolicyListEntry",                 //
                 field("ID", &AclPolicyEntry::id),                     //
                 field("Name", &AclPolicyEntry::name),                 //
                 field("Description", &AclPolicyEntry::description),   //
                 field("Datacenters", &AclPolicyEntry::datacenters),   //
                 field("Hash", &AclPolicyEntry::hash),                 //
                 field("CreateIndex", &AclPolicyEntry::create_index),  //
                 field("ModifyIndex", &AclPolicyEntry::modify_index),  //
                 field("Namespace", &AclPolicyEntry::ns).omit_empty())

PRAETOR_DESCRIBE(AclRole, "ACLRole",                                                     //
                 field("ID", &AclRole::id),                                              //
                 field("Name", &AclRole::name),                                          //
                 field("Description", &AclRole::description),                            //
                 field("Policies", &AclRole::policies).omit_empty(),                     //
                 field("ServiceIdentities", &AclRole::service_identities).omit_empty(),  //
                 field("NodeIdentities", &AclRole::node_identities).omit_empty(),        //
                 field("Hash", &AclRole::hash),                                          //
                 field("CreateIndex", &AclRole::create_index),                           //
                 field("ModifyIndex", &AclRole::modify_index),                           //
                 field("Namespace", &AclRole::ns).omit_empty())

PRAETOR_DESCRIBE(
    AclAuthMethod, "ACLAuthMethod",                                                               //
    field("MaxTokenTTL", &AclAuthMethod::max_token_ttl).omit_empty().flag(codec::kDurationText),  //
    field("Name", &AclAuthMethod::name),                                                          //
    field("Type", &AclAuthMethod::type),                                                          //
    field("DisplayName", &AclAuthMethod::display_name).omit_empty(),                              //
    field("Description", &AclAuthMethod::description).omit_empty(),                               //
    field("TokenLocality", &AclAuthMethod::token_locality).omit_empty(),                          //
    field("Config", &AclAuthMethod::config),                                                      //
    field("CreateIndex", &AclAuthMethod::create_index),                                           //
    field("ModifyIndex", &AclAuthMethod::modify_index),                                           //
    field("Namespace", &AclAuthMethod::ns).omit_empty())

PRAETOR_DESCRIBE(AclAuthMethodEntry, "ACLAuthMethodListEntry",                          //
                 field("Name", &AclAuthMethodEntry::name),                              //
                 field("Type", &AclAuthMethodEntry::type),                              //
                 field("DisplayName", &AclAuthMethodEntry::display_name).omit_empty(),  //
                 field("Description", &AclAuthMethodEntry::description).omit_empty(),   //
                 field("CreateIndex", &AclAuthMethodEntry::create_index),               //
                 field("ModifyIndex", &AclAuthMethodEntry::modify_index),               //
                 field("Namespace", &AclAuthMethodEntry::ns).omit_empty())

PRAETOR_DESCRIBE(AclBindingRule, "ACLBindingRule",                     //
                 field("ID", &AclBindingRule::id),                     //
                 field("Description", &AclBindingRule::description),   //
                 field("AuthMethod", &AclBindingRule::auth_method),    //
                 field("Selector", &AclBindingRule::selector),         //
                 field("BindType", &AclBindingRule::bind_type),        //
                 field("BindName", &AclBindingRule::bind_name),        //
                 field("CreateIndex", &AclBindingRule::create_index),  //
                 field("ModifyIndex", &AclBindingRule::modify_index),  //
                 field("Namespace", &AclBindingRule::ns).omit_empty())

}  // namespace praetor::cli
