// Autopilot and the keyring as the API and the log have them.
#pragma once

#include <cstdint>
#include <string>

#include "model/common.h"

namespace praetor::model {

struct AutopilotConfig {
  bool cleanup_dead_servers = false;
  Duration last_contact_threshold{0};
  uint64_t max_trailing_logs = 0;
  uint64_t min_quorum = 0;
  Duration server_stabilization_time{0};
  std::string redundancy_zone_tag;
  bool disable_upgrade_migration = false;
  std::string upgrade_version_tag;
  RaftIndex indexes;
};
PRAETOR_DESCRIBED(AutopilotConfig)

// Log message kAutopilot.
struct AutopilotSetConfigRequest {
  std::string datacenter;
  AutopilotConfig config;
  bool cas = false;  // only when the record's ModifyIndex is the config's
  WriteRequest write;
};
PRAETOR_DESCRIBED(AutopilotSetConfigRequest)

// What the keyring's methods are asked: `operation` is list, install, use or remove.
struct KeyringRequest {
  std::string operation;
  std::string key;
  std::string datacenter;
  bool forwarded = false;  // to each datacenter, by the server that was asked
  uint8_t relay_factor = 0;
  bool local_only = false;
  QueryOptions options;
};
PRAETOR_DESCRIBED(KeyringRequest)

// What one pool has.
struct KeyringResponse {
  bool wan = false;
  std::string datacenter;
  std::string segment;
  Map<std::string> messages;  // by member
  Map<int64_t> keys, primary_keys;
  int64_t num_nodes = 0;
  std::string error;
};
PRAETOR_DESCRIBED(KeyringResponse)

struct KeyringResponses {
  List<KeyringResponse> responses;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(KeyringResponses)

// Status.RaftStats: where a server stands.
struct RaftStats {
  std::string last_contact;  // a duration's text, or "never"
  uint64_t last_term = 0;
  uint64_t last_index = 0;
};
PRAETOR_DESCRIBED(RaftStats)

struct ServerHealth {
  std::string id;
  std::string name;
  std::string address;
  std::string serf_status;
  std::string version;
  bool leader = false;
  std::string last_contact;  // a duration's text
  uint64_t last_term = 0;
  uint64_t last_index = 0;
  bool healthy = false;
  bool voter = false;
  std::string stable_since;  // RFC 3339
};
PRAETOR_DESCRIBED(ServerHealth)

struct OperatorHealth {
  bool healthy = false;
  int64_t failure_tolerance = 0;
  List<ServerHealth> servers;
};
PRAETOR_DESCRIBED(OperatorHealth)

// The same between servers: numbers and times instead of texts.
struct WireServerHealth {
  std::string id, name, address;
  int64_t serf_status = 0;  // serf's number of it
  std::string version;
  bool leader = false;
  Duration last_contact{0};
  uint64_t last_term = 0;
  uint64_t last_index = 0;
  bool healthy = false;
  bool voter = false;
  Time stable_since;
};
PRAETOR_DESCRIBED(WireServerHealth)

struct WireOperatorHealth {
  bool healthy = false;
  int64_t failure_tolerance = 0;
  List<WireServerHealth> servers;
};
PRAETOR_DESCRIBED(WireOperatorHealth)

WireOperatorHealth to_wire(const OperatorHealth& health);
OperatorHealth from_wire(const WireOperatorHealth& health);

}  // namespace praetor::model
