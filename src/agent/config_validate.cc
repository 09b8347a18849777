#include <fmt/format.h>
#include <re2/re2.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "agent/config_builder.h"
#include "base/text.h"
#include "model/validate.h"

namespace praetor::agent {
namespace {

std::unexpected<Error> refuse(std::string message) {
  return fail(std::move(message), ErrorKind::kBadRequest);
}

bool matches_all(std::string_view text, bool (*allowed)(char)) {
  return std::all_of(text.begin(), text.end(), allowed);
}

bool lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }
bool path_char(char c) { return lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '/'; }

Status check_identity(const RuntimeConfig& c, std::vector<std::string>& warnings) {
  if (c.datacenter.empty()) return refuse("datacenter cannot be empty");
  if (!matches_all(c.datacenter, lower_alnum))
    return refuse(fmt::format("datacenter cannot be {}. Please use only [a-z0-9-_]", go_quote(c.datacenter)));
  if (c.data_dir.empty() && !c.dev_mode) return refuse("data_dir cannot be empty");
  if (!matches_all(c.ui_content_path, path_char))
    return refuse("ui-content-path can only contain alphanumeric, -, _, or /. received: " +
                  c.ui_content_path);
  static const RE2 version("/v\\d+/$");
  if (RE2::PartialMatch(c.ui_content_path, version))
    return refuse("ui-content-path cannot have 'v[0-9]'. received: " + c.ui_content_path);
  if (!c.dev_mode) {
    struct stat info{};
    if (stat(c.data_dir.c_str(), &info) == 0 && !S_ISDIR(info.st_mode))
      return refuse(fmt::format("data_dir {} is not a directory", go_quote(c.data_dir)));
    std::string mdb = c.data_dir + "/mdb";
    if (c.server_mode && stat(mdb.c_str(), &info) == 0)
      return refuse(fmt::format(
          "CRITICAL: Deprecated data folder found at {}!\nConsul will refuse to boot with this directory "
          "present.\nSee https://www.consul.io/docs/upgrade-specific.html for more information.",
          go_quote(mdb)));
  }
  if (c.node_name.empty()) return refuse("node_name cannot be empty");
  if (std::string_view problem = dns_label_problem(c.node_name); !problem.empty())
    warnings.push_back(
        fmt::format("Node name {} will not be discoverable via DNS {}", go_quote(c.node_name), problem));
  if (auto valid = model::validate_metadata(c.node_meta, false); !valid)
    return refuse("node_meta invalid: " + valid.error().message);
  return {};
}

Status check_limits(const RuntimeConfig& c) {
  auto at_least_zero = [](const char* key, int64_t value) -> Status {
    if (value >= 0) return {};
    return refuse(fmt::format("{} cannot be {}. Must be greater than or equal to zero", key, value));
  };
  TRY(at_least_zero("autopilot.max_trailing_logs", c.autopilot_max_trailing_logs));
  TRY(at_least_zero("bootstrap_expect", c.bootstrap_expect));
  TRY(at_least_zero("dns_config.udp_answer_limit", c.dns_udp_answer_limit));
  TRY(at_least_zero("dns_config.a_record_limit", c.dns_a_record_limit));
  if (c.check_output_max_size < 1)
    return refuse(
        "check_output_max_size must be positive, to discard check output use the discard_check_output flag");
  if (c.cache.entry_fetch_rate <= 0)
    return refuse(
        fmt::format("cache.entry_fetch_rate must be strictly positive, was: {}", c.cache.entry_fetch_rate));
  if (c.cache.entry_fetch_max_burst <= 0)
    return refuse(fmt::format("cache.entry_fetch_max_burst must be strictly positive, was: {}",
                              c.cache.entry_fetch_max_burst));
  rlimit files{};
  constexpr int64_t kReservedFiles = 20;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY &&
      static_cast<int64_t>(files.rlim_cur) < c.http_max_conns_per_client + kReservedFiles)
    return refuse(fmt::format(
        "system allows a max of {} file descriptors, but limits.http_max_conns_per_client: {} needs at least "
        "{}",
        files.rlim_cur, c.http_max_conns_per_client, c.http_max_conns_per_client + kReservedFiles));
  return {};
}

