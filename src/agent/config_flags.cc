// The flags of `agent`: each sets one key of the configuration.
#include <fmt/format.h>

#include "agent/config_load.h"
#include "agent/config_value.h"
#include "base/text.h"

namespace praetor::agent {

const std::vector<AgentFlag>& agent_flags() {
  using K = AgentFlagKind;
  static const std::vector<AgentFlag> flags = {
      {"advertise", K::kString, "advertise_addr", "Sets the advertise address to use."},
      {"advertise-wan", K::kString, "advertise_addr_wan",
       "Sets address to advertise on WAN instead of -advertise address."},
      {"allow-write-http-from", K::kList, "http_config.allow_write_http_from",
       "Only allow write endpoint calls from given network. CIDR format, can be specified multiple times."},
      {"alt-domain", K::kString, "alt_domain", "Alternate domain to use for DNS interface."},
      {"bind", K::kString, "bind_addr", "Sets the bind address for cluster communication."},
      {"bootstrap", K::kBool, "bootstrap", "Sets server to bootstrap mode."},
      {"bootstrap-expect", K::kInt, "bootstrap_expect", "Sets server to expect bootstrap mode."},
      {"check_output_max_size", K::kInt, "check_output_max_size",
       "Sets the maximum output size for checks on this agent"},
      {"client", K::kString, "client_addr",
       "Sets the address to bind for client access. This includes RPC, DNS, HTTP, HTTPS and gRPC (if "
       "configured)."},
      {"config-dir", K::kList, "",
       "Path to a directory to read configuration files from. This will read every file ending in '.json' as "
       "configuration in this directory in alphabetical order. Can be specified multiple times."},
      {"config-file", K::kList, "",
       "Path to a file in JSON or HCL format with a matching file extension. Can be specified multiple "
       "times."},
      {"config-format", K::kString, "",
       "Config files are in this format irrespective of their extension. Must be 'hcl' or 'json'"},
      {"data-dir", K::kString, "data_dir", "Path to a data directory to store agent state."},
      {"datacenter", K::kString, "datacenter", "Datacenter of the agent."},
      {"default-query-time", K::kDuration, "default_query_time",
       "the amount of time a blocking query will wait before Consul will force a response. This value can be "
       "overridden by the 'wait' query parameter."},
      {"dev", K::kBool, "", "Starts the agent in development mode."},
      {"disable-host-node-id", K::kBool, "disable_host_node_id",
       "Setting this to true will prevent Consul from using information from the host to generate a node ID, "
       "and will cause Consul to generate a random node ID instead."},
      {"disable-keyring-file", K::kBool, "disable_keyring_file",
       "Disables the backing up of the keyring to a file."},
      {"dns-port", K::kInt, "ports.dns", "DNS port to use."},
      {"domain", K::kString, "domain", "Domain to use for DNS interface."},
      {"enable-local-script-checks", K::kBool, "enable_local_script_checks",
       "Enables health check scripts from configuration file."},
      {"enable-script-checks", K::kBool, "enable_script_checks", "Enables health check scripts."},
      {"encrypt", K::kString, "encrypt", "Provides the gossip encryption key."},
      {"grpc-port", K::kInt, "ports.grpc",
       "Sets the gRPC API port to listen on (currently needed for Envoy xDS only)."},
      {"hcl", K::kList, "", "hcl config fragment. Can be specified multiple times."},
      {"http-port", K::kInt, "ports.http", "Sets the HTTP API port to listen on."},
      {"https-port", K::kInt, "ports.https", "Sets the HTTPS API port to listen on."},
      {"join", K::kList, "start_join",
       "Address of an agent to join at start time. Can be specified multiple times."},
      {"join-wan", K::kList, "start_join_wan",
       "Address of an agent to join -wan at start time. Can be specified multiple times."},
      {"log-file", K::kString, "log_file", "Path to the file the logs get written to"},
      {"log-json", K::kBool, "log_json", "Output logs in JSON format."},
      {"log-level", K::kString, "log_level", "Log level of the agent."},
      {"log-rotate-bytes", K::kInt, "log_rotate_bytes",
       "Maximum number of bytes that should be written to a log file"},
      {"log-rotate-duration", K::kDuration, "log_rotate_duration",
       "Time after which log rotation needs to be performed"},
      {"log-rotate-max-files", K::kInt, "log_rotate_max_files",
       "Maximum number of log file archives to keep"},
      {"max-query-time", K::kDuration, "max_query_time",
       "the maximum amount of time a blocking query can wait before Consul will force a response. Consul "
       "applies jitter to the wait time. The jittered time will be capped to MaxQueryTime."},
      {"node", K::kString, "node_name", "Name of this node. Must be unique in the cluster."},
      {"node-id", K::kString, "node_id",
       "A unique ID for this node across space and time. Defaults to a randomly-generated ID that persists "
       "in the data-dir."},
      {"node-meta", K::kMap, "node_meta",
       "An arbitrary metadata key/value pair for this node, of the format `key:value`. Can be specified "
       "multiple times."},
      {"non-voting-server", K::kBool, "non_voting_server",
       "(Enterprise-only) This flag is used to make the server not participate in the Raft quorum, and have "
       "it only receive the data replication stream. This can be used to add read scalability to a cluster "
       "in cases where a high volume of reads to servers are needed."},
      {"pid-file", K::kString, "pid_file", "Path to file to store agent PID."},
      {"primary-gateway", K::kList, "primary_gateways",
       "Address of a mesh gateway in the primary datacenter to use to bootstrap WAN federation at start time "
       "with retries enabled. Can be specified multiple times."},
      {"protocol", K::kInt, "protocol", "Sets the protocol version. Defaults to latest."},
      {"raft-protocol", K::kInt, "raft_protocol", "Sets the Raft protocol version. Defaults to latest."},
      {"recursor", K::kList, "recursors",
       "Address of an upstream DNS server. Can be specified multiple times."},
      {"rejoin", K::kBool, "rejoin_after_leave",
       "Ignores a previous leave and attempts to rejoin the cluster."},
      {"retry-interval", K::kDuration, "retry_interval", "Time to wait between join attempts."},
      {"retry-interval-wan", K::kDuration, "retry_interval_wan", "Time to wait between join -wan attempts."},
      {"retry-join", K::kList, "retry_join",
       "Address of an agent to join at start time with retries enabled. Can be specified multiple times."},
      {"retry-join-wan", K::kList, "retry_join_wan",
       "Address of an agent to join -wan at start time with retries enabled. Can be specified multiple "
       "times."},
      {"retry-max", K::kInt, "retry_max",
       "Maximum number of join attempts. Defaults to 0, which will retry indefinitely."},
      {"retry-max-wan", K::kInt, "retry_max_wan",
       "Maximum number of join -wan attempts. Defaults to 0, which will retry indefinitely."},
      {"segment", K::kString, "segment", "(Enterprise-only) Sets the network segment to join."},
      {"serf-lan-allowed-cidrs", K::kList, "serf_lan_allowed_cidrs",
       "Networks (eg: 192.168.1.0/24) allowed for Serf LAN. Can be specified multiple times."},
      {"serf-lan-bind", K::kString, "serf_lan", "Address to bind Serf LAN listeners to."},
      {"serf-lan-port", K::kInt, "ports.serf_lan", "Sets the Serf LAN port to listen on."},
      {"serf-wan-allowed-cidrs", K::kList, "serf_wan_allowed_cidrs",
       "Networks (eg: 192.168.1.0/24) allowed for Serf WAN (other datacenters). Can be specified multiple "
       "times."},
      {"serf-wan-bind", K::kString, "serf_wan", "Address to bind Serf WAN listeners to."},
      {"serf-wan-port", K::kInt, "ports.serf_wan", "Sets the Serf WAN port to listen on."},
      {"server", K::kBool, "server", "Switches agent to server mode."},
      {"server-port", K::kInt, "ports.server", "Sets the server port to listen on."},
      {"syslog", K::kBool, "enable_syslog", "Enables logging to syslog."},
      {"ui", K::kBool, "ui", "Enables the built-in static web UI server."},
      {"ui-content-path", K::kString, "ui_content_path",
       "Sets the external UI path to a string. Defaults to: /ui/"},
      {"ui-dir", K::kString, "ui_dir", "Path to directory containing the web UI resources."},
  };
  return flags;
}

namespace {

Result<Value> flag_value(const AgentFlag& flag, std::string_view text) {
  switch (flag.kind) {
    case AgentFlagKind::kBool: {
      TRY_ASSIGN(bool value, parse_bool(text));
      return Value(value);
    }
    case AgentFlagKind::kInt: {
      auto value = parse_int(text);
      if (value) return Value(*value);
      std::string why = value.error().message;
      if (size_t at = why.find("ParseInt"); at != std::string::npos) why.replace(at, 8, "Atoi");
      return fail(why, ErrorKind::kBadRequest);
    }
    case AgentFlagKind::kDuration: {
      TRY_ASSIGN(Duration value, parse_duration(text));
      return Value(format_duration(value));
    }
    case AgentFlagKind::kList: {
      codec::ValueList list;
      list.push_back(std::string(text));
      return Value(std::move(list));
    }
    case AgentFlagKind::kMap: {
      size_t colon = text.find(':');
      codec::ValueMap map;
      map[text.substr(0, colon)] = std::string(colon == std::string_view::npos ? "" : text.substr(colon + 1));
      return Value(std::move(map));
    }
    case AgentFlagKind::kString:
      return Value(std::string(text));
  }
  return Value();
}

// {"ports": {"http": value}} for "ports.http".
Value nest(std::string_view key, Value value) {
  size_t dot = key.rfind('.');
  codec::ValueMap map;
  map[key.substr(dot == std::string_view::npos ? 0 : dot + 1)] = std::move(value);
  if (dot == std::string_view::npos) return map;
  return nest(key.substr(0, dot), std::move(map));
}

}  // namespace

Status LoadOptions::set_flag(std::string_view name, std::string_view text) {
  const AgentFlag* flag = nullptr;
  for (const AgentFlag& one : agent_flags())
    if (one.name == name) flag = &one;
  if (flag == nullptr) return fail(fmt::format("flag provided but not defined: -{}", name));
  if (name == "dev") {
    TRY_ASSIGN(dev_mode, parse_bool(text));
    return {};
  }
  if (name == "config-format") return config_format = text, Status();
  if (name == "hcl") return hcl.emplace_back(text), Status();
  if (name == "config-file" || name == "config-dir") return config_files.emplace_back(text), Status();
  TRY_ASSIGN(Value value, flag_value(*flag, text));
  bool is_list = flag->kind == AgentFlagKind::kList;
  DecodeErrors errors;
  // A repeated flag replaces its value, or adds to its list or map.
  decode_config(nest(flag->key, std::move(value)), codec::type_of<ConfigFile>(),
                is_list ? &list_flags : &scalar_flags, errors);
  return {};
}

}  // namespace praetor::agent
