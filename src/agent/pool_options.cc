#include "agent/pool_options.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <sstream>

#include "base/log.h"
#include "base/text.h"
#include "base/version.h"

namespace praetor::agent {
namespace {

using gossip::Keyring;
using gossip::Tags;

void add_common_tags(const RuntimeConfig& config, Tags& tags) {
  tags["acls"] = config.acls_enabled ? "1" : "0";
  tags["build"] = config.version + ":" + config.revision;
  tags["dc"] = config.datacenter;
  tags["id"] = config.node_id;
  tags["segment"] = config.segment_name;
  tags["vsn"] = std::to_string(config.rpc_protocol);
  tags["vsn_max"] = "3";
  tags["vsn_min"] = "2";
  tags[gossip::kPraetorTag] = kPraetorVersion;
}

void add_server_tags(const RuntimeConfig& config, Tags& tags) {
  tags["role"] = "consul";
  tags["port"] = std::to_string(config.server_port);
  tags["raft_vsn"] = std::to_string(config.raft_protocol == 0 ? 3 : config.raft_protocol);
  tags["ft_fs"] = "1";
  if (config.bootstrap && !config.dev_mode) tags["bootstrap"] = "1";
  if (config.bootstrap_expect > 1) tags["expect"] = std::to_string(config.bootstrap_expect);
}

gossip::SwimTimings timings_of(const RuntimeConfig& config, PoolName name) {
  auto count = [](int64_t given) { return static_cast<uint32_t>(std::clamp<int64_t>(given, 0, 1 << 16)); };
  gossip::SwimTimings timings;
  if (name == PoolName::kWan) {
    timings = gossip::SwimTimings::wan();
    timings.gossip_interval = config.gossip_wan_gossip_interval;
    timings.gossip_nodes = count(config.gossip_wan_gossip_nodes);
    timings.probe_interval = config.gossip_wan_probe_interval;
    timings.probe_timeout = config.gossip_wan_probe_timeout;
    timings.retransmit_mult = count(config.gossip_wan_retransmit_mult);
    timings.suspicion_mult = count(config.gossip_wan_suspicion_mult);
  } else {
    timings.gossip_interval = config.gossip_lan_gossip_interval;
    timings.gossip_nodes = count(config.gossip_lan_gossip_nodes);
    timings.probe_interval = config.gossip_lan_probe_interval;
    timings.probe_timeout = config.gossip_lan_probe_timeout;
    timings.retransmit_mult = count(config.gossip_lan_retransmit_mult);
    timings.suspicion_mult = count(config.gossip_lan_suspicion_mult);
  }
  return timings;
}

Result<gossip::Address> address_of(const SocketAddress& address) {
  TRY_ASSIGN(gossip::IpAddress ip, gossip::IpAddress::parse(address.host));
  return gossip::Address{ip, static_cast<uint16_t>(address.port)};
}

std::optional<std::vector<gossip::Cidr>> cidrs_of(const List<std::string>& texts) {
  if (texts.empty()) return std::nullopt;
  std::vector<gossip::Cidr> cidrs;
  for (const std::string& text : texts) {  // the configuration has checked them
    size_t slash = text.find('/');
    auto network = gossip::IpAddress::parse(text.substr(0, slash));
    auto prefix = parse_uint(slash == std::string::npos ? "" : text.substr(slash + 1), 8);
    if (network && prefix) cidrs.push_back({*network, static_cast<unsigned>(*prefix)});
  }
  return cidrs;
}

// --- the keyring ---

// Consul's form of a keyring that holds what was configured.
Status write_first_keyring(const std::string& path, const std::string& key) {
  std::string text = "[\"" + key + "\"]";
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return fail(io_error("open " + path, errno));
  bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  int why = errno;
  ::close(file);
  if (!written) return fail(io_error("write " + path, why));
  return {};
}

Result<std::optional<Keyring>> read_keyring(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(io_error("open " + path, errno));
  std::ostringstream text;
  text << file.rdbuf();
  auto ring = Keyring::from_json(std::move(text).str());
  if (ring) return std::optional(std::move(*ring));
  std::string why = ring.error().message;
  if (why == "no keys present in keyring file") why = "no keys present in keyring: " + path;
  return fail(why);
}

Result<std::optional<Keyring>> keyring_of(const RuntimeConfig& config, PoolName name,
                                          const std::string& path) {
  std::string key;
  if (!config.encrypt_key.empty()) {
    TRY_ASSIGN(key, base64_decode(config.encrypt_key));
  }
  if (path.empty()) {
    if (key.empty()) return std::optional<Keyring>();
    TRY_ASSIGN(Keyring ring, Keyring::make({key}, key));
    return std::optional(std::move(ring));
  }
  bool exists = ::access(path.c_str(), F_OK) == 0;
  if (!exists && key.empty()) return std::optional<Keyring>();
  if (!exists) TRY(write_first_keyring(path, config.encrypt_key));
  TRY_ASSIGN(auto ring, read_keyring(path));
  if (!key.empty() && std::ranges::find(ring->keys(), key) == ring->keys().end())
    Logger("agent").warn("keyring doesn't include key provided with -encrypt, using keyring",
                         {{"keyring", name == PoolName::kLan ? "LAN" : "WAN"}});
  return ring;
}

}  // namespace

gossip::Tags lan_tags(const RuntimeConfig& config) {
  Tags tags;
  add_common_tags(config, tags);
  if (!config.server_mode) {
    tags["role"] = "node";
    return tags;
  }
  add_server_tags(config, tags);
  if (config.serf_port_wan > 0) tags["wan_join_port"] = std::to_string(config.serf_port_wan);
  return tags;
}

gossip::Tags wan_tags(const RuntimeConfig& config) {
  Tags tags;
  add_common_tags(config, tags);
  add_server_tags(config, tags);
  return tags;
}

const char* role_of(const RuntimeConfig& config) { return config.server_mode ? "server" : "client"; }

Status lan_veto(const RuntimeConfig& config, const std::vector<gossip::Member>& members) {
  auto refuse = [](std::string text) { return fail(std::move(text), ErrorKind::kBadRequest); };
  std::map<std::string_view, std::string_view> owner;  // of an ID: a member's name
  for (const gossip::Member& member : members) {
    std::string about = "Member '" + member.name + "' ";
    std::string_view id = member.tag("id");
    if (!id.empty() && member.status != gossip::MemberStatus::kLeft) {
      std::string conflict = about + "has conflicting node ID '" + std::string(id) + "' with ";
      if (id == config.node_id && !equals_ignore_case(member.name, config.node_name))
        return refuse(conflict + "this agent's ID");
      auto [at, fresh] = owner.emplace(id, member.name);
      if (!fresh) return refuse(conflict + "member '" + std::string(at->second) + "'");
    }
    std::string_view role = member.tag("role"), datacenter = member.tag("dc"),
                     segment = member.tag("segment");
    if ((role == "node" || role == "consul") && datacenter != config.datacenter)
      return refuse(about + "part of wrong datacenter '" + std::string(datacenter) + "'");
    if (role == "node" && segment != config.segment_name)
      return refuse(about + "part of wrong segment '" + std::string(segment) + "' (expected '" +
                    config.segment_name + "')");
  }
  return {};
}

Status wan_veto(const std::vector<gossip::Member>& members) {
  for (const gossip::Member& member : members)
    if (member.tag("role") != "consul")
      return fail("Member '" + member.name + "' is not a server", ErrorKind::kBadRequest);
  return {};
}

Result<gossip::PoolOptions> pool_options(const RuntimeConfig& config, PoolName name) {
  bool lan = name == PoolName::kLan;
  gossip::PoolOptions options;
  options.serf.swim.name = lan ? config.node_name : config.node_name + "." + config.datacenter;
  options.serf.swim.timings = timings_of(config, name);
  options.serf.swim.allowed = cidrs_of(lan ? config.serf_allowed_cidrs_lan : config.serf_allowed_cidrs_wan);
  TRY_ASSIGN(options.serf.swim.address,
             address_of(lan ? config.serf_advertise_addr_lan : config.serf_advertise_addr_wan));
  TRY_ASSIGN(options.bind, address_of(lan ? config.serf_bind_addr_lan : config.serf_bind_addr_wan));
  options.serf.tags = lan ? lan_tags(config) : wan_tags(config);
  options.serf.coordinates = !config.disable_coordinates;
  Duration reconnect = lan ? config.reconnect_timeout_lan : config.reconnect_timeout_wan;
  if (reconnect.count() > 0) options.serf.reconnect_timeout = reconnect;
  if (lan)
    options.serf.veto = [&config](const std::vector<gossip::Member>& members) {
      return lan_veto(config, members);
    };
  else
    options.serf.veto = wan_veto;

  options.verify_incoming = config.encrypt_verify_incoming;
  options.verify_outgoing = config.encrypt_verify_outgoing;
  options.rejoin_after_leave = config.rejoin_after_leave;
  std::string part = std::string("agent.") + role_of(config);
  options.serf_log = part + (lan ? ".serf.lan" : ".serf.wan");
  options.memberlist_log = part + (lan ? ".memberlist.lan" : ".memberlist.wan");
  if (!config.dev_mode && !config.data_dir.empty()) {
    std::string folder = config.data_dir + "/serf", file = folder + (lan ? "/local" : "/remote");
    mode_t mode = config.encrypt_key.empty() ? 0755 : 0700;
    if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST)
      return fail(io_error("mkdir " + folder, errno));
    options.snapshot_path = file + ".snapshot";
    if (!config.disable_keyring_file) options.keyring_path = file + ".keyring";
  }
  auto ring = keyring_of(config, name, options.keyring_path);
  if (!ring) return fail("Failed to configure keyring: " + ring.error().message);
  options.keyring = std::move(*ring);
  return options;
}

}  // namespace praetor::agent
