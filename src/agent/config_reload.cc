#include "agent/config_reload.h"

#include "codec/json.h"

namespace praetor::agent {

RuntimeConfig reloaded_config(const RuntimeConfig& running, const RuntimeConfig& fresh) {
  RuntimeConfig next = running;
  auto take = [&](auto... members) { ((next.*members = fresh.*members), ...); };
  using C = RuntimeConfig;
  take(&C::services, &C::checks, &C::watches, &C::node_meta, &C::config_entry_bootstrap,
       &C::discard_check_output);
  take(&C::dns_a_record_limit, &C::dns_allow_stale, &C::dns_cache_max_age, &C::dns_disable_compression,
       &C::dns_enable_truncate, &C::dns_max_stale, &C::dns_node_meta_txt, &C::dns_node_ttl,
       &C::dns_only_passing, &C::dns_recursor_timeout, &C::dns_recursors, &C::dns_soa, &C::dns_service_ttl,
       &C::dns_udp_answer_limit, &C::dns_use_cache);
  take(&C::http_max_conns_per_client, &C::rpc_rate_limit, &C::rpc_max_burst, &C::cache);
  take(&C::acl_agent_master_token, &C::acl_agent_token, &C::acl_token, &C::acl_replication_token);
  take(&C::ca_file, &C::ca_path, &C::cert_file, &C::key_file, &C::tls_cipher_suites, &C::tls_min_version,
       &C::tls_prefer_server_cipher_suites, &C::verify_incoming, &C::verify_incoming_https,
       &C::verify_incoming_rpc, &C::verify_outgoing, &C::verify_server_hostname);
  next.logging.log_level = fresh.logging.log_level;
  next.telemetry.allowed_prefixes = fresh.telemetry.allowed_prefixes;
  next.telemetry.blocked_prefixes = fresh.telemetry.blocked_prefixes;
  next.telemetry.filter_default = fresh.telemetry.filter_default;
  return next;
}

std::vector<std::string> needs_restart(const RuntimeConfig& started, const RuntimeConfig& fresh) {
  RuntimeConfig applied = reloaded_config(started, fresh);
  applied.node_id = fresh.node_id;
  Value before = debug_config(applied);
  Value after = debug_config(fresh);
  std::vector<std::string> names;
  for (const auto& [key, value] : *after.map())
    if (const Value* old = before.map()->get(key);
        old == nullptr || codec::to_json(*old) != codec::to_json(value))
      names.push_back(key);
  return names;
}

}  // namespace praetor::agent
