// What the read endpoints share: query parameters into QueryOptions, QueryMeta into headers
// (http-api.md 1.4, 1.5).
#pragma once

#include <string>

#include "http/message.h"
#include "model/common.h"

namespace praetor::http {

// Defaults and limits of blocking queries.
struct QueryDefaults {
  std::string datacenter;
  std::string node_name;
  std::string default_token;
  Duration default_query_time = std::chrono::seconds(300);
  Duration max_query_time = std::chrono::seconds(600);
  Duration discovery_max_stale{0};
};

// dc, token, index, wait, stale, consistent, leader, cached, max_stale, Cache-Control, filter and, where a
// QuerySource is wanted, near. Errors are kBadRequest with Consul's texts.
Status parse_query_options(const Request& request, const QueryDefaults& defaults, std::string& datacenter,
                           model::QueryOptions& options);
// `index` and `wait` alone.
Status parse_blocking(const Request& request, model::QueryOptions& options);
// A JSON number as Go's int64, within bounds.
int64_t whole_number(double number);
std::string parse_token(const Request& request, const QueryDefaults& defaults);
// `near`: a node's name, or "_agent" for this agent.
model::QuerySource parse_source(const Request& request, const QueryDefaults& defaults);
// `node-meta=key:value`, repeatable; without a colon the value is empty.
codec::Map<std::string> parse_node_meta(const Request& request);
// ?ns= and the namespace header belong to Consul Enterprise.
Status refuse_namespaces(const Request& request);

// "leader", "stale" or "consistent": what the X-Consul-Effective-Consistency header says.
std::string_view consistency_name(const model::QueryOptions& options);

struct MetaHeaders {
  uint64_t index = 1;
  bool known_leader = false;
  int64_t last_contact_ms = 0;
  std::string_view consistency;  // empty: no such header
};
void set_meta_headers(Response& response, const MetaHeaders& meta);
// X-Consul-Knownleader and X-Consul-Lastcontact alone.
void set_contact_headers(Response& response, bool known_leader, int64_t last_contact_ms);

}  // namespace praetor::http