Status check_addresses(const RuntimeConfig& c) {
  if (is_any_ip(c.advertise_addr_lan)) return refuse("Advertise address cannot be 0.0.0.0, :: or [::]");
  if (is_any_ip(c.advertise_addr_wan)) return refuse("Advertise WAN address cannot be 0.0.0.0, :: or [::]");
  for (const std::string& recursor : c.dns_recursors)
    if (is_any_ip(recursor)) return refuse("DNS recursor address cannot be 0.0.0.0, :: or [::]");
  std::map<std::string, std::string> taken;
  auto claim = [&](const char* what, const SocketAddress& address) -> Status {
    if (!address.is_unix() && (address.port <= 0 || address.host.empty())) return {};
    std::string key = address.is_unix() ? address.path : address.text();
    auto [at, fresh] = taken.emplace(key, what);
    if (!fresh) return refuse(fmt::format("{} address {} already configured for {}", what, key, at->second));
    return {};
  };
  for (const SocketAddress& address : c.dns_addrs) TRY(claim("DNS", address));
  for (const SocketAddress& address : c.http_addrs) TRY(claim("HTTP", address));
  for (const SocketAddress& address : c.https_addrs) TRY(claim("HTTPS", address));
  TRY(claim("RPC Advertise", c.rpc_advertise_addr));
  TRY(claim("Serf Advertise LAN", c.serf_advertise_addr_lan));
  return claim("Serf Advertise WAN", c.serf_advertise_addr_wan);
}

Status check_domain(const RuntimeConfig& c) {
  if (c.dns_alt_domain.empty()) return {};
  std::string_view first = split(c.dns_alt_domain, '.')[0];
  for (std::string_view taken : {"service", "connect", "node", "query", "addr"})
    if (first == taken)
      return refuse(
          fmt::format("alt_domain cannot start with {{service,connect,node,query,addr,{}}}", c.datacenter));
  if (first == c.datacenter)
    return refuse(
        fmt::format("alt_domain cannot start with {{service,connect,node,query,addr,{}}}", c.datacenter));
  return {};
}

Status check_bootstrap(const RuntimeConfig& c, std::vector<std::string>& warnings) {
  if (c.bootstrap && !c.server_mode) return refuse("'bootstrap = true' requires 'server = true'");
  if (c.bootstrap_expect > 0 && !c.server_mode)
    return refuse("'bootstrap_expect > 0' requires 'server = true'");
  if (c.bootstrap_expect > 0 && c.dev_mode) return refuse("'bootstrap_expect > 0' not allowed in dev mode");
  if (c.bootstrap_expect > 0 && c.bootstrap)
    return refuse("'bootstrap_expect > 0' and 'bootstrap = true' are mutually exclusive");
  const char* table = "See https://www.consul.io/docs/internals/consensus.html#deployment-table";
  if (c.bootstrap_expect == 2)
    warnings.push_back(fmt::format(
        "bootstrap_expect = 2: A cluster with 2 servers will provide no failure tolerance. {}", table));
  else if (c.bootstrap_expect > 2 && c.bootstrap_expect % 2 == 0)
    warnings.push_back(
        fmt::format("bootstrap_expect is even number: A cluster with an even number of servers does not "
                    "achieve optimum fault "
                    "tolerance. {}",
                    table));
  if (c.bootstrap_expect > 1)
    warnings.push_back(fmt::format("bootstrap_expect > 0: expecting {} servers", c.bootstrap_expect));
  if (c.bootstrap) warnings.push_back("bootstrap = true: do not enable unless necessary");
  return {};
}

Status check_auto_config(const RuntimeConfig& c, std::vector<std::string>& warnings) {
  if (c.auto_encrypt_tls && c.server_mode) return refuse("auto_encrypt.tls can only be used on a client.");
  if (c.auto_encrypt_allow_tls && !c.server_mode)
    return refuse("auto_encrypt.allow_tls can only be used on a server.");
  if (c.auto_encrypt_allow_tls && !c.verify_incoming && !c.verify_incoming_rpc)
    warnings.push_back(
        "if auto_encrypt.allow_tls is turned on, either verify_incoming or verify_incoming_rpc should be "
        "enabled. It "
        "is necessary to turn it off during a migration to TLS, but it should definitely be turned on "
        "afterwards.");
  const AutoConfigRuntime& a = c.auto_config;
  if (a.enabled) {
    if (!c.verify_outgoing && !c.verify_server_hostname)
      return refuse("auto_config.enabled cannot be set without configuring TLS for server communications");
    if (c.server_mode) return refuse("auto_config.enabled cannot be set to true for server agents.");
    if (c.auto_encrypt_tls)
      return refuse("both auto_encrypt.tls and auto_config.enabled cannot be set to true.");
    if (a.server_addresses.empty())
      return refuse("auto_config.enabled is set without providing a list of addresses");
    if (a.intro_token.empty() && a.intro_token_file.empty())
      return refuse(
          "One of auto_config.intro_token, auto_config.intro_token_file or the CONSUL_INTRO_TOKEN "
          "environment variable "
          "must be set to enable auto_config");
    if (!a.intro_token.empty() && !a.intro_token_file.empty())
      warnings.push_back(
          "Both an intro token and intro token file are set. The intro token will be used instead of the "
          "file");
  }
  if (!a.authorizer.enabled) return {};
  if (!c.server_mode)
    return refuse("auto_config.authorization.enabled cannot be set to true for client agents");
  if (c.cert_file.empty())
    return refuse(
        "auto_config.authorization.enabled cannot be set without providing a TLS certificate for the server");
  auto present = [&](const char* key) {
    const Value* value = a.authorizer.method_config.get(key);
    const std::string* one = value->string();
    return one != nullptr ? !one->empty() : value->list() != nullptr && !value->list()->empty();
  };
  if (present("JWTValidationPubKeys") + present("JWKSURL") + present("OIDCDiscoveryURL") != 1)
    return refuse(
        "auto_config.authorization.static has invalid configuration: exactly one of 'JWTValidationPubKeys', "
        "'JWKSURL', "
        "or 'OIDCDiscoveryURL' must be set for type \"jwt\"");
  return {};
}

