#include "server/reconcile.h"

#include <set>

#include "base/text.h"
#include "server/server_tags.h"
#include "store/catalog.h"
#include "store/catalog_read.h"

namespace praetor::server {
namespace {

constexpr const char* kSerfCheckName = "Serf Health Status";
constexpr const char* kAliveOutput = "Agent alive and reachable";
constexpr const char* kFailedOutput = "Agent not live or unreachable";

std::string node_id(const gossip::Member& member) {
  const std::string* id = member.tags.get("id");
  return id == nullptr ? std::string() : *id;
}

model::HealthCheck serf_check(const std::string& node, const char* status, const char* output) {
  model::HealthCheck check;
  check.node = node;
  check.check_id = model::kSerfHealthCheckID;
  check.name = kSerfCheckName;
  check.status = status;
  check.output = output;
  return check;
}

model::NodeService consul_service(const gossip::Member& member, const ServerTags& server) {
  model::NodeService service;
  service.id = model::kConsulServiceID;
  service.service = model::kConsulServiceID;
  service.port = server.port;
  service.weights = model::Weights{1, 1};
  service.meta["non_voter"] = server.non_voter ? "true" : "false";
  service.meta["raft_version"] = std::to_string(server.raft_protocol);
  service.meta["serf_protocol_current"] = std::to_string(member.versions.current);
  service.meta["serf_protocol_min"] = std::to_string(member.versions.min);
  service.meta["serf_protocol_max"] = std::to_string(member.versions.max);
  service.meta["version"] = server.build;
  return service;
}

bool has_status(const store::Tables& tables, const std::string& node, const char* status) {
  const model::HealthCheck* check = store::check_find(tables, node, model::kSerfHealthCheckID);
  return check != nullptr && check->status == status;
}

model::RegisterRequest registration(const ReconcileContext& context, const gossip::Member& member) {
  model::RegisterRequest request;
  request.datacenter = context.datacenter;
  request.id = node_id(member);
  request.node = member.name;
  request.address = member.address.ip.text();
  return request;
}

model::RegisterRequest failure(const ReconcileContext& context, const gossip::Member& member) {
  model::RegisterRequest request = registration(context, member);
  request.check = serf_check(member.name, model::kHealthCritical, kFailedOutput);
  request.skip_node_update = true;  // what else is known of the node stays
  return request;
}

bool shows(const store::Tables& tables, const model::Node& node, const model::RegisterRequest& request) {
  if (node.node != request.node || node.address != request.address) return false;
  if (!request.id.empty() && !equals_ignore_case(node.id, request.id)) return false;
  if (request.service) {
    const store::ServiceRecord* service = store::service_find(tables, request.node, request.service->id);
    if (service == nullptr || service->service.port != request.service->port ||
        !(service->service.meta == request.service->meta))
      return false;
  }
  return has_status(tables, request.node, model::kHealthPassing);
}

Reconciliation reconcile_alive(const store::Tables& tables, const ReconcileContext& context,
                               const gossip::Member& member) {
  Reconciliation result;
  model::RegisterRequest request = registration(context, member);
  if (auto server = server_tags(member)) request.service = consul_service(member, *server);
  const model::Node* node = store::node_find(tables, "", member.name);
  if (node != nullptr && shows(tables, *node, request)) return result;
  const model::Node* known = node;
  if (known == nullptr && !request.id.empty())
    known = store::node_find(tables, request.id, "");  // a new name
  if (known != nullptr) {
    request.tagged_addresses = known->tagged_addresses;
    request.node_meta = known->meta;
  } else if (equals_ignore_case(member.name, context.node_name)) {
    request.tagged_addresses = context.tagged_addresses;
    request.node_meta = context.node_meta;
  }
  // The pool has one member of each name: whoever had it before is gone, and its sessions with it. The
  // catalog keeps a name for an id as long as the old one does not count as failed.
  bool other_id = node != nullptr && !node->id.empty() && !request.id.empty() &&
                  !equals_ignore_case(node->id, request.id);
  if (other_id && !has_status(tables, node->node, model::kHealthCritical)) {
    gossip::Member before = member;
    before.tags["id"] = node->id;
    result.writes.push_back(failure(context, before));
  }
  request.check = serf_check(member.name, model::kHealthPassing, kAliveOutput);
  result.writes.push_back(std::move(request));
  result.note = "member joined, marking health alive";
  return result;
}

Reconciliation reconcile_failed(const store::Tables& tables, const ReconcileContext& context,
                                const gossip::Member& member) {
  Reconciliation result;
  const model::Node* node = store::node_find(tables, "", member.name);
  if (node == nullptr) {
    result.note = "ignoring failed event for member because it does not exist in the catalog";
    return result;
  }
  std::string id = node_id(member);
  bool other = !node->id.empty() && !id.empty() && !equals_ignore_case(node->id, id);
  if (other || has_status(tables, member.name, model::kHealthCritical)) return result;
  result.writes.push_back(failure(context, member));
  result.note = "member failed, marking health critical";
  return result;
}

Reconciliation reconcile_gone(const store::Tables& tables, const ReconcileContext& context,
                              const gossip::Member& member) {
  Reconciliation result;
  // Only a leader that leaves hears this of itself. Its successor does it.
  if (equals_ignore_case(member.name, context.node_name)) {
    result.note = "deregistering self should be done by follower";
    return result;
  }
  if (store::node_find(tables, "", member.name) == nullptr) return result;
  model::DeregisterRequest request;
  request.datacenter = context.datacenter;
  request.node = member.name;
  result.writes.push_back(std::move(request));
  result.note = "deregistering member";
  return result;
}

}  // namespace

Presence presence_of(const gossip::Member& member) {
  switch (member.status) {
    case gossip::MemberStatus::kAlive:
      return Presence::kAlive;
    case gossip::MemberStatus::kFailed:
      return Presence::kFailed;
    case gossip::MemberStatus::kLeft:
      return Presence::kLeft;
    default:
      return Presence::kOther;  // leaving: it will have left, or failed
  }
}

Reconciliation reconcile_member(const store::Tables& tables, const ReconcileContext& context,
                                const gossip::Member& member, Presence presence) {
  switch (presence) {
    case Presence::kAlive:
      return reconcile_alive(tables, context, member);
    case Presence::kFailed:
      return reconcile_failed(tables, context, member);
    case Presence::kLeft:
    case Presence::kReaped:
      return reconcile_gone(tables, context, member);
    case Presence::kOther:
      break;
  }
  return {};
}

std::vector<gossip::Member> unknown_members(const store::Tables& tables, const std::string& datacenter,
                                            const std::vector<gossip::Member>& members) {
  std::set<std::string> known;
  for (const gossip::Member& member : members) known.insert(to_lower(member.name));
  std::vector<gossip::Member> unknown;
  std::vector<const model::Node*> nodes;
  store::list_nodes(tables, {}, nullptr, nodes);
  for (const model::Node* node : nodes) {
    if (known.contains(to_lower(node->node))) continue;
    if (store::check_find(tables, node->node, model::kSerfHealthCheckID) == nullptr) continue;
    gossip::Member member;
    member.name = node->node;
    member.status = gossip::MemberStatus::kNone;
    member.tags["dc"] = datacenter;
    member.tags["role"] = "node";
    member.tags["id"] = node->id;
    auto ip = gossip::IpAddress::parse(node->address);
    const store::ServiceRecord* service = store::service_find(tables, node->node, model::kConsulServiceID);
    if (ip && service != nullptr && service->service.port > 0) {
      member.address.ip = *ip;
      member.tags["role"] = "consul";
      member.tags["port"] = std::to_string(service->service.port);
      member.tags["vsn"] = "2";
      member.tags["raft_vsn"] = "3";
      member.tags["build"] = "0.0.0";
    }
    unknown.push_back(std::move(member));
  }
  return unknown;
}

}  // namespace praetor::server
