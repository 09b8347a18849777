#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "agent/config_builder.h"
#include "base/text.h"
#include "codec/type.h"

namespace praetor::agent {
namespace {

std::string text(const std::optional<std::string>& value) { return value.value_or(""); }
bool flag(const std::optional<bool>& value, bool otherwise = false) { return value.value_or(otherwise); }
int64_t number(const std::optional<int64_t>& value) { return value.value_or(0); }

struct CipherSuite {
  const char* name;
  int id;
};
// The TLS 1.2 suites that Consul 1.8.7 lets users choose.
constexpr CipherSuite kCipherSuites[] = {
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca8},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca9},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xc030},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02c},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", 0xc027},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0xc013},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", 0xc023},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 0xc009},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", 0xc014},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", 0xc00a},
};

struct Translation {
  const char* from;
  const char* to;
};
constexpr Translation kCaConfigKeys[] = {
    {"existing_arn", "ExistingARN"},
    {"delete_on_exit", "DeleteOnExit"},
    {"private_key", "PrivateKey"},
    {"root_cert", "RootCert"},
    {"rotation_period", "RotationPeriod"},
    {"intermediate_cert_ttl", "IntermediateCertTTL"},
    {"address", "Address"},
    {"token", "Token"},
    {"root_pki_path", "RootPKIPath"},
    {"intermediate_pki_path", "IntermediatePKIPath"},
    {"ca_file", "CAFile"},
    {"ca_path", "CAPath"},
    {"cert_file", "CertFile"},
    {"key_file", "KeyFile"},
    {"tls_server_name", "TLSServerName"},
    {"tls_skip_verify", "TLSSkipVerify"},
    {"leaf_cert_ttl", "LeafCertTTL"},
    {"csr_max_per_second", "CSRMaxPerSecond"},
    {"csr_max_concurrent", "CSRMaxConcurrent"},
    {"private_key_type", "PrivateKeyType"},
    {"private_key_bits", "PrivateKeyBits"},
};

Map<Value> translate_ca_config(const Map<Value>& given) {
  Map<Value> out;
  for (const auto& [key, value] : given) {
    auto* known = std::find_if(std::begin(kCaConfigKeys), std::end(kCaConfigKeys),
                               [&](const Translation& t) { return t.from == to_lower(key); });
    out[known == std::end(kCaConfigKeys) ? key : known->to] = value;
  }
  return out;
}

}  // namespace

int cipher_suite_id(std::string_view name) {
  for (const CipherSuite& suite : kCipherSuites)
    if (suite.name == name) return suite.id;
  return 0;
}

Duration ConfigBuilder::duration(const char* key, const Text& value) {
  if (!value || value->empty()) return Duration::zero();
  auto parsed = parse_duration(*value);
  if (parsed) return *parsed;
  replace_error(fmt::format("{}: invalid duration: {}: {}", key, go_quote(*value), parsed.error().message));
  return Duration::zero();
}

int64_t ConfigBuilder::port(const char* key, const std::optional<int64_t>& value) {
  int64_t given = value.value_or(0);
  if (given > 65535) add_error(fmt::format("{}: invalid port: {}", key, given));
  return given <= 0 ? -1 : given;
}

Result<RuntimeConfig> ConfigBuilder::build() {
  config_.dev_mode = dev_mode_;
  int64_t multiplier = number(file_.performance.raft_multiplier);
  if (multiplier < 1 || multiplier > 10)
    return fail(fmt::format("performance.raft_multiplier cannot be {}. Must be between 1 and 10", multiplier),
                ErrorKind::kBadRequest);
  build_identity();
  TRY(build_ports());
  TRY(build_addresses());
  build_definitions();
  build_acl();
  build_auto_config();
  build_autopilot();
  build_cluster();
  build_connect();
  build_dns();
  TRY(build_recursors());
  build_gossip();
  build_http();
  build_limits();
  build_join();
  build_logging();
  build_telemetry();
  build_internal();
  TRY(build_tls());
  if (!errors_.empty()) return fail(format_multierror(errors_), ErrorKind::kBadRequest);
  if (!failure_.empty()) return fail(failure_, ErrorKind::kBadRequest);
  return std::move(config_);
}

