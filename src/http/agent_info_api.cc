// /v1/agent: who this agent is, and what can be asked of its process (http-api.md 3).
#include <sys/utsname.h>

#include <thread>

#include "agent/member.h"
#include "agent/runtime_config.h"
#include "base/text.h"
#include "http/api.h"
#include "model/agent.h"

namespace praetor::http {
namespace {

using codec::Value;
using codec::ValueMap;
using StatGroup = codec::Map<std::string>;

codec::Map<StatGroup> stats(const ApiContext& api) {
  const agent::RuntimeConfig& config = *api.config();
  codec::Map<StatGroup> groups;
  StatGroup& build = groups["build"];
  build["prerelease"] = config.version_prerelease;
  build["revision"] = config.revision;
  build["version"] = config.version;
  StatGroup& consul = groups["consul"];
  consul["acl"] = config.acls_enabled ? "enabled" : "disabled";
  consul["bootstrap"] = config.bootstrap ? "true" : "false";
  consul["known_datacenters"] = "1";
  consul["leader"] = api.server->raft().is_leader() ? "true" : "false";
  consul["leader_addr"] = api.server->leader_address();
  consul["server"] = "true";
  StatGroup& raft = groups["raft"];
  for (const auto& [name, value] : api.server->raft().stats()) raft[name] = value;
  StatGroup& runtime = groups["runtime"];
  std::string cores = std::to_string(std::thread::hardware_concurrency());
  runtime["arch"] = "amd64";
  runtime["cpu_count"] = cores;
  runtime["goroutines"] = std::to_string(api.thread_count ? api.thread_count() : 1);
  runtime["max_procs"] = cores;
  runtime["os"] = "linux";
  runtime["version"] = "clang" + std::to_string(__clang_major__);
  for (const char* pool : {"serf_lan", "serf_wan"}) {
    StatGroup& serf = groups[pool];
    for (const char* zero : {"coordinate_resets", "event_queue", "failed", "health_score", "intent_queue", "left",
                             "query_queue"})
      serf[zero] = "0";
    for (const char* one : {"event_time", "member_time", "members", "query_time"}) serf[one] = "1";
    serf["encrypted"] = config.encrypt_key.empty() ? "false" : "true";
  }
  StatGroup& agent = groups["agent"];
  for (const char* name : {"check_monitors", "check_ttls", "checks", "services"}) agent[name] = "0";
  if (api.agent_stats) api.agent_stats(agent);
  return groups;
}

// The answer's parts in the order in which Consul's struct has them.
void self(const ApiContext& api, const ExchangePtr& exchange) {
  const agent::RuntimeConfig& config = *api.config();
  struct Summary {
    std::string datacenter, node_name, node_id, revision;
    bool server;
    std::string version;
  } summary{config.datacenter, config.node_name, config.node_id, config.revision, config.server_mode, config.version};
  std::string json = "{\"Config\":{\"Datacenter\":" + codec::to_json(summary.datacenter) +
                     ",\"NodeName\":" + codec::to_json(summary.node_name) +
                     ",\"NodeID\":" + codec::to_json(summary.node_id) +
                     ",\"Revision\":" + codec::to_json(summary.revision) +
                     ",\"Server\":" + (summary.server ? "true" : "false") +
                     ",\"Version\":" + codec::to_json(summary.version) + "}";
  json += ",\"DebugConfig\":" + codec::to_json(agent::debug_config(config));
  if (!config.disable_coordinates) {
    model::Coord origin;
    origin.vec = {0, 0, 0, 0, 0, 0, 0, 0};
    origin.error = 1.5;
    origin.height = 1e-5;
    json += ",\"Coord\":" + codec::to_json(origin);
  } else {
    json += ",\"Coord\":null";
  }
  json += ",\"Member\":" + codec::to_json(agent::lan_member(config));
  json += ",\"Stats\":" + codec::to_json(stats(api));
  codec::Map<std::string> meta = config.node_meta;
  meta["consul-network-segment"] = config.segment_name;
  json += ",\"Meta\":" + codec::to_json(meta);
  json += R"(,"xDS":{"SupportedProxies":{"envoy":["1.14.5","1.13.6","1.12.7","1.11.2"]}})";
  respond_json(api, exchange, json + "}");
}

void members(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  bool wan = !http.parameter("wan").empty();
  std::string_view segment = http.parameter("segment");
  if (wan && !segment.empty() && segment != "_all")
    return respond_text(exchange, 400, "Cannot provide a segment with wan=true");
  if (!wan && !segment.empty() && segment != "_all")
    return respond_text(exchange, 500, "Network segments are not supported in this version of Consul");
  const agent::RuntimeConfig& config = *api.config();
  codec::List<agent::Member> list;
  list.push_back(wan ? agent::wan_member(config) : agent::lan_member(config));
  respond_object(api, exchange, list);
}

}  // namespace

void add_agent_info_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/agent/self", {Method::kGet}, [&api](const ExchangePtr& e) { self(api, e); }});
  router.add({"/v1/agent/members", {Method::kGet}, [&api](const ExchangePtr& e) { members(api, e); }});
}

}  // namespace praetor::http
