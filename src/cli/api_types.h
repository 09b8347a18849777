// What the HTTP API answers, as far as commands read it.
#pragma once

#include <cstdint>
#include <string>

#include "codec/type.h"
#include "codec/value.h"

namespace praetor::cli {

using codec::Box;
using codec::Bytes;
using codec::List;
using codec::Map;

struct KvPair {
  std::string key;
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
  uint64_t lock_index = 0;
  uint64_t flags = 0;
  Bytes value;
  std::string session;
};
PRAETOR_DESCRIBED(KvPair)

// An element of `kv export`.
struct KvEntry {
  std::string key;
  uint64_t flags = 0;
  std::string value;  // base64
  std::string ns;
};
PRAETOR_DESCRIBED(KvEntry)

struct AgentMember {
  std::string name;
  std::string addr;
  uint16_t port = 0;
  Map<std::string> tags;
  int64_t status = 0;
  uint8_t protocol_min = 0, protocol_max = 0, protocol_cur = 0;
  uint8_t delegate_min = 0, delegate_max = 0, delegate_cur = 0;
};
PRAETOR_DESCRIBED(AgentMember)

struct CatalogNode {
  std::string id;
  std::string node;
  std::string address;
  std::string datacenter;
  Map<std::string> tagged_addresses;
  Map<std::string> meta;
  Map<std::string> node_meta;  // of the node, where the record is a service's
};
PRAETOR_DESCRIBED(CatalogNode)

// A service of /v1/catalog/node.
struct AgentServiceName {
  std::string id;
  std::string service;
  List<std::string> tags;
};
PRAETOR_DESCRIBED(AgentServiceName)

struct NodeServicesAnswer {
  Box<CatalogNode> node;
  Map<AgentServiceName> services;
};
PRAETOR_DESCRIBED(NodeServicesAnswer)

struct AgentCheck {
  std::string node;
  std::string check_id;
  std::string name;
  std::string status;
  std::string notes;
  std::string output;
  std::string service_id;
  std::string service_name;
};
PRAETOR_DESCRIBED(AgentCheck)

struct CoordVector {
  List<double> vec;
  double error = 0;
  double adjustment = 0;
  double height = 0;
};
PRAETOR_DESCRIBED(CoordVector)

struct CoordinateEntry {
  std::string node;
  std::string segment;
  Box<CoordVector> coord;
};
PRAETOR_DESCRIBED(CoordinateEntry)

struct CoordinateDatacenter {
  std::string datacenter;
  std::string area_id;
  List<CoordinateEntry> coordinates;
};
PRAETOR_DESCRIBED(CoordinateDatacenter)

struct RaftPeer {
  std::string id;
  std::string node;
  std::string address;
  bool leader = false;
  bool voter = false;
  std::string protocol_version;
};
PRAETOR_DESCRIBED(RaftPeer)

struct RaftPeers {
  List<RaftPeer> servers;
  uint64_t index = 0;
};
PRAETOR_DESCRIBED(RaftPeers)

struct AutopilotSettings {
  bool cleanup_dead_servers = false;
  Duration last_contact_threshold{0};
  uint64_t max_trailing_logs = 0;
  uint64_t min_quorum = 0;
  Duration server_stabilization_time{0};
  std::string redundancy_zone_tag;
  bool disable_upgrade_migration = false;
  std::string upgrade_version_tag;
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
};
PRAETOR_DESCRIBED(AutopilotSettings)

struct KeyringAnswer {
  bool wan = false;
  std::string datacenter;
  std::string segment;
  Map<std::string> messages;
  Map<int64_t> keys;
  Map<int64_t> primary_keys;
  int64_t num_nodes = 0;
};
PRAETOR_DESCRIBED(KeyringAnswer)

// Who the asked agent is: a part of /v1/agent/self.
struct SelfConfig {
  std::string datacenter;
  std::string node_name;
};
PRAETOR_DESCRIBED(SelfConfig)

struct SelfAnswer {
  SelfConfig config;
};
PRAETOR_DESCRIBED(SelfAnswer)

struct IdAnswer {
  std::string id;
};
PRAETOR_DESCRIBED(IdAnswer)

// What a new session is asked to be; empty texts are left out.
struct SessionRequest {
  std::string name;
  std::string node;
  std::string ttl;
  std::string behavior;
  std::string lock_delay;
  Box<List<std::string>> checks;
};
PRAETOR_DESCRIBED(SessionRequest)

}  // namespace praetor::cli