void ConfigBuilder::build_identity() {
  config_.datacenter = to_lower(text(file_.datacenter));
  config_.primary_datacenter = to_lower(text(file_.primary_datacenter));
  if (file_.acl_datacenter) {
    config_.acls_enabled = true;
    warn("The 'acl_datacenter' field is deprecated. Use the 'primary_datacenter' field instead.");
    if (config_.primary_datacenter.empty()) config_.primary_datacenter = to_lower(*file_.acl_datacenter);
  }
  if (config_.primary_datacenter.empty()) config_.primary_datacenter = config_.datacenter;
  config_.acl_datacenter = config_.primary_datacenter;
  config_.node_name = text(file_.node_name);
  if (config_.node_name.empty()) config_.node_name = environment_.host_name;
  config_.node_name = std::string(trim(config_.node_name));
  config_.node_id = text(file_.node_id);
  config_.node_meta = file_.node_meta;
  config_.data_dir = text(file_.data_dir);
  config_.pid_file = text(file_.pid_file);
  config_.server_mode = flag(file_.server);
  config_.segment_name = text(file_.segment);
  config_.non_voting_server = flag(file_.non_voting_server);
  for (const ConfigSegment& segment : file_.segments) {
    Map<Value> one;
    one["Name"] = text(segment.name);
    one["Port"] = number(segment.port);
    config_.segments.push_back(one);
  }
}

void ConfigBuilder::build_acl() {
  const ConfigAcl& acl = file_.acl;
  auto first = [](const Text& a, const Text& b) { return a ? a : b; };
  if (acl.enabled) config_.acls_enabled = *acl.enabled || config_.acls_enabled;
  config_.acl_agent_master_token = text(first(acl.tokens.agent_master, file_.acl_agent_master_token));
  config_.acl_agent_token = text(first(acl.tokens.agent, file_.acl_agent_token));
  config_.acl_token = text(first(acl.tokens.default_token, file_.acl_token));
  config_.acl_master_token = text(first(acl.tokens.master, file_.acl_master_token));
  config_.acl_replication_token = text(first(acl.tokens.replication, file_.acl_replication_token));
  config_.acl_default_policy = text(first(acl.default_policy, file_.acl_default_policy));
  config_.acl_down_policy = text(first(acl.down_policy, file_.acl_down_policy));
  config_.acl_enable_key_list_policy =
      flag(acl.enable_key_list_policy ? acl.enable_key_list_policy : file_.acl_enable_key_list_policy);
  config_.acl_enable_token_persistence = flag(acl.enable_token_persistence);
  config_.acl_token_replication =
      flag(acl.enable_token_replication ? acl.enable_token_replication : file_.enable_acl_replication) ||
      file_.acl_replication_token.has_value();
  config_.acl_policy_ttl = duration("acl.policy_ttl", acl.policy_ttl);
  config_.acl_role_ttl = duration("acl.role_ttl", acl.role_ttl);
  config_.acl_token_ttl =
      acl.token_ttl ? duration("acl.token_ttl", acl.token_ttl) : duration("acl_ttl", file_.acl_ttl);
  config_.acl_disabled_ttl = duration("acl.disabled_ttl", acl.disabled_ttl);
}

