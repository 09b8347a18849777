#include "agent/member.h"

namespace praetor::agent {

PRAETOR_DESCRIBE(Member, "AgentMember", field("Name", &Member::name), field("Addr", &Member::addr),
                 field("Port", &Member::port), field("Tags", &Member::tags), field("Status", &Member::status),
                 field("ProtocolMin", &Member::protocol_min), field("ProtocolMax", &Member::protocol_max),
                 field("ProtocolCur", &Member::protocol_cur), field("DelegateMin", &Member::delegate_min),
                 field("DelegateMax", &Member::delegate_max), field("DelegateCur", &Member::delegate_cur))

namespace {

void add_common_tags(const RuntimeConfig& config, Map<std::string>& tags) {
  tags["acls"] = config.acls_enabled ? "1" : "0";
  tags["build"] = config.version + ":" + config.revision;
  tags["dc"] = config.datacenter;
  tags["id"] = config.node_id;
  tags["segment"] = config.segment_name;
  tags["vsn"] = std::to_string(config.rpc_protocol);
  tags["vsn_max"] = "3";
  tags["vsn_min"] = "2";
}

void add_server_tags(const RuntimeConfig& config, Map<std::string>& tags) {
  tags["role"] = "consul";
  tags["port"] = std::to_string(config.server_port);
  tags["raft_vsn"] = std::to_string(config.raft_protocol == 0 ? 3 : config.raft_protocol);
  tags["ft_fs"] = "1";
  if (config.bootstrap && !config.dev_mode) tags["bootstrap"] = "1";
  if (config.bootstrap_expect > 1) tags["expect"] = std::to_string(config.bootstrap_expect);
}

}  // namespace

Member lan_member(const RuntimeConfig& config) {
  Member member;
  member.name = config.node_name;
  member.addr = config.serf_advertise_addr_lan.host;
  member.port = config.serf_advertise_addr_lan.port;
  add_common_tags(config, member.tags);
  if (config.server_mode) {
    add_server_tags(config, member.tags);
    if (config.serf_port_wan > 0) member.tags["wan_join_port"] = std::to_string(config.serf_port_wan);
  } else {
    member.tags["role"] = "node";
  }
  return member;
}

Member wan_member(const RuntimeConfig& config) {
  Member member;
  member.name = config.node_name + "." + config.datacenter;
  member.addr = config.serf_advertise_addr_wan.host;
  member.port = config.serf_advertise_addr_wan.port;
  add_common_tags(config, member.tags);
  add_server_tags(config, member.tags);
  return member;
}

}  // namespace praetor::agent
