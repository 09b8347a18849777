// The flags of `agent`: each sets one key of the configuration.
#include <fmt/format.h>

#include "agent/config_load.h"
#include "agent/config_value.h"
#include "base/text.h"

namespace praetor::agent {

const std::vector<AgentFlag>& agent_flags() {
  using K = AgentFlagKind;
  static const std::vector<AgentFlag> flags = {
      {"advertise", K::kString, "advertise_addr",
       "Address that other members of the datacenter use for this agent."},
      {"advertise-wan", K::kString, "advertise_addr_wan",
       "Address that servers of other datacenters use for this agent; the one of -advertise if not given."},
      {"allow-write-http-from", K::kList, "http_config.allow_write_http_from",
       "Network in CIDR form from which the HTTP API accepts writes. May be given several times."},
      {"alt-domain", K::kString, "alt_domain", "Second domain that the DNS interface answers for."},
      {"bind", K::kString, "bind_addr", "Address on which the agent talks to its cluster."},
      {"bootstrap", K::kBool, "bootstrap",
       "Lets this server elect itself: for the first server of a datacenter only."},
      {"bootstrap-expect", K::kInt, "bootstrap_expect",
       "Number of servers to wait for before the first election."},
      {"check_output_max_size", K::kInt, "check_output_max_size", "Most bytes of output kept of a check."},
      {"client", K::kString, "client_addr",
       "Addresses on which HTTP, HTTPS, DNS and gRPC listen for clients."},
      {"config-dir", K::kList, "",
       "Directory whose '.json' and '.hcl' files are read in the order of their names. May be given several "
       "times."},
      {"config-file", K::kList, "",
       "File of configuration, in JSON or HCL by its extension. May be given several times."},
      {"config-format", K::kString, "",
       "Reads every file of configuration as 'hcl' or 'json', whatever its extension."},
      {"data-dir", K::kString, "data_dir", "Directory in which the agent keeps its state."},
      {"datacenter", K::kString, "datacenter", "Name of the datacenter of this agent."},
      {"default-query-time", K::kDuration, "default_query_time",
       "How long a blocking query waits at most when it does not say so by 'wait'."},
      {"dev", K::kBool, "", "Development mode: a single server that keeps everything in memory."},
      {"disable-host-node-id", K::kBool, "disable_host_node_id",
       "Makes up a random node ID instead of deriving one from the machine."},
      {"disable-keyring-file", K::kBool, "disable_keyring_file", "Keeps gossip keys in memory only."},
      {"dns-port", K::kInt, "ports.dns", "Port of the DNS interface."},
      {"domain", K::kString, "domain", "Domain that the DNS interface answers for."},
      {"enable-local-script-checks", K::kBool, "enable_local_script_checks",
       "Allows script checks that configuration files define."},
      {"enable-script-checks", K::kBool, "enable_script_checks",
       "Allows script checks, those registered over HTTP included."},
      {"encrypt", K::kString, "encrypt", "Key that encrypts gossip, in base 64."},
      {"grpc-port", K::kInt, "ports.grpc", "Port of the gRPC API, which serves Envoy's xDS."},
      {"hcl", K::kList, "", "Piece of configuration in HCL. May be given several times."},
      {"http-port", K::kInt, "ports.http", "Port of the HTTP API."},
      {"https-port", K::kInt, "ports.https", "Port of the HTTP API over TLS."},
      {"join", K::kList, "start_join",
       "Address of a member to join once at the start. May be given several times."},
      {"join-wan", K::kList, "start_join_wan",
       "Address of a server to join once over the WAN at the start. May be given several times."},
      {"log-file", K::kString, "log_file",
       "File, or directory with a slash at its end, that the log is written to as well."},
      {"log-json", K::kBool, "log_json", "Writes the log as JSON."},
      {"log-level", K::kString, "log_level", "Least level of messages that are logged."},
      {"log-rotate-bytes", K::kInt, "log_rotate_bytes", "Size at which a new log file is begun."},
      {"log-rotate-duration", K::kDuration, "log_rotate_duration",
       "Time after which a new log file is begun."},
      {"log-rotate-max-files", K::kInt, "log_rotate_max_files", "Number of old log files that are kept."},
      {"max-query-time", K::kDuration, "max_query_time",
       "Upper limit of a blocking query's 'wait', random extra time included."},
      {"node", K::kString, "node_name", "Name of this node, unlike that of any other in the cluster."},
      {"node-id", K::kString, "node_id",
       "ID of this node, unique everywhere and for all time. By default one is made up once and kept in the "
       "data directory."},
      {"node-meta", K::kMap, "node_meta",
       "Metadata of this node in the form `key:value`. May be given several times."},
      {"non-voting-server", K::kBool, "non_voting_server",
       "(Enterprise only) Makes a server that follows the log and does not vote, to spread reads."},
      {"pid-file", K::kString, "pid_file", "File to write the process ID to."},
      {"primary-gateway", K::kList, "primary_gateways",
       "Address of a mesh gateway of the primary datacenter, tried until WAN federation stands. May be given "
       "several times."},
      {"protocol", K::kInt, "protocol", "Version of the gossip protocol to speak; the latest if not given."},
      {"raft-protocol", K::kInt, "raft_protocol",
       "Version of the Raft protocol to speak; the latest if not given."},
      {"recursor", K::kList, "recursors",
       "Address of a DNS server that is asked about foreign names. May be given several times."},
      {"rejoin", K::kBool, "rejoin_after_leave",
       "Joins the cluster again at the start, even after having left it on purpose."},
      {"retry-interval", K::kDuration, "retry_interval", "Pause between attempts to join."},
      {"retry-interval-wan", K::kDuration, "retry_interval_wan",
       "Pause between attempts to join over the WAN."},
      {"retry-join", K::kList, "retry_join",
       "Address of a member to join at the start, tried until it works. May be given several times."},
      {"retry-join-wan", K::kList, "retry_join_wan",
       "Address of a server to join over the WAN at the start, tried until it works. May be given several "
       "times."},
      {"retry-max", K::kInt, "retry_max", "Number of attempts to join; 0, the default, never gives up."},
      {"retry-max-wan", K::kInt, "retry_max_wan",
       "Number of attempts to join over the WAN; 0, the default, never gives up."},
      {"segment", K::kString, "segment", "(Enterprise only) Network segment to join."},
      {"serf-lan-allowed-cidrs", K::kList, "serf_lan_allowed_cidrs",
       "Network in CIDR form whose members may gossip in the LAN pool. May be given several times."},
      {"serf-lan-bind", K::kString, "serf_lan", "Address on which gossip of the LAN pool listens."},
      {"serf-lan-port", K::kInt, "ports.serf_lan", "Port of gossip in the LAN pool."},
      {"serf-wan-allowed-cidrs", K::kList, "serf_wan_allowed_cidrs",
       "Network in CIDR form whose members may gossip in the WAN pool. May be given several times."},
      {"serf-wan-bind", K::kString, "serf_wan", "Address on which gossip of the WAN pool listens."},
      {"serf-wan-port", K::kInt, "ports.serf_wan", "Port of gossip in the WAN pool."},
      {"server", K::kBool, "server", "Makes the agent a server."},
      {"server-port", K::kInt, "ports.server", "Port on which servers talk to each other and to clients."},
      {"syslog", K::kBool, "enable_syslog", "Sends the log to syslog too."},
      {"ui", K::kBool, "ui", "Serves the web UI."},
      {"ui-content-path", K::kString, "ui_content_path",
       "Path under which the web UI is served; /ui/ by default."},
      {"ui-dir", K::kString, "ui_dir", "Directory with the files of a web UI of your own."},
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