void ConfigBuilder::build_auto_config() {
  const ConfigAutoConfig& given = file_.auto_config;
  AutoConfigRuntime& out = config_.auto_config;
  out.enabled = flag(given.enabled);
  out.intro_token = environment_.intro_token.empty() ? text(given.intro_token) : environment_.intro_token;
  out.intro_token_file = text(given.intro_token_file);
  out.server_addresses = given.server_addresses;
  out.dns_sans = given.dns_sans;
  for (const std::string& ip : given.ip_sans) {
    if (is_ip(ip))
      out.ip_sans.push_back(ip);
    else
      warn(fmt::format("Cannot parse ip {} from auto_config.ip_sans", go_quote(ip)));
  }
  const ConfigAuthorization& authorization = given.authorization;
  const ConfigAuthorizationStatic& rules = authorization.static_rules;
  out.authorizer.enabled = flag(authorization.enabled);
  out.authorizer.allow_reuse = flag(rules.allow_reuse);
  out.authorizer.claim_assertions = rules.claim_assertions;
  Map<Value>& method = out.authorizer.method_config;
  auto list = [](const List<std::string>& texts) -> Value {
    if (texts.is_nil()) return {};
    codec::ValueList values;
    for (const std::string& one : texts) values.push_back(one);
    return values;
  };
  auto map = [](const Map<std::string>& texts) -> Value {
    if (texts.is_nil()) return {};
    codec::ValueMap values;
    for (const auto& [key, value] : texts) values[key] = value;
    return values;
  };
  method["BoundAudiences"] = list(rules.bound_audiences);
  method["BoundIssuer"] = text(rules.bound_issuer);
  method["ClaimMappings"] = map(rules.claim_mappings);
  method["ListClaimMappings"] = map(rules.list_claim_mappings);
  method["JWKSCACert"] = text(rules.jwks_ca_cert);
  method["JWKSURL"] = text(rules.jwks_url);
  method["JWTSupportedAlgs"] = list(rules.jwt_supported_algs);
  method["JWTValidationPubKeys"] = list(rules.jwt_validation_pub_keys);
  method["OIDCDiscoveryCACert"] = text(rules.oidc_discovery_ca_cert);
  method["OIDCDiscoveryURL"] = text(rules.oidc_discovery_url);
  auto ns = [&](const char* key, const Text& value) { return Value(int64_t{duration(key, value).count()}); };
  method["ClockSkewLeeway"] =
      ns("auto_config.authorization.static.clock_skew_leeway", rules.clock_skew_leeway);
  method["ExpirationLeeway"] =
      ns("auto_config.authorization.static.expiration_leeway", rules.expiration_leeway);
  method["NotBeforeLeeway"] =
      ns("auto_config.authorization.static.not_before_leeway", rules.not_before_leeway);
  const ConfigAutoEncrypt& encrypt = file_.auto_encrypt;
  config_.auto_encrypt_tls = flag(encrypt.tls);
  config_.auto_encrypt_allow_tls = flag(encrypt.allow_tls);
  config_.auto_encrypt_dns_san = encrypt.dns_san;
  for (const std::string& ip : encrypt.ip_san) {
    if (is_ip(ip))
      config_.auto_encrypt_ip_san.push_back(ip);
    else
      warn(fmt::format("Cannot parse ip {} from AutoEncrypt.IPSAN", go_quote(ip)));
  }
}

void ConfigBuilder::build_autopilot() {
  const ConfigAutopilot& given = file_.autopilot;
  config_.autopilot_cleanup_dead_servers = flag(given.cleanup_dead_servers);
  config_.autopilot_disable_upgrade_migration = flag(given.disable_upgrade_migration);
  config_.autopilot_last_contact_threshold =
      duration("autopilot.last_contact_threshold", given.last_contact_threshold);
  config_.autopilot_max_trailing_logs = number(given.max_trailing_logs);
  config_.autopilot_min_quorum = number(given.min_quorum);
  config_.autopilot_redundancy_zone_tag = text(given.redundancy_zone_tag);
  config_.autopilot_server_stabilization_time =
      duration("autopilot.server_stabilization_time", given.server_stabilization_time);
  config_.autopilot_upgrade_version_tag = text(given.upgrade_version_tag);
}

void ConfigBuilder::build_cluster() {
  config_.bootstrap = flag(file_.bootstrap);
  config_.bootstrap_expect = number(file_.bootstrap_expect);
  if (config_.bootstrap_expect == 1) {
    // One expected server is bootstrap mode.
    config_.bootstrap = true;
    config_.bootstrap_expect = 0;
    warn("BootstrapExpect is set to 1; this is the same as Bootstrap mode.");
  }
  config_.leave_on_terminate = flag(file_.leave_on_terminate, !config_.server_mode);
  config_.skip_leave_on_interrupt = flag(file_.skip_leave_on_interrupt, config_.server_mode);
  config_.rejoin_after_leave = flag(file_.rejoin_after_leave);
  config_.reconnect_timeout_lan = duration("reconnect_timeout", file_.reconnect_timeout);
  config_.reconnect_timeout_wan = duration("reconnect_timeout_wan", file_.reconnect_timeout_wan);
  config_.rpc_protocol = number(file_.protocol);
  config_.raft_protocol = number(file_.raft_protocol);
  config_.raft_snapshot_interval = duration("raft_snapshot_interval", file_.raft_snapshot_interval);
  config_.raft_snapshot_threshold = number(file_.raft_snapshot_threshold);
  config_.raft_trailing_logs = number(file_.raft_trailing_logs);
  config_.disable_coordinates = flag(file_.disable_coordinates);
  config_.disable_host_node_id = flag(file_.disable_host_node_id);
  config_.disable_keyring_file = flag(file_.disable_keyring_file);
  config_.disable_remote_exec = flag(file_.disable_remote_exec);
  config_.disable_update_check = flag(file_.disable_update_check);
  config_.disable_anonymous_signature = flag(file_.disable_anonymous_signature);
  config_.encrypt_key = text(file_.encrypt);
  config_.encrypt_verify_incoming = flag(file_.encrypt_verify_incoming);
  config_.encrypt_verify_outgoing = flag(file_.encrypt_verify_outgoing);
  config_.enable_central_service_config = flag(file_.enable_central_service_config);
  config_.translate_wan_addrs = flag(file_.translate_wan_addrs);
  config_.cache.entry_fetch_max_burst = number(file_.cache.entry_fetch_max_burst);
  config_.cache.entry_fetch_rate = file_.cache.entry_fetch_rate.value_or(0);
  config_.config_entry_bootstrap = file_.config_entries.bootstrap;
}

