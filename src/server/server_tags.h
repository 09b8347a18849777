// What a member's tags say of it (wire.md 4.2): is it one of Consul's servers, and which. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gossip/serf.h"

namespace praetor::server {

// Set by Praetor's servers beside Consul's tags: they understand the extensions of the raft protocol
// (pre-vote, snapshots that go on where they broke off).
inline constexpr const char* kExtensionTag = "praetor";

// A server agent, as the LAN or the WAN pool shows it.
struct ServerTags {
  std::string name;  // the member's: "node", in the WAN pool "node.dc"
  std::string id;    // node UUID
  std::string datacenter;
  std::string segment;
  std::string ip;
  uint16_t port = 0;    // of RPC
  std::string address;  // "ip:port" of RPC
  std::string build;    // "1.8.7"
  int64_t protocol = 0;
  int64_t raft_protocol = 0;
  uint16_t wan_join_port = 0;  // 0: not told
  int64_t expect = 0;          // bootstrap_expect
  bool bootstrap = false;
  bool non_voter = false;
  bool use_tls = false;
  bool extensions = false;  // kExtensionTag
  gossip::MemberStatus status = gossip::MemberStatus::kNone;

  // What raft knows it by: protocol 3's servers by id, older ones by address.
  const std::string& raft_id() const { return raft_protocol >= 3 ? id : address; }
};

// Nothing when the member is no server, or when one of its tags cannot be read.
std::optional<ServerTags> server_tags(const gossip::Member& member);

// A client agent of this datacenter, or a server of it outside of every segment: whom the leader keeps the
// catalog's records for.
bool belongs_to_catalog(const gossip::Member& member, const std::string& datacenter);

// "ip:port", an IPv6 address in brackets.
std::string rpc_address(const gossip::IpAddress& ip, uint16_t port);

}  // namespace praetor::server
