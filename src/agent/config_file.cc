#include "agent/config_file.h"

namespace praetor::agent {

PRAETOR_DESCRIBE(ConfigAddresses, "ConfigAddresses", field("dns", &ConfigAddresses::dns),
                 field("http", &ConfigAddresses::http), field("https", &ConfigAddresses::https),
                 field("grpc", &ConfigAddresses::grpc))

PRAETOR_DESCRIBE(ConfigServiceProviderToken, "ConfigServiceProviderToken",
                 field("accessor_id", &ConfigServiceProviderToken::accessor_id),
                 field("secret_id", &ConfigServiceProviderToken::secret_id))

PRAETOR_DESCRIBE(ConfigAclTokens, "ConfigAclTokens", field("master", &ConfigAclTokens::master),
                 field("replication", &ConfigAclTokens::replication),
                 field("agent_master", &ConfigAclTokens::agent_master),
                 field("default", &ConfigAclTokens::default_token), field("agent", &ConfigAclTokens::agent),
                 field("managed_service_provider", &ConfigAclTokens::managed_service_provider))

PRAETOR_DESCRIBE(ConfigAcl, "ConfigAcl", field("enabled", &ConfigAcl::enabled),
                 field("enable_token_replication", &ConfigAcl::enable_token_replication),
                 field("policy_ttl", &ConfigAcl::policy_ttl), field("role_ttl", &ConfigAcl::role_ttl),
                 field("token_ttl", &ConfigAcl::token_ttl), field("down_policy", &ConfigAcl::down_policy),
                 field("default_policy", &ConfigAcl::default_policy),
                 field("enable_key_list_policy", &ConfigAcl::enable_key_list_policy),
                 field("tokens", &ConfigAcl::tokens), field("disabled_ttl", &ConfigAcl::disabled_ttl),
                 field("enable_token_persistence", &ConfigAcl::enable_token_persistence),
                 field("msp_disable_bootstrap", &ConfigAcl::msp_disable_bootstrap))

PRAETOR_DESCRIBE(ConfigAudit, "ConfigAudit", field("enabled", &ConfigAudit::enabled),
                 field("sink", &ConfigAudit::sink))

PRAETOR_DESCRIBE(ConfigAuthorizationStatic, "ConfigAuthorizationStatic",
                 field("jwt_supported_algs", &ConfigAuthorizationStatic::jwt_supported_algs),
                 field("bound_audiences", &ConfigAuthorizationStatic::bound_audiences),
                 field("claim_mappings", &ConfigAuthorizationStatic::claim_mappings),
                 field("list_claim_mappings", &ConfigAuthorizationStatic::list_claim_mappings),
                 field("oidc_discovery_url", &ConfigAuthorizationStatic::oidc_discovery_url),
                 field("oidc_discovery_ca_cert", &ConfigAuthorizationStatic::oidc_discovery_ca_cert),
                 field("jwks_url", &ConfigAuthorizationStatic::jwks_url),
                 field("jwks_ca_cert", &ConfigAuthorizationStatic::jwks_ca_cert),
                 field("jwt_validation_pub_keys", &ConfigAuthorizationStatic::jwt_validation_pub_keys),
                 field("bound_issuer", &ConfigAuthorizationStatic::bound_issuer),
                 field("expiration_leeway", &ConfigAuthorizationStatic::expiration_leeway),
                 field("not_before_leeway", &ConfigAuthorizationStatic::not_before_leeway),
                 field("clock_skew_leeway", &ConfigAuthorizationStatic::clock_skew_leeway),
                 field("allow_reuse", &ConfigAuthorizationStatic::allow_reuse),
                 field("claim_assertions", &ConfigAuthorizationStatic::claim_assertions))

PRAETOR_DESCRIBE(ConfigAuthorization, "ConfigAuthorization", field("enabled", &ConfigAuthorization::enabled),
                 field("static", &ConfigAuthorization::static_rules))

PRAETOR_DESCRIBE(ConfigAutoConfig, "ConfigAutoConfig", field("enabled", &ConfigAutoConfig::enabled),
                 field("intro_token", &ConfigAutoConfig::intro_token),
                 field("intro_token_file", &ConfigAutoConfig::intro_token_file),
                 field("server_addresses", &ConfigAutoConfig::server_addresses),
                 field("dns_sans", &ConfigAutoConfig::dns_sans), field("ip_sans", &ConfigAutoConfig::ip_sans),
                 field("authorization", &ConfigAutoConfig::authorization))

PRAETOR_DESCRIBE(ConfigAutoEncrypt, "ConfigAutoEncrypt", field("tls", &ConfigAutoEncrypt::tls),
                 field("dns_san", &ConfigAutoEncrypt::dns_san), field("ip_san", &ConfigAutoEncrypt::ip_san),
                 field("allow_tls", &ConfigAutoEncrypt::allow_tls))

PRAETOR_DESCRIBE(ConfigAutopilot, "ConfigAutopilot",
                 field("cleanup_dead_servers", &ConfigAutopilot::cleanup_dead_servers),
                 field("disable_upgrade_migration", &ConfigAutopilot::disable_upgrade_migration),
                 field("last_contact_threshold", &ConfigAutopilot::last_contact_threshold),
                 field("max_trailing_logs", &ConfigAutopilot::max_trailing_logs),
                 field("min_quorum", &ConfigAutopilot::min_quorum),
                 field("redundancy_zone_tag", &ConfigAutopilot::redundancy_zone_tag),
                 field("server_stabilization_time", &ConfigAutopilot::server_stabilization_time),
                 field("upgrade_version_tag", &ConfigAutopilot::upgrade_version_tag))

PRAETOR_DESCRIBE(ConfigCache, "ConfigCache",
                 field("entry_fetch_max_burst", &ConfigCache::entry_fetch_max_burst),
                 field("entry_fetch_rate", &ConfigCache::entry_fetch_rate))

PRAETOR_DESCRIBE(ConfigEntries, "ConfigEntries", field("bootstrap", &ConfigEntries::bootstrap))

PRAETOR_DESCRIBE(ConfigConnect, "ConfigConnect", field("enabled", &ConfigConnect::enabled),
                 field("ca_provider", &ConfigConnect::ca_provider),
                 field("ca_config", &ConfigConnect::ca_config),
                 field("enable_mesh_gateway_wan_federation",
                       &ConfigConnect::enable_mesh_gateway_wan_federation))

PRAETOR_DESCRIBE(ConfigConsulCoordinate, "ConfigConsulCoordinate",
                 field("update_batch_size", &ConfigConsulCoordinate::update_batch_size),
                 field("update_max_batches", &ConfigConsulCoordinate::update_max_batches),
                 field("update_period", &ConfigConsulCoordinate::update_period))

PRAETOR_DESCRIBE(ConfigConsulRaft, "ConfigConsulRaft",
                 field("election_timeout", &ConfigConsulRaft::election_timeout),
                 field("heartbeat_timeout", &ConfigConsulRaft::heartbeat_timeout),
                 field("leader_lease_timeout", &ConfigConsulRaft::leader_lease_timeout))

PRAETOR_DESCRIBE(ConfigConsulServer, "ConfigConsulServer",
                 field("health_interval", &ConfigConsulServer::health_interval))

PRAETOR_DESCRIBE(ConfigConsul, "ConfigConsul", field("coordinate", &ConfigConsul::coordinate),
                 field("raft", &ConfigConsul::raft), field("server", &ConfigConsul::server))

PRAETOR_DESCRIBE(ConfigDnsSoa, "ConfigDnsSoa", field("refresh", &ConfigDnsSoa::refresh),
                 field("retry", &ConfigDnsSoa::retry), field("expire", &ConfigDnsSoa::expire),
                 field("min_ttl", &ConfigDnsSoa::min_ttl))

PRAETOR_DESCRIBE(ConfigDns, "ConfigDns", field("allow_stale", &ConfigDns::allow_stale),
                 field("a_record_limit", &ConfigDns::a_record_limit),
                 field("disable_compression", &ConfigDns::disable_compression),
                 field("enable_truncate", &ConfigDns::enable_truncate),
                 field("max_stale", &ConfigDns::max_stale), field("node_ttl", &ConfigDns::node_ttl),
                 field("only_passing", &ConfigDns::only_passing),
                 field("recursor_timeout", &ConfigDns::recursor_timeout),
                 field("service_ttl", &ConfigDns::service_ttl),
                 field("udp_answer_limit", &ConfigDns::udp_answer_limit),
                 field("enable_additional_node_meta_txt", &ConfigDns::enable_additional_node_meta_txt),
                 field("soa", &ConfigDns::soa), field("use_cache", &ConfigDns::use_cache),
                 field("cache_max_age", &ConfigDns::cache_max_age),
                 field("prefer_namespace", &ConfigDns::prefer_namespace))

PRAETOR_DESCRIBE(ConfigGossip, "ConfigGossip", field("gossip_nodes", &ConfigGossip::gossip_nodes),
                 field("gossip_interval", &ConfigGossip::gossip_interval),
                 field("probe_interval", &ConfigGossip::probe_interval),
                 field("probe_timeout", &ConfigGossip::probe_timeout),
                 field("suspicion_mult", &ConfigGossip::suspicion_mult),
                 field("retransmit_mult", &ConfigGossip::retransmit_mult))

PRAETOR_DESCRIBE(ConfigHttp, "ConfigHttp", field("block_endpoints", &ConfigHttp::block_endpoints),
                 field("allow_write_http_from", &ConfigHttp::allow_write_http_from),
                 field("response_headers", &ConfigHttp::response_headers),
                 field("use_cache", &ConfigHttp::use_cache))

PRAETOR_DESCRIBE(ConfigLimits, "ConfigLimits",
                 field("http_max_conns_per_client", &ConfigLimits::http_max_conns_per_client),
                 field("https_handshake_timeout", &ConfigLimits::https_handshake_timeout),
                 field("rpc_handshake_timeout", &ConfigLimits::rpc_handshake_timeout),
                 field("rpc_max_burst", &ConfigLimits::rpc_max_burst),
                 field("rpc_max_conns_per_client", &ConfigLimits::rpc_max_conns_per_client),
                 field("rpc_rate", &ConfigLimits::rpc_rate),
                 field("kv_max_value_size", &ConfigLimits::kv_max_value_size),
                 field("txn_max_req_len", &ConfigLimits::txn_max_req_len))

PRAETOR_DESCRIBE(ConfigPerformance, "ConfigPerformance",
                 field("leave_drain_time", &ConfigPerformance::leave_drain_time),
                 field("raft_multiplier", &ConfigPerformance::raft_multiplier),
                 field("rpc_hold_timeout", &ConfigPerformance::rpc_hold_timeout))

PRAETOR_DESCRIBE(ConfigPorts, "ConfigPorts", field("dns", &ConfigPorts::dns),
                 field("http", &ConfigPorts::http), field("https", &ConfigPorts::https),
                 field("serf_lan", &ConfigPorts::serf_lan), field("serf_wan", &ConfigPorts::serf_wan),
                 field("server", &ConfigPorts::server), field("grpc", &ConfigPorts::grpc),
                 field("proxy_min_port", &ConfigPorts::proxy_min_port),
                 field("proxy_max_port", &ConfigPorts::proxy_max_port),
                 field("sidecar_min_port", &ConfigPorts::sidecar_min_port),
                 field("sidecar_max_port", &ConfigPorts::sidecar_max_port),
                 field("expose_min_port", &ConfigPorts::expose_min_port),
                 field("expose_max_port", &ConfigPorts::expose_max_port))

PRAETOR_DESCRIBE(ConfigSegment, "ConfigSegment", field("advertise", &ConfigSegment::advertise),
                 field("bind", &ConfigSegment::bind), field("name", &ConfigSegment::name),
                 field("port", &ConfigSegment::port), field("rpc_listener", &ConfigSegment::rpc_listener))

PRAETOR_DESCRIBE(ConfigTelemetry, "ConfigTelemetry",
                 field("circonus_api_app", &ConfigTelemetry::circonus_api_app),
                 field("circonus_api_token", &ConfigTelemetry::circonus_api_token),
                 field("circonus_api_url", &ConfigTelemetry::circonus_api_url),
                 field("circonus_broker_id", &ConfigTelemetry::circonus_broker_id),
                 field("circonus_broker_select_tag", &ConfigTelemetry::circonus_broker_select_tag),
                 field("circonus_check_display_name", &ConfigTelemetry::circonus_check_display_name),
                 field("circonus_check_force_metric_activation",
                       &ConfigTelemetry::circonus_check_force_metric_activation),
                 field("circonus_check_id", &ConfigTelemetry::circonus_check_id),
                 field("circonus_check_instance_id", &ConfigTelemetry::circonus_check_instance_id),
                 field("circonus_check_search_tag", &ConfigTelemetry::circonus_check_search_tag),
                 field("circonus_check_tags", &ConfigTelemetry::circonus_check_tags),
                 field("circonus_submission_interval", &ConfigTelemetry::circonus_submission_interval),
                 field("circonus_submission_url", &ConfigTelemetry::circonus_submission_url),
                 field("disable_hostname", &ConfigTelemetry::disable_hostname),
                 field("dogstatsd_addr", &ConfigTelemetry::dogstatsd_addr),
                 field("dogstatsd_tags", &ConfigTelemetry::dogstatsd_tags),
                 field("filter_default", &ConfigTelemetry::filter_default),
                 field("prefix_filter", &ConfigTelemetry::prefix_filter),
                 field("metrics_prefix", &ConfigTelemetry::metrics_prefix),
                 field("prometheus_retention_time", &ConfigTelemetry::prometheus_retention_time),
                 field("statsd_address", &ConfigTelemetry::statsd_address),
                 field("statsite_address", &ConfigTelemetry::statsite_address))

PRAETOR_DESCRIBE(ConfigUnixSockets, "ConfigUnixSockets", field("group", &ConfigUnixSockets::group),
                 field("mode", &ConfigUnixSockets::mode), field("user", &ConfigUnixSockets::user))

PRAETOR_DESCRIBE(
    ConfigFile, "ConfigFile", field("acl_agent_master_token", &ConfigFile::acl_agent_master_token),
    field("acl_agent_token", &ConfigFile::acl_agent_token),
    field("acl_datacenter", &ConfigFile::acl_datacenter),
    field("acl_default_policy", &ConfigFile::acl_default_policy),
    field("acl_down_policy", &ConfigFile::acl_down_policy),
    field("acl_enable_key_list_policy", &ConfigFile::acl_enable_key_list_policy),
    field("acl_master_token", &ConfigFile::acl_master_token),
    field("acl_replication_token", &ConfigFile::acl_replication_token),
    field("acl_ttl", &ConfigFile::acl_ttl), field("acl_token", &ConfigFile::acl_token),
    field("acl_enforce_version_8", &ConfigFile::acl_enforce_version_8), field("acl", &ConfigFile::acl),
    field("addresses", &ConfigFile::addresses), field("advertise_addr", &ConfigFile::advertise_addr),
    field("advertise_addr_ipv4", &ConfigFile::advertise_addr_ipv4),
    field("advertise_addr_ipv6", &ConfigFile::advertise_addr_ipv6),
    field("advertise_addr_wan", &ConfigFile::advertise_addr_wan),
    field("advertise_addr_wan_ipv4", &ConfigFile::advertise_addr_wan_ipv4),
    field("advertise_addr_wan_ipv6", &ConfigFile::advertise_addr_wan_ipv6),
    field("ae_interval", &ConfigFile::ae_interval), field("alt_domain", &ConfigFile::alt_domain),
    field("audit", &ConfigFile::audit), field("auto_config", &ConfigFile::auto_config),
    field("auto_encrypt", &ConfigFile::auto_encrypt), field("autopilot", &ConfigFile::autopilot),
    field("bind_addr", &ConfigFile::bind_addr), field("bootstrap", &ConfigFile::bootstrap),
    field("bootstrap_expect", &ConfigFile::bootstrap_expect), field("ca_file", &ConfigFile::ca_file),
    field("ca_path", &ConfigFile::ca_path), field("cache", &ConfigFile::cache),
    field("cert_file", &ConfigFile::cert_file), field("check", &ConfigFile::check),
    field("check_deregister_interval_min", &ConfigFile::check_deregister_interval_min),
    field("check_output_max_size", &ConfigFile::check_output_max_size),
    field("check_reap_interval", &ConfigFile::check_reap_interval),
    field("check_update_interval", &ConfigFile::check_update_interval), field("checks", &ConfigFile::checks),
    field("client_addr", &ConfigFile::client_addr), field("config_entries", &ConfigFile::config_entries),
    field("connect", &ConfigFile::connect), field("consul", &ConfigFile::consul),
    field("data_dir", &ConfigFile::data_dir), field("datacenter", &ConfigFile::datacenter),
    field("default_query_time", &ConfigFile::default_query_time),
    field("disable_anonymous_signature", &ConfigFile::disable_anonymous_signature),
    field("disable_coordinates", &ConfigFile::disable_coordinates),
    field("disable_host_node_id", &ConfigFile::disable_host_node_id),
    field("disable_http_unprintable_char_filter", &ConfigFile::disable_http_unprintable_char_filter),
    field("disable_keyring_file", &ConfigFile::disable_keyring_file),
    field("disable_remote_exec", &ConfigFile::disable_remote_exec),
    field("disable_update_check", &ConfigFile::disable_update_check),
    field("discard_check_output", &ConfigFile::discard_check_output),
    field("discovery_max_stale", &ConfigFile::discovery_max_stale),
    field("dns_config", &ConfigFile::dns_config), field("domain", &ConfigFile::domain),
    field("enable_acl_replication", &ConfigFile::enable_acl_replication),
    field("enable_agent_tls_for_checks", &ConfigFile::enable_agent_tls_for_checks),
    field("enable_central_service_config", &ConfigFile::enable_central_service_config),
    field("enable_debug", &ConfigFile::enable_debug),
    field("enable_local_script_checks", &ConfigFile::enable_local_script_checks),
    field("enable_script_checks", &ConfigFile::enable_script_checks),
    field("enable_syslog", &ConfigFile::enable_syslog), field("encrypt", &ConfigFile::encrypt),
    field("encrypt_verify_incoming", &ConfigFile::encrypt_verify_incoming),
    field("encrypt_verify_outgoing", &ConfigFile::encrypt_verify_outgoing),
    field("gossip_lan", &ConfigFile::gossip_lan), field("gossip_wan", &ConfigFile::gossip_wan),
    field("http_config", &ConfigFile::http_config), field("key_file", &ConfigFile::key_file),
    field("leave_on_terminate", &ConfigFile::leave_on_terminate), field("limits", &ConfigFile::limits),
    field("log_file", &ConfigFile::log_file), field("log_json", &ConfigFile::log_json),
    field("log_level", &ConfigFile::log_level), field("log_rotate_bytes", &ConfigFile::log_rotate_bytes),
    field("log_rotate_duration", &ConfigFile::log_rotate_duration),
    field("log_rotate_max_files", &ConfigFile::log_rotate_max_files),
    field("max_query_time", &ConfigFile::max_query_time), field("node_id", &ConfigFile::node_id),
    field("node_meta", &ConfigFile::node_meta), field("node_name", &ConfigFile::node_name),
    field("non_voting_server", &ConfigFile::non_voting_server),
    field("performance", &ConfigFile::performance), field("pid_file", &ConfigFile::pid_file),
    field("ports", &ConfigFile::ports), field("primary_datacenter", &ConfigFile::primary_datacenter),
    field("primary_gateways", &ConfigFile::primary_gateways),
    field("primary_gateways_interval", &ConfigFile::primary_gateways_interval),
    field("protocol", &ConfigFile::protocol), field("raft_protocol", &ConfigFile::raft_protocol),
    field("raft_snapshot_interval", &ConfigFile::raft_snapshot_interval),
    field("raft_snapshot_threshold", &ConfigFile::raft_snapshot_threshold),
    field("raft_trailing_logs", &ConfigFile::raft_trailing_logs),
    field("reconnect_timeout", &ConfigFile::reconnect_timeout),
    field("reconnect_timeout_wan", &ConfigFile::reconnect_timeout_wan),
    field("recursors", &ConfigFile::recursors), field("rejoin_after_leave", &ConfigFile::rejoin_after_leave),
    field("retry_interval", &ConfigFile::retry_interval),
    field("retry_interval_wan", &ConfigFile::retry_interval_wan),
    field("retry_join", &ConfigFile::retry_join), field("retry_join_wan", &ConfigFile::retry_join_wan),
    field("retry_max", &ConfigFile::retry_max), field("retry_max_wan", &ConfigFile::retry_max_wan),
    field("revision", &ConfigFile::revision), field("segment", &ConfigFile::segment),
    field("segment_limit", &ConfigFile::segment_limit),
    field("segment_name_limit", &ConfigFile::segment_name_limit), field("segments", &ConfigFile::segments),
    field("serf_lan", &ConfigFile::serf_lan),
    field("serf_lan_allowed_cidrs", &ConfigFile::serf_lan_allowed_cidrs),
    field("serf_wan", &ConfigFile::serf_wan),
    field("serf_wan_allowed_cidrs", &ConfigFile::serf_wan_allowed_cidrs),
    field("server", &ConfigFile::server), field("server_name", &ConfigFile::server_name),
    field("service", &ConfigFile::service), field("services", &ConfigFile::services),
    field("session_ttl_min", &ConfigFile::session_ttl_min),
    field("skip_leave_on_interrupt", &ConfigFile::skip_leave_on_interrupt),
    field("snapshot_agent", &ConfigFile::snapshot_agent), field("start_join", &ConfigFile::start_join),
    field("start_join_wan", &ConfigFile::start_join_wan),
    field("sync_coordinate_interval_min", &ConfigFile::sync_coordinate_interval_min),
    field("sync_coordinate_rate_target", &ConfigFile::sync_coordinate_rate_target),
    field("syslog_facility", &ConfigFile::syslog_facility),
    field("tagged_addresses", &ConfigFile::tagged_addresses), field("telemetry", &ConfigFile::telemetry),
    field("tls_cipher_suites", &ConfigFile::tls_cipher_suites),
    field("tls_min_version", &ConfigFile::tls_min_version),
    field("tls_prefer_server_cipher_suites", &ConfigFile::tls_prefer_server_cipher_suites),
    field("translate_wan_addrs", &ConfigFile::translate_wan_addrs), field("ui", &ConfigFile::ui),
    field("ui_content_path", &ConfigFile::ui_content_path), field("ui_dir", &ConfigFile::ui_dir),
    field("unix_sockets", &ConfigFile::unix_sockets), field("verify_incoming", &ConfigFile::verify_incoming),
    field("verify_incoming_https", &ConfigFile::verify_incoming_https),
    field("verify_incoming_rpc", &ConfigFile::verify_incoming_rpc),
    field("verify_outgoing", &ConfigFile::verify_outgoing),
    field("verify_server_hostname", &ConfigFile::verify_server_hostname),
    field("version", &ConfigFile::version), field("version_prerelease", &ConfigFile::version_prerelease),
    field("watches", &ConfigFile::watches))

}  // namespace praetor::agent