void ConfigBuilder::build_connect() {
  const ConfigConnect& given = file_.connect;
  // Handing out certificates needs the certificate authority.
  config_.connect_enabled =
      flag(given.enabled) || flag(file_.auto_encrypt.allow_tls) || config_.auto_config.authorizer.enabled;
  config_.connect_ca_provider = text(given.ca_provider);
  config_.connect_ca_config = translate_ca_config(given.ca_config);
  config_.connect_mesh_gateway_wan_federation_enabled = flag(given.enable_mesh_gateway_wan_federation);
  config_.primary_gateways = expand_all("primary_gateways", file_.primary_gateways);
  config_.primary_gateways_interval = duration("primary_gateways_interval", file_.primary_gateways_interval);
}

void ConfigBuilder::build_dns() {
  const ConfigDns& given = file_.dns_config;
  config_.dns_domain = text(file_.domain);
  config_.dns_alt_domain = text(file_.alt_domain);
  config_.dns_allow_stale = flag(given.allow_stale);
  config_.dns_a_record_limit = number(given.a_record_limit);
  config_.dns_disable_compression = flag(given.disable_compression);
  config_.dns_enable_truncate = flag(given.enable_truncate);
  config_.dns_max_stale = duration("dns_config.max_stale", given.max_stale);
  config_.dns_node_ttl = duration("dns_config.node_ttl", given.node_ttl);
  config_.dns_only_passing = flag(given.only_passing);
  config_.dns_recursor_timeout = duration("recursor_timeout", given.recursor_timeout);
  config_.dns_udp_answer_limit = number(given.udp_answer_limit);
  config_.dns_node_meta_txt = flag(given.enable_additional_node_meta_txt, true);
  config_.dns_use_cache = flag(given.use_cache);
  config_.dns_cache_max_age = duration("dns_config.cache_max_age", given.cache_max_age);
  config_.dns_soa = {.expire = 86400, .minttl = 0, .refresh = 3600, .retry = 600};
  if (given.soa) {
    config_.dns_soa.expire = given.soa->expire.value_or(86400);
    config_.dns_soa.minttl = given.soa->min_ttl.value_or(0);
    config_.dns_soa.refresh = given.soa->refresh.value_or(3600);
    config_.dns_soa.retry = given.soa->retry.value_or(600);
  }
  for (const auto& [name, ttl] : given.service_ttl)
    config_.dns_service_ttl[name] =
        duration(fmt::format("dns_config.service_ttl[{}]", go_quote(name)).c_str(), ttl);
}

void ConfigBuilder::build_gossip() {
  const ConfigGossip& lan = file_.gossip_lan;
  config_.gossip_lan_gossip_interval = duration("gossip_lan..gossip_interval", lan.gossip_interval);
  config_.gossip_lan_gossip_nodes = number(lan.gossip_nodes);
  config_.gossip_lan_probe_interval = duration("gossip_lan..probe_interval", lan.probe_interval);
  config_.gossip_lan_probe_timeout = duration("gossip_lan..probe_timeout", lan.probe_timeout);
  config_.gossip_lan_retransmit_mult = number(lan.retransmit_mult);
  config_.gossip_lan_suspicion_mult = number(lan.suspicion_mult);
  const ConfigGossip& wan = file_.gossip_wan;
  config_.gossip_wan_gossip_interval = duration("gossip_wan..gossip_interval", wan.gossip_interval);
  config_.gossip_wan_gossip_nodes = number(wan.gossip_nodes);
  config_.gossip_wan_probe_interval = duration("gossip_wan..probe_interval", wan.probe_interval);
  config_.gossip_wan_probe_timeout = duration("gossip_wan..probe_timeout", wan.probe_timeout);
  config_.gossip_wan_retransmit_mult = number(wan.retransmit_mult);
  config_.gossip_wan_suspicion_mult = number(wan.suspicion_mult);
  config_.serf_allowed_cidrs_lan = cidrs("serf_lan_allowed_cidrs", file_.serf_lan_allowed_cidrs);
  config_.serf_allowed_cidrs_wan = cidrs("serf_wan_allowed_cidrs", file_.serf_wan_allowed_cidrs);
}

