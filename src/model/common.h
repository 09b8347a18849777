// The parts that requests and replies of every area share. Field names are Consul 1.8.7's
// (wire.md 5.6): they are the keys on the wire, in the log and in JSON.
#pragma once

#include <cstdint>
#include <string>

#include "codec/type.h"

namespace praetor::model {

using codec::Box;
using codec::Bytes;
using codec::List;
using codec::Map;
using codec::Value;

// The indexes of the log entries that created and last changed a record.
struct RaftIndex {
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
};
PRAETOR_DESCRIBED(RaftIndex)

// Of every read.
struct QueryOptions {
  std::string token;
  uint64_t min_query_index = 0;  // > 0: block until the result's index passes it
  Duration max_query_time{0};
  bool allow_stale = false;
  bool require_consistent = false;
  bool use_cache = false;
  Duration max_stale_duration{0};
  Duration max_age{0};
  bool must_revalidate = false;
  Duration stale_if_error{0};
  std::string filter;
};
PRAETOR_DESCRIBED(QueryOptions)

// Of every write.
struct WriteRequest {
  std::string token;
};
PRAETOR_DESCRIBED(WriteRequest)

// Of every reply to a read.
struct QueryMeta {
  uint64_t index = 0;
  Duration last_contact{0};
  bool known_leader = false;
  std::string consistency_level;
};
PRAETOR_DESCRIBED(QueryMeta)

// Where a request came from, for sorting by round-trip time.
struct QuerySource {
  std::string datacenter;
  std::string segment;
  std::string node;
  std::string ip;
};
PRAETOR_DESCRIBED(QuerySource)

// A read that names nothing but the datacenter: nodes, services, session list …
struct DCSpecificRequest {
  std::string datacenter;
  Map<std::string> node_meta_filters;
  QuerySource source;
  QueryOptions options;
};
PRAETOR_DESCRIBED(DCSpecificRequest)

// A request or a reply that says nothing: an empty struct on the wire.
struct Nothing {};
PRAETOR_DESCRIBED(Nothing)

// The first byte of a log entry's data (wire.md 7.1).
enum class MessageType : uint8_t {
  kRegister = 0,
  kDeregister = 1,
  kKVS = 2,
  kSession = 3,
  kACL = 4,
  kTombstone = 5,
  kCoordinateBatchUpdate = 6,
  kPreparedQuery = 7,
  kTxn = 8,
  kAutopilot = 9,
  kArea = 10,
  kACLBootstrap = 11,
  kIntention = 12,
  kConnectCA = 13,
  kConnectCAProviderState = 14,  // snapshot only
  kConnectCAConfig = 15,         // snapshot only
  kIndex = 16,                   // snapshot only
  kACLTokenSet = 17,
  kACLTokenDelete = 18,
  kACLPolicySet = 19,
  kACLPolicyDelete = 20,
  kConnectCALeaf = 21,
  kConfigEntry = 22,
  kACLRoleSet = 23,
  kACLRoleDelete = 24,
  kACLBindingRuleSet = 25,
  kACLBindingRuleDelete = 26,
  kACLAuthMethodSet = 27,
  kACLAuthMethodDelete = 28,
  kChunkingState = 29,  // snapshot only
  kFederationState = 30,
};
// Set on a type byte that a server may skip when it does not know the type.
inline constexpr uint8_t kIgnoreUnknownTypeFlag = 0x80;

}  // namespace praetor::model