Status check_connect(const RuntimeConfig& c) {
  const std::string& provider = c.connect_ca_provider;
  if (!provider.empty() && provider != "consul" && provider != "vault" && provider != "aws-pca")
    return refuse(provider + " is not a valid CA provider");
  if (!provider.empty()) TRY(validate_ca_config(provider, c.connect_ca_config));
  if (c.connect_mesh_gateway_wan_federation_enabled) {
    const std::string key = "connect.enable_mesh_gateway_wan_federation";
    if (!c.connect_enabled) return refuse("'" + key + "=true' requires 'connect.enabled=true'");
    if (!c.server_mode) return refuse("'" + key + " = true' requires 'server = true'");
    if (contains(c.node_name, "/"))
      return refuse("'" + key + " = true' requires that 'node_name' not contain '/' characters");
    if (!c.start_join_addrs_wan.empty())
      return refuse("'start_join_wan' is incompatible with '" + key + " = true'");
    if (!c.retry_join_wan.empty())
      return refuse("'retry_join_wan' is incompatible with '" + key + " = true'");
  }
  if (c.primary_gateways.empty()) return {};
  if (!c.server_mode) return refuse("'primary_gateways' requires 'server = true'");
  if (c.primary_datacenter == c.datacenter)
    return refuse("'primary_gateways' should only be configured in a secondary datacenter");
  return {};
}

Status check_definitions(const RuntimeConfig& c) {
  for (const ServiceDefinition& service : c.services)
    if (auto valid = validate_node_service(service.node_service(), nullptr); !valid)
      return refuse(fmt::format("service {}: {}", go_quote(service.name), valid.error().message));
  static constexpr std::string_view kKinds[] = {"service-defaults",   "proxy-defaults",   "service-router",
                                                "service-splitter",   "service-resolver", "ingress-gateway",
                                                "terminating-gateway"};
  for (size_t i = 0; i < c.config_entry_bootstrap.size(); ++i) {
    std::string kind;
    for (const auto& [key, value] : c.config_entry_bootstrap[i])
      if (equals_ignore_case(key, "kind") && value.string() != nullptr) kind = *value.string();
    if (kind.empty())
      return refuse(
          fmt::format("config_entries.bootstrap[{}]: Payload does not contain a kind/Kind key at the top "
                      "level",
                      i));
    if (std::find(std::begin(kKinds), std::end(kKinds), kind) == std::end(kKinds))
      return refuse(fmt::format("config_entries.bootstrap[{}]: invalid config entry kind: {}", i, kind));
  }
  return {};
}

}  // namespace

Status validate_config(const RuntimeConfig& c, std::vector<std::string>& warnings) {
  if (c.enable_ui && !c.ui_dir.empty())
    return refuse(
        "Both the ui and ui-dir flags were specified, please provide only one.\nIf trying to use your own "
        "web UI "
        "resources, use the ui-dir flag.\nThe web UI is included in the binary so use ui to enable it");
  TRY(check_identity(c, warnings));
  TRY(check_addresses(c));
  TRY(check_limits(c));
  TRY(check_domain(c));
  TRY(check_bootstrap(c, warnings));
  for (const Map<Value>& segment : c.segments)
    if (const auto* port = std::get_if<int64_t>(&segment.get("Port")->data); port != nullptr && *port <= 0)
      return refuse(
          fmt::format("Port for segment {} cannot be <= 0", go_quote(*segment.get("Name")->string())));
  if (!c.segment_name.empty() || !c.segments.empty())
    return refuse("Network segments are not supported in this version of Consul");
  TRY(check_auto_config(c, warnings));
  if (auto key = base64_decode(c.encrypt_key); !key)
    return refuse("encrypt has invalid key: " + key.error().message);
  TRY(check_connect(c));
  TRY(check_definitions(c));
  if (c.enable_remote_script_checks && !c.acls_enabled && c.allow_write_http_from.empty())
    warnings.push_back(
        "using enable-script-checks without ACLs and without allow_write_http_from is DANGEROUS, use "
        "enable-local-script-checks instead, see "
        "https://www.hashicorp.com/blog/protecting-consul-from-rce-risk-in-specific-configurations/");
  return {};
}

}  // namespace praetor::agent