void ConfigBuilder::build_http() {
  const ConfigHttp& given = file_.http_config;
  config_.http_block_endpoints = given.block_endpoints;
  config_.http_response_headers = given.response_headers;
  config_.http_use_cache = flag(given.use_cache, true);
  for (const std::string& text_of_net : given.allow_write_http_from) {
    auto cidr = Cidr::parse(text_of_net);
    if (cidr)
      config_.allow_write_http_from.push_back(cidr->text());
    else
      add_error("allow_write_http_from: invalid cidr: " + text_of_net);
  }
  config_.disable_http_unprintable_char_filter = flag(file_.disable_http_unprintable_char_filter);
  config_.discovery_max_stale = duration("discovery_max_stale", file_.discovery_max_stale);
  config_.default_query_time = duration("default_query_time", file_.default_query_time);
  config_.max_query_time = duration("max_query_time", file_.max_query_time);
  config_.enable_debug = flag(file_.enable_debug);
  config_.enable_ui = flag(file_.ui);
  config_.ui_dir = text(file_.ui_dir);
  std::string path = text(file_.ui_content_path);
  if (!path.starts_with('/')) path.insert(0, "/");
  if (!path.ends_with('/')) path += '/';
  config_.ui_content_path = path;
  config_.unix_socket_group = text(file_.unix_sockets.group);
  config_.unix_socket_mode = text(file_.unix_sockets.mode);
  config_.unix_socket_user = text(file_.unix_sockets.user);
}

void ConfigBuilder::build_limits() {
  const ConfigLimits& given = file_.limits;
  config_.http_max_conns_per_client = number(given.http_max_conns_per_client);
  config_.https_handshake_timeout = duration("limits.https_handshake_timeout", given.https_handshake_timeout);
  config_.rpc_handshake_timeout = duration("limits.rpc_handshake_timeout", given.rpc_handshake_timeout);
  config_.rpc_max_burst = number(given.rpc_max_burst);
  config_.rpc_max_conns_per_client = number(given.rpc_max_conns_per_client);
  config_.rpc_rate_limit = given.rpc_rate.value_or(0);
  config_.kv_max_value_size = static_cast<int64_t>(given.kv_max_value_size.value_or(0));
  config_.txn_max_req_len = static_cast<int64_t>(given.txn_max_req_len.value_or(0));
  config_.leave_drain_time = duration("performance.leave_drain_time", file_.performance.leave_drain_time);
  config_.rpc_hold_timeout = duration("performance.rpc_hold_timeout", file_.performance.rpc_hold_timeout);
}

void ConfigBuilder::build_logging() {
  LoggingRuntime& logging = config_.logging;
  logging.log_level = text(file_.log_level);
  logging.log_json = flag(file_.log_json);
  logging.log_file_path = text(file_.log_file);
  logging.log_rotate_bytes = number(file_.log_rotate_bytes);
  logging.log_rotate_duration = duration("log_rotate_duration", file_.log_rotate_duration);
  logging.log_rotate_max_files = number(file_.log_rotate_max_files);
  logging.enable_syslog = flag(file_.enable_syslog);
  logging.syslog_facility = text(file_.syslog_facility);
}

