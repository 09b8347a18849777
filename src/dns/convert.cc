#include "dns/convert.h"

#include <vector>

#include "base/text.h"
#include "rpc/server_list.h"
#include "server/prepared_query.h"

namespace praetor::dns {
namespace {

Health worst(std::span<const model::HealthCheck* const> checks) {
  Health health = Health::kPassing;
  for (const model::HealthCheck* check : checks) {
    if (check->status == model::kHealthCritical) return Health::kCritical;
    if (check->status == model::kHealthWarning) {
      health = Health::kWarning;
    } else if (check->status != model::kHealthPassing && health == Health::kPassing) {
      health = Health::kOther;
    }
  }
  return health;
}

}  // namespace

NodeInfo node_info(const model::Node& node, const std::string& datacenter) {
  NodeInfo info;
  info.name = node.node;
  info.address = node.address;
  info.datacenter = node.datacenter.empty() ? datacenter : node.datacenter;
  for (const auto& [tag, address] : node.tagged_addresses) info.tagged_addresses.push_back({tag, address, 0});
  for (const auto& pair : node.meta) info.meta.push_back(pair);
  return info;
}

ServiceInstance instance_of(const model::Node& node, const model::NodeService& service,
                            std::span<const model::HealthCheck* const> checks,
                            const std::string& datacenter) {
  ServiceInstance instance;
  instance.node = node_info(node, datacenter);
  instance.service_id = service.id;
  instance.service_name = service.service;
  instance.tags = service.tags;
  instance.address = service.address;
  for (const auto& [tag, address] : service.tagged_addresses)
    instance.tagged_addresses.push_back({tag, address.address, address.port});
  instance.port = service.port;
  if (service.weights) {
    instance.weight_passing = service.weights->passing;
    instance.weight_warning = service.weights->warning;
  }
  instance.health = worst(checks);
  return instance;
}

ServiceInstance instance_of(const model::CheckServiceNode& each, const std::string& datacenter) {
  std::vector<const model::HealthCheck*> checks;
  for (const model::HealthCheck& check : each.checks) checks.push_back(&check);
  return instance_of(*each.node, *each.service, checks, datacenter);
}

PreparedResult prepared_result(const model::PreparedQueryExecuteResponse& reply,
                               const std::string& datacenter) {
  PreparedResult result;
  result.datacenter = reply.datacenter.empty() ? datacenter : reply.datacenter;
  result.service = reply.service;
  if (auto ttl = parse_duration(reply.dns.ttl); ttl && !reply.dns.ttl.empty()) result.ttl = *ttl;
  auto instances = std::make_shared<Instances>();
  for (const model::CheckServiceNode& each : reply.nodes)
    if (each.node && each.service) instances->push_back(instance_of(each, result.datacenter));
  result.instances = std::move(instances);
  return result;
}

Error lookup_error(Error error) {
  if (contains(error.message, rpc::kErrNoPath) || contains(error.message, server::kErrQueryNotFound))
    error.kind = ErrorKind::kNotFound;
  return error;
}

}  // namespace praetor::dns
