// /v1/agent: who this agent is, and what can be asked of its process (http-api.md 3).
#include <sys/utsname.h>

#include <algorithm>
#include <set>
#include <thread>

#include "agent/member.h"
#include "agent/pools.h"
#include "agent/runtime_config.h"
#include "base/text.h"
#include "http/api.h"
#include "model/agent.h"

namespace praetor::http {
namespace {

using codec::Value;
using codec::ValueMap;
using StatGroup = codec::Map<std::string>;

size_t known_datacenters(const agent::Pools& pools) {
  std::set<std::string_view> names;
  auto members = pools.wan_members();
  for (const gossip::MemberPtr& member : *members) names.insert(member->tag("dc"));
  return std::max<size_t>(names.size(), 1);
}

codec::Map<StatGroup> stats(const ApiContext& api, const agent::RuntimeConfig& config,
                            const agent::PoolsReport& pools) {
  codec::Map<StatGroup> groups;
  StatGroup& build = groups["build"];
  build["prerelease"] = config.version_prerelease;
  build["revision"] = config.revision;
  build["version"] = config.version;
  StatGroup& consul = groups["consul"];
  consul["acl"] = config.acls_enabled ? "enabled" : "disabled";
  consul["bootstrap"] = config.bootstrap ? "true" : "false";
  consul["known_datacenters"] = std::to_string(known_datacenters(*api.pools));
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
  for (const auto& [name, value] : pools.lan) groups["serf_lan"][name] = value;
  for (const auto& [name, value] : pools.wan) groups["serf_wan"][name] = value;
  StatGroup& agent = groups["agent"];
  for (const char* name : {"check_monitors", "check_ttls", "checks", "services"}) agent[name] = "0";
  if (api.agent_stats) api.agent_stats(agent);
  return groups;
}

// The answer's parts in the order in which Consul's struct has them.
void answer_self(const ApiContext& api, const ExchangePtr& exchange, const agent::PoolsReport& pools) {
  auto shared = api.config();
  const agent::RuntimeConfig& config = *shared;
  struct Summary {
    std::string datacenter, node_name, node_id, revision;
    bool server;
    std::string version;
  } summary{config.datacenter, config.node_name,   config.node_id,
            config.revision,   config.server_mode, config.version};
  std::string json = "{\"Config\":{\"Datacenter\":" + codec::to_json(summary.datacenter) +
                     ",\"NodeName\":" + codec::to_json(summary.node_name) +
                     ",\"NodeID\":" + codec::to_json(summary.node_id) +
                     ",\"Revision\":" + codec::to_json(summary.revision) +
                     ",\"Server\":" + (summary.server ? "true" : "false") +
                     ",\"Version\":" + codec::to_json(summary.version) + "}";
  json += ",\"DebugConfig\":" + codec::to_json(agent::debug_config(config));
  json += ",\"Coord\":" + (config.disable_coordinates ? "null" : codec::to_json(pools.coordinate));
  gossip::MemberPtr own = gossip::find_member(*api.pools->lan_members(), config.node_name);
  json += ",\"Member\":" + codec::to_json(own ? agent::api_member(*own) : agent::Member());
  json += ",\"Stats\":" + codec::to_json(stats(api, config, pools));
  codec::Map<std::string> meta = config.node_meta;
  meta["consul-network-segment"] = config.segment_name;
  json += ",\"Meta\":" + codec::to_json(meta);
  json += R"(,"xDS":{"SupportedProxies":{"envoy":["1.14.5","1.13.6","1.12.7","1.11.2"]}})";
  respond_json(api, exchange, json + "}");
}

void self(const ApiContext& api, const ExchangePtr& exchange) {
  api.pools->report(exchange->reactor(),
                    [&api, exchange](const agent::PoolsReport& pools) { answer_self(api, exchange, pools); });
}

}  // namespace

void add_agent_info_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/agent/self", {Method::kGet}, [&api](const ExchangePtr& e) { self(api, e); }});
}

}  // namespace praetor::http