void ConfigBuilder::build_telemetry() {
  const ConfigTelemetry& given = file_.telemetry;
  TelemetryRuntime& out = config_.telemetry;
  out.circonus_api_app = text(given.circonus_api_app);
  out.circonus_api_token = text(given.circonus_api_token);
  out.circonus_api_url = text(given.circonus_api_url);
  out.circonus_broker_id = text(given.circonus_broker_id);
  out.circonus_broker_select_tag = text(given.circonus_broker_select_tag);
  out.circonus_check_display_name = text(given.circonus_check_display_name);
  out.circonus_check_force_metric_activation = text(given.circonus_check_force_metric_activation);
  out.circonus_check_id = text(given.circonus_check_id);
  out.circonus_check_instance_id = text(given.circonus_check_instance_id);
  out.circonus_check_search_tag = text(given.circonus_check_search_tag);
  out.circonus_check_tags = text(given.circonus_check_tags);
  out.circonus_submission_interval = text(given.circonus_submission_interval);
  out.circonus_submission_url = text(given.circonus_submission_url);
  out.disable_hostname = flag(given.disable_hostname);
  out.dogstatsd_addr = text(given.dogstatsd_addr);
  out.dogstatsd_tags = given.dogstatsd_tags;
  out.filter_default = flag(given.filter_default);
  out.metrics_prefix = text(given.metrics_prefix);
  out.prometheus_retention_time = duration("prometheus_retention_time", given.prometheus_retention_time);
  out.statsd_addr = text(given.statsd_address);
  out.statsite_addr = text(given.statsite_address);
  for (const std::string& rule : given.prefix_filter) {
    if (rule.empty()) {
      warn("Cannot have empty filter rule in prefix_filter");
    } else if (rule[0] == '+') {
      out.allowed_prefixes.push_back(rule.substr(1));
    } else if (rule[0] == '-') {
      out.blocked_prefixes.push_back(rule.substr(1));
    } else {
      warn(fmt::format("Filter rule must begin with either '+' or '-': {}", go_quote(rule)));
    }
  }
}

void ConfigBuilder::build_internal() {
  config_.session_ttl_min = duration("session_ttl_min", file_.session_ttl_min);
  config_.ae_interval = duration("ae_interval", file_.ae_interval);
  config_.check_deregister_interval_min =
      duration("check_deregister_interval_min", file_.check_deregister_interval_min);
  config_.check_reap_interval = duration("check_reap_interval", file_.check_reap_interval);
  config_.sync_coordinate_interval_min =
      duration("sync_coordinate_interval_min", file_.sync_coordinate_interval_min);
  config_.sync_coordinate_rate_target = file_.sync_coordinate_rate_target.value_or(0);
  config_.segment_limit = number(file_.segment_limit);
  config_.segment_name_limit = number(file_.segment_name_limit);
  config_.revision = text(file_.revision);
  config_.version = text(file_.version);
  config_.version_prerelease = text(file_.version_prerelease);
  const ConfigConsul& consul = file_.consul;
  int64_t multiplier = number(file_.performance.raft_multiplier);
  config_.consul_coordinate_update_batch_size = number(consul.coordinate.update_batch_size);
  config_.consul_coordinate_update_max_batches = number(consul.coordinate.update_max_batches);
  config_.consul_coordinate_update_period =
      duration("consul.coordinate.update_period", consul.coordinate.update_period);
  config_.consul_raft_election_timeout =
      multiplier * duration("consul.raft.election_timeout", consul.raft.election_timeout);
  config_.consul_raft_heartbeat_timeout =
      multiplier * duration("consul.raft.heartbeat_timeout", consul.raft.heartbeat_timeout);
  config_.consul_raft_leader_lease_timeout =
      multiplier * duration("consul.raft.leader_lease_timeout", consul.raft.leader_lease_timeout);
  config_.consul_server_health_interval =
      duration("consul.server.health_interval", consul.server.health_interval);
}

Status ConfigBuilder::build_tls() {
  config_.ca_file = text(file_.ca_file);
  config_.ca_path = text(file_.ca_path);
  config_.cert_file = text(file_.cert_file);
  config_.key_file = text(file_.key_file);
  config_.server_name = text(file_.server_name);
  config_.tls_min_version = text(file_.tls_min_version);
  config_.tls_prefer_server_cipher_suites = flag(file_.tls_prefer_server_cipher_suites);
  config_.enable_agent_tls_for_checks = flag(file_.enable_agent_tls_for_checks);
  config_.verify_incoming = flag(file_.verify_incoming);
  config_.verify_incoming_https = flag(file_.verify_incoming_https);
  config_.verify_incoming_rpc = flag(file_.verify_incoming_rpc);
  config_.verify_server_hostname = flag(file_.verify_server_hostname);
  config_.verify_outgoing = flag(file_.verify_outgoing) || config_.verify_server_hostname;
  std::string suites = text(file_.tls_cipher_suites);
  if (trim(suites).empty()) return {};
  for (std::string_view suite : split(suites, ',')) {
    if (cipher_suite_id(suite) == 0)
      add_error(fmt::format("tls_cipher_suites: invalid tls cipher suites: unsupported cipher {}",
                            go_quote(suite)));
    else
      config_.tls_cipher_suites.emplace_back(suite);
  }
  return {};
}

}  // namespace praetor::agent
