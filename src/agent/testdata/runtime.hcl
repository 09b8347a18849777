data_dir = "/xdata"
bind_addr = "127.0.0.1"
acl { enabled = true default_policy = "deny" down_policy = "async-cache" enable_key_list_policy = true enable_token_persistence = true enable_token_replication = true policy_ttl = "31s" role_ttl = "32s" token_ttl = "33s" disabled_ttl = "5s" tokens { master = "d18c2ae4-7a1c-4f32-9f3f-d8a4b5c6b7a8" agent_master = "a" agent = "b" default = "c" replication = "d" } }
addresses { dns = "127.0.0.1" http = "127.0.0.1" }
advertise_addr = "127.0.0.1"
advertise_addr_wan = "127.0.0.2"
alt_domain = "other."
auto_encrypt { dns_san = ["a"] ip_san = ["1.2.3.4"] allow_tls = true }
autopilot { cleanup_dead_servers = false last_contact_threshold = "1s" max_trailing_logs = 7 min_quorum = 3 server_stabilization_time = "4s" }
bootstrap = true
cache { entry_fetch_max_burst = 7 entry_fetch_rate = 2.5 }
check_output_max_size = 55
check_update_interval = "11s"
connect { enabled = true ca_config { csr_max_per_second = 5 rotation_period = "2000h" } }
datacenter = "DCx"
default_query_time = "12s"
disable_anonymous_signature = true
disable_coordinates = true
disable_host_node_id = false
disable_http_unprintable_char_filter = true
disable_keyring_file = true
disable_remote_exec = false
disable_update_check = true
discard_check_output = true
discovery_max_stale = "3s"
dns_config { allow_stale = false a_record_limit = 3 disable_compression = true enable_truncate = true max_stale = "4s" node_ttl = "5s" only_passing = true recursor_timeout = "6s" udp_answer_limit = 4 enable_additional_node_meta_txt = false soa { refresh = 1 retry = 2 expire = 3 min_ttl = 4 } use_cache = true cache_max_age = "7s" service_ttl { web = "3s" } }
domain = "Foo"
enable_agent_tls_for_checks = true
enable_central_service_config = true
enable_debug = true
enable_local_script_checks = true
encrypt_verify_incoming = false
encrypt_verify_outgoing = false
gossip_lan { gossip_nodes = 4 gossip_interval = "210ms" probe_interval = "1100ms" probe_timeout = "510ms" suspicion_mult = 5 retransmit_mult = 6 }
gossip_wan { gossip_nodes = 5 gossip_interval = "510ms" probe_interval = "5100ms" probe_timeout = "3100ms" suspicion_mult = 7 retransmit_mult = 8 }
http_config { block_endpoints = ["/v1/x"] response_headers { A = "b" } use_cache = false }
leave_on_terminate = true
limits { http_max_conns_per_client = 100 https_handshake_timeout = "6s" rpc_handshake_timeout = "7s" rpc_max_burst = 8 rpc_max_conns_per_client = 9 rpc_rate = 10 kv_max_value_size = 11 txn_max_req_len = 12 }
log_level = "TRACE"
log_rotate_duration = "25h"
log_rotate_max_files = 4
max_query_time = "13s"
node_meta { a = "b" }
performance { leave_drain_time = "3s" raft_multiplier = 2 rpc_hold_timeout = "4s" }
pid_file = "/xdata/pid"
ports { dns = -1 http = 19540 serf_lan = 19541 serf_wan = 19542 server = 19543 sidecar_min_port = 1000 sidecar_max_port = 1001 expose_min_port = 1002 expose_max_port = 1003 }
primary_datacenter = "dcX"
primary_gateways_interval = "3s"
protocol = 3
raft_protocol = 3
raft_snapshot_interval = "31s"
raft_snapshot_threshold = 9
raft_trailing_logs = 10
reconnect_timeout = "80h"
reconnect_timeout_wan = "81h"
recursors = ["127.0.0.1:5353", "127.0.0.1"]
rejoin_after_leave = true
retry_interval = "31s"
retry_interval_wan = "32s"
retry_max = 3
retry_max_wan = 4
serf_lan_allowed_cidrs = ["127.0.0.1/8"]
server = true
server_name = "sn"
service { name = "web" port = 80 kind = "connect-proxy" proxy { destination_service_name = "x" config { a = 1 b = [1,2] c { d = "e" } } upstreams { destination_name = "q" local_bind_port = 3 } } }
session_ttl_min = "14s"
skip_leave_on_interrupt = false
syslog_facility = "LOCAL1"
tagged_addresses { x = "1.1.1.1" }
telemetry { disable_hostname = true filter_default = false metrics_prefix = "zz" prometheus_retention_time = "3s" dogstatsd_tags = ["a"] }
tls_min_version = "tls11"
tls_prefer_server_cipher_suites = true
translate_wan_addrs = true
ui = true
ui_content_path = "foo"
unix_sockets { user = "1" group = "2" mode = "0700" }
verify_outgoing = false
node_name = "big"
