#include "server/internal_ui.h"

#include <map>
#include <set>

#include "server/filtering.h"
#include "store/catalog_read.h"

namespace praetor::server {
namespace {

// Lists without elements are null here, whatever they were registered as.
template <typename T>
void null_when_empty(model::List<T>& list) {
  if (list.empty()) list = {};
}

model::NodeInfo to_node_info(const store::NodeDump& from) {
  model::NodeInfo info;
  info.id = from.node->id;
  info.node = from.node->node;
  info.address = from.node->address;
  info.tagged_addresses = from.node->tagged_addresses;
  info.meta = from.node->meta;
  for (const store::ServiceRecord* record : from.services) {
    info.services.push_back(record->service);
    null_when_empty(info.services.back().tags);
  }
  for (const model::HealthCheck* check : from.checks) {
    info.checks.push_back(*check);
    null_when_empty(info.checks.back().service_tags);
  }
  return info;
}

// What gathers for one row.
struct Gathering {
  model::ServiceSummary row;
  std::set<std::string> tags, sources, proxied;
  std::multiset<std::string> nodes;

  void add(const model::CheckServiceNode& instance) {
    const model::NodeService& service = *instance.service;
    row.kind = service.kind;
    row.name = service.service;
    ++row.instance_count;
    nodes.insert(instance.node->node);
    tags.insert(service.tags.begin(), service.tags.end());
    if (const std::string* source = service.meta.get("external-source"); source && !source->empty())
      sources.insert(*source);
    if (service.kind == "connect-proxy") proxied.insert(service.proxy.destination_service_name);
    for (const model::HealthCheck& check : instance.checks) {
      if (check.status == model::kHealthPassing) ++row.checks_passing;
      if (check.status == model::kHealthWarning) ++row.checks_warning;
      if (check.status == model::kHealthCritical) ++row.checks_critical;
    }
  }
  model::ServiceSummary take() {
    for (const std::string& tag : tags) row.tags.push_back(tag);
    for (const std::string& node : nodes) row.nodes.push_back(node);
    for (const std::string& source : sources) row.external_sources.push_back(source);
    for (const std::string& name : proxied) row.proxy_for.push_back(name);
    return std::move(row);
  }
};

}  // namespace

Status internal_node_dump(ReadContext& context, const model::NodeSpecificRequest& request,
                          model::IndexedNodeDump& reply) {
  std::vector<store::NodeDump> dump;
  store::ReadIndex read = store::node_dump(context.tables, request.node, context.watch, dump);
  for (const store::NodeDump& each : dump) reply.dump.push_back(to_node_info(each));
  reply.meta.index = read.reported;
  context.changed = read.changed;
  return apply_filter(request.options.filter, reply.dump);
}

Status internal_service_dump(ReadContext& context, const model::DCSpecificRequest& request,
                             model::IndexedCheckServiceNodes& reply) {
  store::ReadIndex read = store::service_dump(
      context.tables, nullptr, context.watch,
      [&](const store::InstanceRef& instance, std::span<const model::HealthCheck* const> checks) {
        reply.nodes.push_back(store::to_check_service_node(instance, checks));
      });
  reply.meta.index = read.reported;
  context.changed = read.changed;
  return apply_filter(request.options.filter, reply.nodes);
}

model::List<model::ServiceSummary> summarize_services(const model::List<model::CheckServiceNode>& instances) {
  std::map<std::string, Gathering> rows;
  for (const model::CheckServiceNode& instance : instances) rows[instance.service->service].add(instance);
  model::List<model::ServiceSummary> summary;
  summary.make_empty();
  for (auto& [name, row] : rows) summary.push_back(row.take());
  return summary;
}

}  // namespace praetor::server
