// For tests: members as the LAN pool shows them.
#pragma once

#include <string>

#include "gossip/serf.h"

namespace praetor::server::testing {

inline gossip::Member client_member(const std::string& name, const std::string& ip, const std::string& id) {
  gossip::Member member;
  member.name = name;
  member.address = {*gossip::IpAddress::parse(ip), 8301};
  member.status = gossip::MemberStatus::kAlive;
  member.tags["role"] = "node";
  member.tags["dc"] = "dc1";
  member.tags["id"] = id;
  member.tags["segment"] = "";
  member.tags["vsn"] = "2";
  member.tags["build"] = "1.8.7:";
  return member;
}

inline gossip::Member server_member(const std::string& name, const std::string& ip, const std::string& id) {
  gossip::Member member = client_member(name, ip, id);
  member.tags["role"] = "consul";
  member.tags["port"] = "8300";
  member.tags["raft_vsn"] = "3";
  member.tags["wan_join_port"] = "8302";
  return member;
}

inline gossip::Member with_status(gossip::Member member, gossip::MemberStatus status) {
  member.status = status;
  return member;
}

inline gossip::Member with_tag(gossip::Member member, const std::string& name, const std::string& value) {
  member.tags[name] = value;
  return member;
}

}  // namespace praetor::server::testing
