// The configuration an agent runs with: every source merged, addresses resolved, durations parsed, rules
// checked (config.md). Field names of the description are Consul's, sorted, for /v1/agent/self. Immutable
// once loaded: share it between threads as shared_ptr<const RuntimeConfig>.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/definition.h"
#include "codec/type.h"

namespace praetor::agent {

using codec::Value;

// Where to listen or what to tell others: an IP address and a port, or a unix socket's path.
struct SocketAddress {
  std::string host;  // IP literal, without brackets
  int64_t port = 0;
  std::string path;  // not empty: a unix socket

  bool is_unix() const { return !path.empty(); }
  std::string text() const;  // "127.0.0.1:8500", "[::1]:8500", "unix:///path"
  bool operator==(const SocketAddress&) const = default;
};
PRAETOR_DESCRIBED(SocketAddress)

struct AuthorizerRuntime {
  bool allow_reuse = false;
  List<std::string> claim_assertions;
  bool enabled = false;
  Map<Value> method_config;  // the JWT auth method's Config
};
PRAETOR_DESCRIBED(AuthorizerRuntime)

struct AutoConfigRuntime {
  AuthorizerRuntime authorizer;
  List<std::string> dns_sans;
  bool enabled = false;
  List<std::string> ip_sans;
  std::string intro_token;
  std::string intro_token_file;
  List<std::string> server_addresses;
};
PRAETOR_DESCRIBED(AutoConfigRuntime)

struct CacheRuntime {
  int64_t entry_fetch_max_burst = 0;
  double entry_fetch_rate = 0;
};
PRAETOR_DESCRIBED(CacheRuntime)

struct SoaRuntime {
  int64_t expire = 0;
  int64_t minttl = 0;
  int64_t refresh = 0;
  int64_t retry = 0;
};
PRAETOR_DESCRIBED(SoaRuntime)

struct LoggingRuntime {
  bool enable_syslog = false;
  std::string log_file_path;
  bool log_json = false;
  std::string log_level;
  int64_t log_rotate_bytes = 0;
  Duration log_rotate_duration{0};
  int64_t log_rotate_max_files = 0;
  std::string name;
  std::string syslog_facility;
};
PRAETOR_DESCRIBED(LoggingRuntime)

struct TelemetryRuntime {
  List<std::string> allowed_prefixes;
  List<std::string> blocked_prefixes;
  std::string circonus_api_app;
  std::string circonus_api_token;
  std::string circonus_api_url;
  std::string circonus_broker_id;
  std::string circonus_broker_select_tag;
  std::string circonus_check_display_name;
  std::string circonus_check_force_metric_activation;
  std::string circonus_check_id;
  std::string circonus_check_instance_id;
  std::string circonus_check_search_tag;
  std::string circonus_check_tags;
  std::string circonus_submission_interval;
  std::string circonus_submission_url;
  bool disable = false;
  bool disable_hostname = false;
  std::string dogstatsd_addr;
  List<std::string> dogstatsd_tags;
  bool filter_default = false;
  std::string metrics_prefix;
  Duration prometheus_retention_time{0};
  std::string statsd_addr;
  std::string statsite_addr;
};
PRAETOR_DESCRIBED(TelemetryRuntime)

struct RuntimeConfig {
  std::string acl_agent_master_token;
  std::string acl_agent_token;
  std::string acl_datacenter;
  std::string acl_default_policy;
  Duration acl_disabled_ttl{0};
  std::string acl_down_policy;
  bool acl_enable_key_list_policy = false;
  bool acl_enable_token_persistence = false;
  std::string acl_master_token;
  Duration acl_policy_ttl{0};
  std::string acl_replication_token;
  Duration acl_role_ttl{0};
  std::string acl_token;
  bool acl_token_replication = false;
  Duration acl_token_ttl{0};
  bool acls_enabled = false;
  Duration ae_interval{0};
  std::string advertise_addr_lan;
  std::string advertise_addr_wan;
  List<std::string> allow_write_http_from;
  AutoConfigRuntime auto_config;
  bool auto_encrypt_allow_tls = false;
  List<std::string> auto_encrypt_dns_san;
  List<std::string> auto_encrypt_ip_san;
  bool auto_encrypt_tls = false;
  bool autopilot_cleanup_dead_servers = false;
  bool autopilot_disable_upgrade_migration = false;
  Duration autopilot_last_contact_threshold{0};
  int64_t autopilot_max_trailing_logs = 0;
  int64_t autopilot_min_quorum = 0;
  std::string autopilot_redundancy_zone_tag;
  Duration autopilot_server_stabilization_time{0};
  std::string autopilot_upgrade_version_tag;
  std::string bind_addr;
  bool bootstrap = false;
  int64_t bootstrap_expect = 0;
  std::string ca_file;
  std::string ca_path;
  CacheRuntime cache;
  std::string cert_file;
  Duration check_deregister_interval_min{0};
  int64_t check_output_max_size = 0;
  Duration check_reap_interval{0};
  Duration check_update_interval{0};
  List<CheckDefinition> checks;
  List<std::string> client_addrs;
  List<Map<Value>> config_entry_bootstrap;
  Map<Value> connect_ca_config;
  std::string connect_ca_provider;
  bool connect_enabled = false;
  bool connect_mesh_gateway_wan_federation_enabled = false;
  int64_t connect_sidecar_max_port = 0;
  int64_t connect_sidecar_min_port = 0;
  Duration connect_test_ca_leaf_root_change_spread{0};
  int64_t consul_coordinate_update_batch_size = 0;
  int64_t consul_coordinate_update_max_batches = 0;
  Duration consul_coordinate_update_period{0};
  Duration consul_raft_election_timeout{0};
  Duration consul_raft_heartbeat_timeout{0};
  Duration consul_raft_leader_lease_timeout{0};
  Duration consul_server_health_interval{0};
  int64_t dns_a_record_limit = 0;
  List<SocketAddress> dns_addrs;
  bool dns_allow_stale = false;
  std::string dns_alt_domain;
  Duration dns_cache_max_age{0};
  bool dns_disable_compression = false;
  std::string dns_domain;
  bool dns_enable_truncate = false;
  Duration dns_max_stale{0};
  bool dns_node_meta_txt = false;
  Duration dns_node_ttl{0};
  bool dns_only_passing = false;
  int64_t dns_port = 0;
  Duration dns_recursor_timeout{0};
  List<std::string> dns_recursors;
  SoaRuntime dns_soa;
  Map<Duration> dns_service_ttl;
  int64_t dns_udp_answer_limit = 0;
  bool dns_use_cache = false;
  std::string data_dir;
  std::string datacenter;
  Duration default_query_time{0};
  bool dev_mode = false;
  bool disable_anonymous_signature = false;
  bool disable_coordinates = false;
  bool disable_http_unprintable_char_filter = false;
  bool disable_host_node_id = false;
  bool disable_keyring_file = false;
  bool disable_remote_exec = false;
  bool disable_update_check = false;
  bool discard_check_output = false;
  Duration discovery_max_stale{0};
  bool enable_agent_tls_for_checks = false;
  bool enable_central_service_config = false;
  bool enable_debug = false;
  bool enable_local_script_checks = false;
  bool enable_remote_script_checks = false;
  bool enable_ui = false;
  std::string encrypt_key;
  bool encrypt_verify_incoming = false;
  bool encrypt_verify_outgoing = false;
  int64_t expose_max_port = 0;
  int64_t expose_min_port = 0;
  List<SocketAddress> grpc_addrs;
  int64_t grpc_port = 0;
  Duration gossip_lan_gossip_interval{0};
  int64_t gossip_lan_gossip_nodes = 0;
  Duration gossip_lan_probe_interval{0};
  Duration gossip_lan_probe_timeout{0};
  int64_t gossip_lan_retransmit_mult = 0;
  int64_t gossip_lan_suspicion_mult = 0;
  Duration gossip_wan_gossip_interval{0};
  int64_t gossip_wan_gossip_nodes = 0;
  Duration gossip_wan_probe_interval{0};
  Duration gossip_wan_probe_timeout{0};
  int64_t gossip_wan_retransmit_mult = 0;
  int64_t gossip_wan_suspicion_mult = 0;
  List<SocketAddress> http_addrs;
  List<std::string> http_block_endpoints;
  int64_t http_max_conns_per_client = 0;
  int64_t http_port = 0;
  Map<std::string> http_response_headers;
  List<SocketAddress> https_addrs;
  Duration https_handshake_timeout{0};
  int64_t https_port = 0;
  bool http_use_cache = false;
  int64_t kv_max_value_size = 0;
  std::string key_file;
  Duration leave_drain_time{0};
  bool leave_on_terminate = false;
  LoggingRuntime logging;
  Duration max_query_time{0};
  std::string node_id;
  Map<std::string> node_meta;
  std::string node_name;
  bool non_voting_server = false;
  std::string pid_file;
  std::string primary_datacenter;
  List<std::string> primary_gateways;
  Duration primary_gateways_interval{0};
  SocketAddress rpc_advertise_addr;
  SocketAddress rpc_bind_addr;
  Duration rpc_handshake_timeout{0};
  Duration rpc_hold_timeout{0};
  int64_t rpc_max_burst = 0;
  int64_t rpc_max_conns_per_client = 0;
  int64_t rpc_protocol = 0;
  double rpc_rate_limit = 0;
  int64_t raft_protocol = 0;
  Duration raft_snapshot_interval{0};
  int64_t raft_snapshot_threshold = 0;
  int64_t raft_trailing_logs = 0;
  Duration reconnect_timeout_lan{0};
  Duration reconnect_timeout_wan{0};
  bool rejoin_after_leave = false;
  Duration retry_join_interval_lan{0};
  Duration retry_join_interval_wan{0};
  List<std::string> retry_join_lan;
  int64_t retry_join_max_attempts_lan = 0;
  int64_t retry_join_max_attempts_wan = 0;
  List<std::string> retry_join_wan;
  std::string revision;
  int64_t segment_limit = 0;
  std::string segment_name;
  int64_t segment_name_limit = 0;
  List<Map<Value>> segments;
  SocketAddress serf_advertise_addr_lan;
  SocketAddress serf_advertise_addr_wan;
  List<std::string> serf_allowed_cidrs_lan;
  List<std::string> serf_allowed_cidrs_wan;
  SocketAddress serf_bind_addr_lan;
  SocketAddress serf_bind_addr_wan;
  int64_t serf_port_lan = 0;
  int64_t serf_port_wan = 0;
  bool server_mode = false;
  std::string server_name;
  int64_t server_port = 0;
  List<ServiceDefinition> services;
  Duration session_ttl_min{0};
  bool skip_leave_on_interrupt = false;
  List<std::string> start_join_addrs_lan;
  List<std::string> start_join_addrs_wan;
  Duration sync_coordinate_interval_min{0};
  double sync_coordinate_rate_target = 0;
  List<std::string> tls_cipher_suites;
  std::string tls_min_version;
  bool tls_prefer_server_cipher_suites = false;
  Map<std::string> tagged_addresses;
  TelemetryRuntime telemetry;
  bool translate_wan_addrs = false;
  int64_t txn_max_req_len = 0;
  std::string ui_content_path;
  std::string ui_dir;
  std::string unix_socket_group;
  std::string unix_socket_mode;
  std::string unix_socket_user;
  bool verify_incoming = false;
  bool verify_incoming_https = false;
  bool verify_incoming_rpc = false;
  bool verify_outgoing = false;
  bool verify_server_hostname = false;
  std::string version;
  std::string version_prerelease;
  List<Map<Value>> watches;
};
PRAETOR_DESCRIBED(RuntimeConfig)

// The DebugConfig of /v1/agent/self: keys sorted, secrets replaced by "hidden".
Value debug_config(const RuntimeConfig& config);

}  // namespace praetor::agent
