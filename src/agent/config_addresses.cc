// Addresses, ports and the lists to join: what templates may stand in.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "agent/config_builder.h"
#include "base/text.h"

namespace praetor::agent {
namespace {

std::string text(const std::optional<std::string>& value) { return value.value_or(""); }

std::unexpected<Error> refuse(std::string message) {
  return fail(std::move(message), ErrorKind::kBadRequest);
}

std::vector<std::string> split_words(std::string words) {
  std::replace_if(
      words.begin(), words.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  std::vector<std::string> out;
  for (std::string_view piece : split(words, ' '))
    if (!piece.empty()) out.emplace_back(piece);
  return out;
}

bool is_unix(std::string_view address) { return address.starts_with("unix://"); }

}  // namespace

std::vector<std::string> ConfigBuilder::expand(const char* key, const std::string& given) {
  auto expanded = expand_sockaddr(given, environment_.interfaces);
  if (!expanded) {
    add_error(fmt::format("{}: error parsing {}: {}", key, go_quote(given), expanded.error().message));
    return {};
  }
  return split_words(*expanded);
}

std::vector<std::string> ConfigBuilder::expand_addresses(const char* key, const Text& given,
                                                         bool unix_allowed) {
  std::vector<std::string> good;
  for (std::string& address : expand(key, text(given))) {
    bool is_socket = is_unix(address);
    if (is_socket && !unix_allowed)
      add_error(fmt::format("{} cannot be a unix socket", key));
    else if (!is_socket && !is_ip(address))
      add_error(fmt::format("{}: invalid ip address: {}", key, address));
    else
      good.push_back(std::move(address));
  }
  return good;
}

std::optional<std::string> ConfigBuilder::expand_one_ip(const char* key, const Text& given) {
  if (!given || given->empty()) return std::nullopt;
  std::vector<std::string> addresses = expand(key, *given);
  if (addresses.size() > 1) {
    add_error(fmt::format("{}: multiple addresses found: {}", key, join(addresses, " ")));
    return std::nullopt;
  }
  if (addresses.empty()) return std::nullopt;
  if (is_unix(addresses[0])) {
    add_error(fmt::format("{} cannot be a unix socket", key));
    return std::nullopt;
  }
  if (!is_ip(addresses[0])) {
    add_error(fmt::format("{}: invalid ip address: {}", key, addresses[0]));
    return std::nullopt;
  }
  return addresses[0];
}

List<std::string> ConfigBuilder::expand_all(const char* key, const List<std::string>& texts) {
  List<std::string> all;
  for (const std::string& one : texts) {
    // Cloud discovery (`provider=…`) is for whoever joins.
    if (!contains(one, "{{")) {
      all.push_back(one);
      continue;
    }
    for (std::string& address : expand(key, one)) all.push_back(std::move(address));
  }
  return all;
}

List<std::string> ConfigBuilder::cidrs(const char* key, const List<std::string>& texts) {
  List<std::string> good;
  std::vector<std::string> errors;
  for (const std::string& one : texts) {
    auto cidr = Cidr::parse(one);
    if (cidr)
      good.push_back(cidr->text());
    else
      errors.push_back("invalid cidr: " + one);
  }
  if (!errors.empty() && failure_.empty()) failure_ = fmt::format("{}: {}", key, format_multierror(errors));
  return good;
}

Status ConfigBuilder::build_ports() {
  const ConfigPorts& given = file_.ports;
  config_.dns_port = port("ports.dns", given.dns);
  config_.http_port = port("ports.http", given.http);
  config_.https_port = port("ports.https", given.https);
  config_.grpc_port = port("ports.grpc", given.grpc);
  config_.server_port = port("ports.server", given.server);
  config_.serf_port_lan = port("ports.serf_lan", given.serf_lan);
  config_.serf_port_wan = port("ports.serf_wan", given.serf_wan);
  auto raw = [&](const char* key, const std::optional<int64_t>& value) {
    return std::max<int64_t>(port(key, value), 0);
  };
  int64_t proxy_min = raw("ports.proxy_min_port", given.proxy_min_port);
  int64_t proxy_max = raw("ports.proxy_max_port", given.proxy_max_port);
  config_.connect_sidecar_min_port = raw("ports.sidecar_min_port", given.sidecar_min_port);
  config_.connect_sidecar_max_port = raw("ports.sidecar_max_port", given.sidecar_max_port);
  config_.expose_min_port = raw("ports.expose_min_port", given.expose_min_port);
  config_.expose_max_port = raw("ports.expose_max_port", given.expose_max_port);
  auto ordered = [](const char* what, int64_t low, int64_t high) -> Status {
    if (low <= high) return {};
    return refuse(
        fmt::format("{0}_min_port must be less than {0}_max_port. To disable, set both to zero.", what));
  };
  TRY(ordered("proxy", proxy_min, proxy_max));
  TRY(ordered("sidecar", config_.connect_sidecar_min_port, config_.connect_sidecar_max_port));
  return ordered("expose", config_.expose_min_port, config_.expose_max_port);
}

Status ConfigBuilder::build_addresses() {
  TRY(build_bind_addresses());
  TRY(build_advertise_addresses());
  TRY(build_tagged_addresses());
  return build_client_addresses();
}

Status ConfigBuilder::build_bind_addresses() {
  std::vector<std::string> bind = expand("bind_addr", text(file_.bind_addr));
  if (bind.size() > 1)
    return refuse("bind_addr cannot contain multiple addresses. Use 'addresses.{dns,http,https}' instead.");
  if (!bind.empty() && is_unix(bind[0])) return refuse("bind_addr cannot be a unix socket");
  if (bind.empty() || !is_ip(bind[0])) return refuse("bind_addr cannot be empty");
  config_.bind_addr = bind[0];
  auto socket = [](const std::string& host, int64_t port_number) {
    return SocketAddress{host, port_number, ""};
  };
  auto or_bind = [&](std::optional<std::string> own) { return own.value_or(config_.bind_addr); };
  config_.rpc_bind_addr = socket(config_.bind_addr, config_.server_port);
  config_.serf_bind_addr_lan =
      socket(or_bind(expand_one_ip("serf_lan", file_.serf_lan)), config_.serf_port_lan);
  // No port, no WAN pool.
  auto wan = or_bind(expand_one_ip("serf_wan", file_.serf_wan));
  if (config_.serf_port_wan > 0) config_.serf_bind_addr_wan = socket(wan, config_.serf_port_wan);
  return {};
}

namespace {

// The one address of this machine that others can reach, when the bind address does not say.
Result<std::string> detect_advertise(const std::vector<InterfaceAddress>& interfaces, bool v6) {
  std::vector<std::string> found;
  for (const InterfaceAddress& i : interfaces) {
    if (!i.up || i.loopback || i.address.v6 != v6) continue;
    if (is_private_ip(i.address) == v6) continue;  // private IPv4, public IPv6
    found.push_back(i.address.text());
  }
  const char* what = v6 ? "public IPv6" : "private IPv4";
  if (found.empty()) return refuse(fmt::format("No {} address found", what));
  if (found.size() > 1)
    return refuse(fmt::format(
        "Multiple {} addresses found. Please configure one with 'bind' and/or 'advertise'.", what));
  return found[0];
}

}  // namespace

Status ConfigBuilder::build_advertise_addresses() {
  if (text(file_.advertise_addr).empty()) {
    config_.advertise_addr_lan = config_.bind_addr;
    if (is_any_ip(config_.bind_addr)) {
      bool v6 = config_.bind_addr != "0.0.0.0";
      TRY_ASSIGN(config_.advertise_addr_lan, detect_advertise(environment_.interfaces, v6));
    }
  } else {
    config_.advertise_addr_lan =
        expand_one_ip("advertise_addr", file_.advertise_addr).value_or(config_.bind_addr);
    // Consul reads the key twice, and reports an error twice.
    (void)expand_one_ip("advertise_addr", file_.advertise_addr);
  }
  config_.advertise_addr_wan =
      expand_one_ip("advertise_addr_wan", file_.advertise_addr_wan).value_or(config_.advertise_addr_lan);
  config_.rpc_advertise_addr = {config_.advertise_addr_lan, config_.server_port, ""};
  config_.serf_advertise_addr_lan = {config_.advertise_addr_lan, config_.serf_port_lan, ""};
  if (config_.serf_port_wan > 0)
    config_.serf_advertise_addr_wan = {config_.advertise_addr_wan, config_.serf_port_wan, ""};
  return {};
}

Status ConfigBuilder::build_tagged_addresses() {
  config_.tagged_addresses = file_.tagged_addresses;
  Map<std::string>& tagged = config_.tagged_addresses;
  auto of_family = [](const std::string& address, bool v6) {
    bool is_v6 = address.find(':') != std::string::npos;
    return is_v6 == v6 ? address : std::string();
  };
  auto set = [&](const char* tag, const std::optional<std::string>& own, const std::string& otherwise) {
    std::string value = own.value_or(otherwise);
    if (!value.empty()) tagged[tag] = value;
  };
  const std::string& lan = config_.advertise_addr_lan;
  const std::string& wan = config_.advertise_addr_wan;
  // In Consul the key of the WAN's IPv6 address goes by the name of the LAN's: that one stands in for it.
  const Text& wan_ipv6 =
      file_.advertise_addr_wan_ipv6 ? file_.advertise_addr_wan_ipv6 : file_.advertise_addr_ipv6;
  struct Family {
    const char* tag;
    const char* key;
    const Text& own;
    const std::string& otherwise;
    bool v6;
  };
  for (const Family& one :
       {Family{"lan_ipv4", "advertise_addr_ipv4", file_.advertise_addr_ipv4, lan, false},
        Family{"lan_ipv6", "advertise_addr_ipv6", file_.advertise_addr_ipv6, lan, true},
        Family{"wan_ipv4", "advertise_addr_wan_ipv4", file_.advertise_addr_wan_ipv4, wan, false},
        Family{"wan_ipv6", "advertise_addr_wan_ipv6", wan_ipv6, wan, true}}) {
    std::optional<std::string> own = expand_one_ip(one.key, one.own);
    if (own && of_family(*own, one.v6).empty())
      return refuse(fmt::format("{} must be an ipv{} address", one.key, one.v6 ? 6 : 4));
    set(one.tag, own, of_family(one.otherwise, one.v6));
  }
  tagged["lan"] = lan;
  tagged["wan"] = wan;
  return {};
}

List<SocketAddress> ConfigBuilder::listeners(const char* key, const Text& own, int64_t port_number,
                                             bool unix_allowed) {
  std::vector<std::string> addresses;
  if (text(own).empty())
    addresses.assign(config_.client_addrs.begin(), config_.client_addrs.end());
  else
    addresses = expand_addresses(key, own, unix_allowed);
  List<SocketAddress> out;
  for (const std::string& address : addresses) {
    if (is_unix(address))
      out.push_back({"", 0, address.substr(std::string_view("unix://").size())});
    else if (port_number > 0)
      out.push_back({address, port_number, ""});
  }
  return out;
}

Status ConfigBuilder::build_client_addresses() {
  for (std::string& address : expand_addresses("client_addr", file_.client_addr, false))
    config_.client_addrs.push_back(std::move(address));
  const ConfigAddresses& own = file_.addresses;
  for (const std::string& address : split_words(text(own.dns)))
    if (is_unix(address)) return refuse("DNS address cannot be a unix socket");
  config_.dns_addrs = listeners("addresses.dns", own.dns, config_.dns_port, false);
  config_.http_addrs = listeners("addresses.http", own.http, config_.http_port, true);
  config_.https_addrs = listeners("addresses.https", own.https, config_.https_port, true);
  config_.grpc_addrs = listeners("addresses.grpc", own.grpc, config_.grpc_port, true);
  return {};
}

Status ConfigBuilder::build_recursors() {
  for (const std::string& one : file_.recursors) {
    auto expanded = expand_sockaddr(one, environment_.interfaces);
    if (!expanded)
      return refuse(
          fmt::format("Invalid DNS recursor template {}: {}", go_quote(one), expanded.error().message));
    for (const std::string& address : split_words(*expanded)) {
      if (is_unix(address)) return refuse("DNS Recursors cannot be unix sockets: " + address);
      auto& all = config_.dns_recursors;
      if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(address);
    }
  }
  return {};
}

void ConfigBuilder::build_join() {
  config_.start_join_addrs_lan = expand_all("start_join", file_.start_join);
  config_.start_join_addrs_wan = expand_all("start_join_wan", file_.start_join_wan);
  config_.retry_join_lan = expand_all("retry_join", file_.retry_join);
  config_.retry_join_wan = expand_all("retry_join_wan", file_.retry_join_wan);
  config_.retry_join_interval_lan = duration("retry_interval", file_.retry_interval);
  config_.retry_join_interval_wan = duration("retry_interval_wan", file_.retry_interval_wan);
  config_.retry_join_max_attempts_lan = file_.retry_max.value_or(0);
  config_.retry_join_max_attempts_wan = file_.retry_max_wan.value_or(0);
}

}  // namespace praetor::agent
