// The keys of a configuration file (config.md 2 to 7), every one that Consul 1.8.7 knows. Each source
// (defaults, flags, files, fragments) is read into a ConfigFile; merged in their order they are what
// config_build reads. Names of fields are the keys. Pure values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/definition.h"
#include "codec/type.h"

namespace praetor::agent {

using codec::Value;

struct ConfigAddresses {
  std::optional<std::string> dns;
  std::optional<std::string> http;
  std::optional<std::string> https;
  std::optional<std::string> grpc;
};
PRAETOR_DESCRIBED(ConfigAddresses)

struct ConfigServiceProviderToken {
  std::optional<std::string> accessor_id;
  std::optional<std::string> secret_id;
};
PRAETOR_DESCRIBED(ConfigServiceProviderToken)

struct ConfigAclTokens {
  std::optional<std::string> master;
  std::optional<std::string> replication;
  std::optional<std::string> agent_master;
  std::optional<std::string> default_token;
  std::optional<std::string> agent;
  List<ConfigServiceProviderToken> managed_service_provider;
};
PRAETOR_DESCRIBED(ConfigAclTokens)

struct ConfigAcl {
  std::optional<bool> enabled;
  std::optional<bool> enable_token_replication;
  std::optional<std::string> policy_ttl;
  std::optional<std::string> role_ttl;
  std::optional<std::string> token_ttl;
  std::optional<std::string> down_policy;
  std::optional<std::string> default_policy;
  std::optional<bool> enable_key_list_policy;
  ConfigAclTokens tokens;
  std::optional<std::string> disabled_ttl;
  std::optional<bool> enable_token_persistence;
  std::optional<bool> msp_disable_bootstrap;
};
PRAETOR_DESCRIBED(ConfigAcl)

struct ConfigAudit {
  std::optional<bool> enabled;
  Map<Value> sink;
};
PRAETOR_DESCRIBED(ConfigAudit)

struct ConfigAuthorizationStatic {
  List<std::string> jwt_supported_algs;
  List<std::string> bound_audiences;
  Map<std::string> claim_mappings;
  Map<std::string> list_claim_mappings;
  std::optional<std::string> oidc_discovery_url;
  std::optional<std::string> oidc_discovery_ca_cert;
  std::optional<std::string> jwks_url;
  std::optional<std::string> jwks_ca_cert;
  List<std::string> jwt_validation_pub_keys;
  std::optional<std::string> bound_issuer;
  std::optional<std::string> expiration_leeway;
  std::optional<std::string> not_before_leeway;
  std::optional<std::string> clock_skew_leeway;
  std::optional<bool> allow_reuse;
  List<std::string> claim_assertions;
};
PRAETOR_DESCRIBED(ConfigAuthorizationStatic)

struct ConfigAuthorization {
  std::optional<bool> enabled;
  ConfigAuthorizationStatic static_rules;
};
PRAETOR_DESCRIBED(ConfigAuthorization)

struct ConfigAutoConfig {
  std::optional<bool> enabled;
  std::optional<std::string> intro_token;
  std::optional<std::string> intro_token_file;
  List<std::string> server_addresses;
  List<std::string> dns_sans;
  List<std::string> ip_sans;
  ConfigAuthorization authorization;
};
PRAETOR_DESCRIBED(ConfigAutoConfig)

struct ConfigAutoEncrypt {
  std::optional<bool> tls;
  List<std::string> dns_san;
  List<std::string> ip_san;
  std::optional<bool> allow_tls;
};
PRAETOR_DESCRIBED(ConfigAutoEncrypt)

struct ConfigAutopilot {
  std::optional<bool> cleanup_dead_servers;
  std::optional<bool> disable_upgrade_migration;
  std::optional<std::string> last_contact_threshold;
  std::optional<int64_t> max_trailing_logs;
  std::optional<int64_t> min_quorum;
  std::optional<std::string> redundancy_zone_tag;
  std::optional<std::string> server_stabilization_time;
  std::optional<std::string> upgrade_version_tag;
};
PRAETOR_DESCRIBED(ConfigAutopilot)

struct ConfigCache {
  std::optional<int64_t> entry_fetch_max_burst;
  std::optional<double> entry_fetch_rate;
};
PRAETOR_DESCRIBED(ConfigCache)

struct ConfigEntries {
  List<Map<Value>> bootstrap;
};
PRAETOR_DESCRIBED(ConfigEntries)

struct ConfigConnect {
  std::optional<bool> enabled;
  std::optional<std::string> ca_provider;
  Map<Value> ca_config;
  std::optional<bool> enable_mesh_gateway_wan_federation;
};
PRAETOR_DESCRIBED(ConfigConnect)

struct ConfigConsulCoordinate {
  std::optional<int64_t> update_batch_size;
  std::optional<int64_t> update_max_batches;
  std::optional<std::string> update_period;
};
PRAETOR_DESCRIBED(ConfigConsulCoordinate)

struct ConfigConsulRaft {
  std::optional<std::string> election_timeout;
  std::optional<std::string> heartbeat_timeout;
  std::optional<std::string> leader_lease_timeout;
};
PRAETOR_DESCRIBED(ConfigConsulRaft)

struct ConfigConsulServer {
  std::optional<std::string> health_interval;
};
PRAETOR_DESCRIBED(ConfigConsulServer)

// Internal timings: known, never set by users.
struct ConfigConsul {
  ConfigConsulCoordinate coordinate;
  ConfigConsulRaft raft;
  ConfigConsulServer server;
};
PRAETOR_DESCRIBED(ConfigConsul)

struct ConfigDnsSoa {
  std::optional<uint32_t> refresh;
  std::optional<uint32_t> retry;
  std::optional<uint32_t> expire;
  std::optional<uint32_t> min_ttl;
};
PRAETOR_DESCRIBED(ConfigDnsSoa)

struct ConfigDns {
  std::optional<bool> allow_stale;
  std::optional<int64_t> a_record_limit;
  std::optional<bool> disable_compression;
  std::optional<bool> enable_truncate;
  std::optional<std::string> max_stale;
  std::optional<std::string> node_ttl;
  std::optional<bool> only_passing;
  std::optional<std::string> recursor_timeout;
  Map<std::string> service_ttl;
  std::optional<int64_t> udp_answer_limit;
  std::optional<bool> enable_additional_node_meta_txt;
  Box<ConfigDnsSoa> soa;
  std::optional<bool> use_cache;
  std::optional<std::string> cache_max_age;
  std::optional<bool> prefer_namespace;
};
PRAETOR_DESCRIBED(ConfigDns)

struct ConfigGossip {
  std::optional<int64_t> gossip_nodes;
  std::optional<std::string> gossip_interval;
  std::optional<std::string> probe_interval;
  std::optional<std::string> probe_timeout;
  std::optional<int64_t> suspicion_mult;
  std::optional<int64_t> retransmit_mult;
};
PRAETOR_DESCRIBED(ConfigGossip)

struct ConfigHttp {
  List<std::string> block_endpoints;
  List<std::string> allow_write_http_from;
  Map<std::string> response_headers;
  std::optional<bool> use_cache;
};
PRAETOR_DESCRIBED(ConfigHttp)

struct ConfigLimits {
  std::optional<int64_t> http_max_conns_per_client;
  std::optional<std::string> https_handshake_timeout;
  std::optional<std::string> rpc_handshake_timeout;
  std::optional<int64_t> rpc_max_burst;
  std::optional<int64_t> rpc_max_conns_per_client;
  std::optional<double> rpc_rate;
  std::optional<uint64_t> kv_max_value_size;
  std::optional<uint64_t> txn_max_req_len;
};
PRAETOR_DESCRIBED(ConfigLimits)

struct ConfigPerformance {
  std::optional<std::string> leave_drain_time;
  std::optional<int64_t> raft_multiplier;
  std::optional<std::string> rpc_hold_timeout;
};
PRAETOR_DESCRIBED(ConfigPerformance)

struct ConfigPorts {
  std::optional<int64_t> dns;
  std::optional<int64_t> http;
  std::optional<int64_t> https;
  std::optional<int64_t> serf_lan;
  std::optional<int64_t> serf_wan;
  std::optional<int64_t> server;
  std::optional<int64_t> grpc;
  std::optional<int64_t> proxy_min_port;
  std::optional<int64_t> proxy_max_port;
  std::optional<int64_t> sidecar_min_port;
  std::optional<int64_t> sidecar_max_port;
  std::optional<int64_t> expose_min_port;
  std::optional<int64_t> expose_max_port;
};
PRAETOR_DESCRIBED(ConfigPorts)

struct ConfigSegment {
  std::optional<std::string> advertise;
  std::optional<std::string> bind;
  std::optional<std::string> name;
  std::optional<int64_t> port;
  std::optional<bool> rpc_listener;
};
PRAETOR_DESCRIBED(ConfigSegment)

struct ConfigTelemetry {
  std::optional<std::string> circonus_api_app;
  std::optional<std::string> circonus_api_token;
  std::optional<std::string> circonus_api_url;
  std::optional<std::string> circonus_broker_id;
  std::optional<std::string> circonus_broker_select_tag;
  std::optional<std::string> circonus_check_display_name;
  std::optional<std::string> circonus_check_force_metric_activation;
  std::optional<std::string> circonus_check_id;
  std::optional<std::string> circonus_check_instance_id;
  std::optional<std::string> circonus_check_search_tag;
  std::optional<std::string> circonus_check_tags;
  std::optional<std::string> circonus_submission_interval;
  std::optional<std::string> circonus_submission_url;
  std::optional<bool> disable_hostname;
  std::optional<std::string> dogstatsd_addr;
  List<std::string> dogstatsd_tags;
  std::optional<bool> filter_default;
  List<std::string> prefix_filter;
  std::optional<std::string> metrics_prefix;
  std::optional<std::string> prometheus_retention_time;
  std::optional<std::string> statsd_address;
  std::optional<std::string> statsite_address;
};
PRAETOR_DESCRIBED(ConfigTelemetry)

struct ConfigUnixSockets {
  std::optional<std::string> group;
  std::optional<std::string> mode;
  std::optional<std::string> user;
};
PRAETOR_DESCRIBED(ConfigUnixSockets)

// One source's keys, or several merged. An optional without a value was not given.
struct ConfigFile {
  std::optional<std::string> acl_agent_master_token;
  std::optional<std::string> acl_agent_token;
  std::optional<std::string> acl_datacenter;
  std::optional<std::string> acl_default_policy;
  std::optional<std::string> acl_down_policy;
  std::optional<bool> acl_enable_key_list_policy;
  std::optional<std::string> acl_master_token;
  std::optional<std::string> acl_replication_token;
  std::optional<std::string> acl_ttl;
  std::optional<std::string> acl_token;
  std::optional<bool> acl_enforce_version_8;
  ConfigAcl acl;
  ConfigAddresses addresses;
  std::optional<std::string> advertise_addr;
  std::optional<std::string> advertise_addr_ipv4;
  std::optional<std::string> advertise_addr_ipv6;
  std::optional<std::string> advertise_addr_wan;
  std::optional<std::string> advertise_addr_wan_ipv4;
  std::optional<std::string> advertise_addr_wan_ipv6;
  std::optional<std::string> ae_interval;
  std::optional<std::string> alt_domain;
  Box<ConfigAudit> audit;
  ConfigAutoConfig auto_config;
  ConfigAutoEncrypt auto_encrypt;
  ConfigAutopilot autopilot;
  std::optional<std::string> bind_addr;
  std::optional<bool> bootstrap;
  std::optional<int64_t> bootstrap_expect;
  std::optional<std::string> ca_file;
  std::optional<std::string> ca_path;
  ConfigCache cache;
  std::optional<std::string> cert_file;
  Box<CheckDefinition> check;
  std::optional<std::string> check_deregister_interval_min;
  std::optional<int64_t> check_output_max_size;
  std::optional<std::string> check_reap_interval;
  std::optional<std::string> check_update_interval;
  List<CheckDefinition> checks;
  std::optional<std::string> client_addr;
  ConfigEntries config_entries;
  ConfigConnect connect;
  ConfigConsul consul;
  std::optional<std::string> data_dir;
  std::optional<std::string> datacenter;
  std::optional<std::string> default_query_time;
  std::optional<bool> disable_anonymous_signature;
  std::optional<bool> disable_coordinates;
  std::optional<bool> disable_host_node_id;
  std::optional<bool> disable_http_unprintable_char_filter;
  std::optional<bool> disable_keyring_file;
  std::optional<bool> disable_remote_exec;
  std::optional<bool> disable_update_check;
  std::optional<bool> discard_check_output;
  std::optional<std::string> discovery_max_stale;
  ConfigDns dns_config;
  std::optional<std::string> domain;
  std::optional<bool> enable_acl_replication;
  std::optional<bool> enable_agent_tls_for_checks;
  std::optional<bool> enable_central_service_config;
  std::optional<bool> enable_debug;
  std::optional<bool> enable_local_script_checks;
  std::optional<bool> enable_script_checks;
  std::optional<bool> enable_syslog;
  std::optional<std::string> encrypt;
  std::optional<bool> encrypt_verify_incoming;
  std::optional<bool> encrypt_verify_outgoing;
  ConfigGossip gossip_lan;
  ConfigGossip gossip_wan;
  ConfigHttp http_config;
  std::optional<std::string> key_file;
  std::optional<bool> leave_on_terminate;
  ConfigLimits limits;
  std::optional<std::string> log_file;
  std::optional<bool> log_json;
  std::optional<std::string> log_level;
  std::optional<int64_t> log_rotate_bytes;
  std::optional<std::string> log_rotate_duration;
  std::optional<int64_t> log_rotate_max_files;
  std::optional<std::string> max_query_time;
  std::optional<std::string> node_id;
  Map<std::string> node_meta;
  std::optional<std::string> node_name;
  std::optional<bool> non_voting_server;
  ConfigPerformance performance;
  std::optional<std::string> pid_file;
  ConfigPorts ports;
  std::optional<std::string> primary_datacenter;
  List<std::string> primary_gateways;
  std::optional<std::string> primary_gateways_interval;
  std::optional<int64_t> protocol;
  std::optional<int64_t> raft_protocol;
  std::optional<std::string> raft_snapshot_interval;
  std::optional<int64_t> raft_snapshot_threshold;
  std::optional<int64_t> raft_trailing_logs;
  std::optional<std::string> reconnect_timeout;
  std::optional<std::string> reconnect_timeout_wan;
  List<std::string> recursors;
  std::optional<bool> rejoin_after_leave;
  std::optional<std::string> retry_interval;
  std::optional<std::string> retry_interval_wan;
  List<std::string> retry_join;
  List<std::string> retry_join_wan;
  std::optional<int64_t> retry_max;
  std::optional<int64_t> retry_max_wan;
  std::optional<std::string> revision;
  std::optional<std::string> segment;
  std::optional<int64_t> segment_limit;
  std::optional<int64_t> segment_name_limit;
  List<ConfigSegment> segments;
  std::optional<std::string> serf_lan;
  List<std::string> serf_lan_allowed_cidrs;
  std::optional<std::string> serf_wan;
  List<std::string> serf_wan_allowed_cidrs;
  std::optional<bool> server;
  std::optional<std::string> server_name;
  Box<ServiceDefinition> service;
  List<ServiceDefinition> services;
  std::optional<std::string> session_ttl_min;
  std::optional<bool> skip_leave_on_interrupt;
  Map<Value> snapshot_agent;
  List<std::string> start_join;
  List<std::string> start_join_wan;
  std::optional<std::string> sync_coordinate_interval_min;
  std::optional<double> sync_coordinate_rate_target;
  std::optional<std::string> syslog_facility;
  Map<std::string> tagged_addresses;
  ConfigTelemetry telemetry;
  std::optional<std::string> tls_cipher_suites;
  std::optional<std::string> tls_min_version;
  std::optional<bool> tls_prefer_server_cipher_suites;
  std::optional<bool> translate_wan_addrs;
  std::optional<bool> ui;
  std::optional<std::string> ui_content_path;
  std::optional<std::string> ui_dir;
  ConfigUnixSockets unix_sockets;
  std::optional<bool> verify_incoming;
  std::optional<bool> verify_incoming_https;
  std::optional<bool> verify_incoming_rpc;
  std::optional<bool> verify_outgoing;
  std::optional<bool> verify_server_hostname;
  std::optional<std::string> version;
  std::optional<std::string> version_prerelease;
  List<Map<Value>> watches;
};
PRAETOR_DESCRIBED(ConfigFile)

}  // namespace praetor::agent
