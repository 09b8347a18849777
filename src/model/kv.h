// Keys, sessions, tombstones and transactions (wire.md 5.7, 5.8).
#pragma once

#include <cstdint>
#include <string>

#include "model/catalog.h"
#include "model/common.h"

namespace praetor::model {

struct DirEntry {
  uint64_t lock_index = 0;  // how often the lock was taken
  std::string key;
  uint64_t flags = 0;
  Bytes value;
  std::string session;  // the lock's holder, or empty
  RaftIndex indexes;
};
PRAETOR_DESCRIBED(DirEntry)

// KVSRequest::op and TxnKVOp::verb (the first seven are writes of both).
namespace kv_op {
inline constexpr const char* kSet = "set";
inline constexpr const char* kDelete = "delete";
inline constexpr const char* kDeleteCAS = "delete-cas";
inline constexpr const char* kDeleteTree = "delete-tree";
inline constexpr const char* kCAS = "cas";
inline constexpr const char* kLock = "lock";
inline constexpr const char* kUnlock = "unlock";
inline constexpr const char* kGet = "get";
inline constexpr const char* kGetTree = "get-tree";
inline constexpr const char* kCheckSession = "check-session";
inline constexpr const char* kCheckIndex = "check-index";
inline constexpr const char* kCheckNotExists = "check-not-exists";
}  // namespace kv_op

struct KVSRequest {
  std::string datacenter;
  std::string op;
  DirEntry dir_ent;
  WriteRequest write;
};
PRAETOR_DESCRIBED(KVSRequest)

struct KeyRequest {
  std::string datacenter;
  std::string key;
  QueryOptions options;
};
PRAETOR_DESCRIBED(KeyRequest)

struct KeyListRequest {
  std::string datacenter;
  std::string prefix;
  std::string separator;
  QueryOptions options;
};
PRAETOR_DESCRIBED(KeyListRequest)

struct IndexedDirEntries {
  List<DirEntry> entries;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedDirEntries)

struct IndexedKeyList {
  List<std::string> keys;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedKeyList)

// Log message kTombstone.
struct TombstoneRequest {
  std::string datacenter;
  std::string op;  // "reap"
  uint64_t reap_index = 0;
  WriteRequest write;
};
PRAETOR_DESCRIBED(TombstoneRequest)

struct ServiceCheck {
  std::string id;
  std::string ns;
};
PRAETOR_DESCRIBED(ServiceCheck)

inline constexpr const char* kSessionRelease = "release";
inline constexpr const char* kSessionDelete = "delete";

struct Session {
  std::string id;
  std::string name;
  std::string node;
  Duration lock_delay{0};
  std::string behavior;
  std::string ttl;  // a duration's text, or empty
  List<std::string> node_checks;
  List<ServiceCheck> service_checks;
  List<std::string> checks;  // of agents older than 1.7
  RaftIndex indexes;
};
PRAETOR_DESCRIBED(Session)

// Log message kSession.
struct SessionRequest {
  std::string datacenter;
  std::string op;  // "create" or "destroy"
  Session session;
  WriteRequest write;
};
PRAETOR_DESCRIBED(SessionRequest)

struct SessionSpecificRequest {
  std::string datacenter;
  std::string session_id;
  std::string session;  // the same, under its older name
  QueryOptions options;
};
PRAETOR_DESCRIBED(SessionSpecificRequest)

struct IndexedSessions {
  List<Session> sessions;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedSessions)

struct TxnKVOp {
  std::string verb;
  DirEntry dir_ent;
};
PRAETOR_DESCRIBED(TxnKVOp)

struct TxnNodeOp {
  std::string verb;
  Node node;
};
PRAETOR_DESCRIBED(TxnNodeOp)

struct TxnServiceOp {
  std::string verb;
  std::string node;
  NodeService service;
};
PRAETOR_DESCRIBED(TxnServiceOp)

struct TxnCheckOp {
  std::string verb;
  HealthCheck check;
};
PRAETOR_DESCRIBED(TxnCheckOp)

struct TxnSessionOp {
  std::string verb;  // "delete"
  Session session;
};
PRAETOR_DESCRIBED(TxnSessionOp)

// Exactly one member is set.
struct TxnOp {
  Box<TxnKVOp> kv;
  Value intention;  // legacy; never set by agents of 1.8
  Box<TxnNodeOp> node;
  Box<TxnServiceOp> service;
  Box<TxnCheckOp> check;
  Box<TxnSessionOp> session;
};
PRAETOR_DESCRIBED(TxnOp)

// Log message kTxn.
struct TxnRequest {
  std::string datacenter;
  List<TxnOp> ops;
  WriteRequest write;
};
PRAETOR_DESCRIBED(TxnRequest)

struct TxnReadRequest {
  std::string datacenter;
  List<TxnOp> ops;
  QueryOptions options;
};
PRAETOR_DESCRIBED(TxnReadRequest)

struct TxnError {
  int64_t op_index = 0;
  std::string what;
};
PRAETOR_DESCRIBED(TxnError)

struct TxnResult {
  Box<DirEntry> kv;
  Box<Node> node;
  Box<NodeService> service;
  Box<HealthCheck> check;
};
PRAETOR_DESCRIBED(TxnResult)

struct TxnResponse {
  List<TxnResult> results;
  List<TxnError> errors;
};
PRAETOR_DESCRIBED(TxnResponse)

struct TxnReadResponse {
  List<TxnResult> results;
  List<TxnError> errors;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(TxnReadResponse)

}  // namespace praetor::model
