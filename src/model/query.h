// Prepared queries (wire.md 5.6).
#pragma once

#include <cstdint>
#include <string>

#include "model/catalog.h"
#include "model/common.h"

namespace praetor::model {

inline constexpr const char* kNamePrefixMatch = "name_prefix_match";

struct QueryTemplate {
  std::string type;  // empty: no template
  std::string regexp;
  bool remove_empty_tags = false;
};
PRAETOR_DESCRIBED(QueryTemplate)

struct QueryFailover {
  int64_t nearest_n = 0;
  List<std::string> datacenters;
};
PRAETOR_DESCRIBED(QueryFailover)

struct QueryService {
  std::string service;
  QueryFailover failover;
  bool only_passing = false;
  List<std::string> ignore_check_ids;
  std::string near;
  List<std::string> tags;  // "!x": without x
  Map<std::string> node_meta;
  Map<std::string> service_meta;
  bool connect = false;
};
PRAETOR_DESCRIBED(QueryService)

struct QueryDNS {
  std::string ttl;
};
PRAETOR_DESCRIBED(QueryDNS)

struct PreparedQuery {
  std::string id;
  std::string name;
  std::string session;
  std::string token;
  QueryTemplate query_template;
  QueryService service;
  QueryDNS dns;
  RaftIndex indexes;

  bool is_template() const { return !query_template.type.empty(); }
};
PRAETOR_DESCRIBED(PreparedQuery)

// Log message kPreparedQuery.
struct PreparedQueryRequest {
  std::string datacenter;
  std::string op;  // "create", "update" or "delete"
  PreparedQuery query;
  WriteRequest write;
};
PRAETOR_DESCRIBED(PreparedQueryRequest)

struct PreparedQuerySpecificRequest {
  std::string datacenter;
  std::string query_id;  // empty: all
  QueryOptions options;
};
PRAETOR_DESCRIBED(PreparedQuerySpecificRequest)

struct IndexedPreparedQueries {
  List<PreparedQuery> queries;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedPreparedQueries)

struct PreparedQueryExecuteRequest {
  std::string datacenter;
  std::string query_id_or_name;
  int64_t limit = 0;  // 0: all
  bool connect = false;
  QuerySource source;  // where the client is, or what ?near names
  QuerySource agent;   // the agent that was asked
  QueryOptions options;
};
PRAETOR_DESCRIBED(PreparedQueryExecuteRequest)

// To another datacenter: a query that found nobody where it was asked.
struct PreparedQueryExecuteRemoteRequest {
  std::string datacenter;
  PreparedQuery query;
  int64_t limit = 0;
  bool connect = false;
  QueryOptions options;
};
PRAETOR_DESCRIBED(PreparedQueryExecuteRemoteRequest)

struct PreparedQueryExecuteResponse {
  std::string service;
  List<CheckServiceNode> nodes;
  QueryDNS dns;
  std::string datacenter;
  int64_t failovers = 0;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(PreparedQueryExecuteResponse)

struct PreparedQueryExplainResponse {
  PreparedQuery query;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(PreparedQueryExplainResponse)

}  // namespace praetor::model
