#include "server/catalog.h"

#include <algorithm>

#include "base/text.h"
#include "base/uuid.h"
#include "model/validate.h"
#include "server/endpoint_metrics.h"
#include "server/filtering.h"
#include "server/round_trip.h"
#include "store/catalog_read.h"

namespace praetor::server {
namespace {

bool has_meta(const model::Map<std::string>& meta, const model::Map<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& pair) {
    const std::string* value = meta.get(pair.first);
    return value != nullptr && *value == pair.second;
  });
}

// All wanted tags, compared without case.
bool has_tags(const model::List<std::string>& tags, const model::List<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& tag) {
    return std::any_of(tags.begin(), tags.end(),
                       [&](const std::string& have) { return equals_ignore_case(have, tag); });
  });
}

bool accepts(const model::ServiceSpecificRequest& request, const store::InstanceRef& instance) {
  if (!has_meta(instance.node->meta, request.node_meta_filters)) return false;
  if (!request.service_address.empty() && instance.service->service.address != request.service_address)
    return false;
  if (!request.tag_filter) return true;
  if (request.service_tags.empty() && !request.service_tag.empty())
    return has_tags(instance.service->service.tags, {request.service_tag});
  return has_tags(instance.service->service.tags, request.service_tags);
}

store::ServiceLookup lookup_of(const model::ServiceSpecificRequest& request) {
  return request.connect ? store::ServiceLookup::kConnect : store::ServiceLookup::kName;
}

}  // namespace

Status catalog_list_nodes(ReadContext& context, const model::DCSpecificRequest& request,
                          model::IndexedNodes& reply) {
  std::vector<const model::Node*> nodes;
  auto read = store::list_nodes(context.tables, request.node_meta_filters, context.watch, nodes);
  for (const model::Node* node : nodes) reply.nodes.push_back(*node);
  set_index(context, reply.meta, read);
  TRY(apply_filter(request.options.filter, reply.nodes));
  sort_by_distance(context, request.source, reply.nodes, [](const model::Node& node) { return node.node; });
  return {};
}

Status catalog_list_services(ReadContext& context, const model::DCSpecificRequest& request,
                             model::IndexedServices& reply) {
  set_index(context, reply.meta,
            store::list_services(context.tables, request.node_meta_filters, context.watch, reply.services));
  return {};
}

Status catalog_service_nodes(ReadContext& context, const model::ServiceSpecificRequest& request,
                             model::IndexedServiceNodes& reply) {
  if (request.service_name.empty() && request.service_address.empty())
    return fail("Must provide service name");
  auto read = store::service_nodes(context.tables, lookup_of(request), request.service_name, context.watch,
                                   [&](const store::InstanceRef& instance) {
                                     if (accepts(request, instance))
                                       reply.service_nodes.push_back(store::to_service_node(instance));
                                   });
  set_index(context, reply.meta, read);
  TRY(apply_filter(request.options.filter, reply.service_nodes));
  sort_by_distance(context, request.source, reply.service_nodes,
                   [](const model::ServiceNode& n) { return n.node; });
  return {};
}

Status catalog_node_services(ReadContext& context, const model::NodeSpecificRequest& request,
                             model::IndexedNodeServices& reply) {
  if (request.node.empty()) return fail("Must provide node");
  store::NodeServicesRef found;
  set_index(context, reply.meta, store::node_services(context.tables, request.node, context.watch, found));
  if (!found.node) {
    reply.meta.index = 0;  // shown as 1
    return valid_filter<model::NodeService>(request.options.filter);
  }
  model::NodeServices& out = reply.node_services.emplace();
  out.node = *found.node;
  out.services.make_empty();
  for (const store::ServiceRecord* record : found.services)
    out.services[record->service.id] = record->service;
  return apply_filter(request.options.filter, out.services);
}

Status catalog_node_service_list(ReadContext& context, const model::NodeSpecificRequest& request,
                                 model::IndexedNodeServiceList& reply) {
  if (request.node.empty()) return fail("Must provide node");
  store::NodeServicesRef found;
  set_index(context, reply.meta, store::node_services(context.tables, request.node, context.watch, found));
  if (!found.node) {
    reply.meta.index = 0;  // shown as 1
    return valid_filter<model::NodeService>(request.options.filter);
  }
  reply.node_services.node = *found.node;
  for (const store::ServiceRecord* record : found.services)
    reply.node_services.services.push_back(record->service);
  return apply_filter(request.options.filter, reply.node_services.services);
}

namespace {
Status fill_checks(ReadContext& context, const model::QueryOptions& options, const model::QuerySource& source,
                   const std::vector<const model::HealthCheck*>& checks, store::ReadIndex read,
                   model::IndexedHealthChecks& reply) {
  for (const model::HealthCheck* check : checks) reply.health_checks.push_back(*check);
  set_index(context, reply.meta, read);
  TRY(apply_filter(options.filter, reply.health_checks));
  sort_by_distance(context, source, reply.health_checks,
                   [](const model::HealthCheck& check) { return check.node; });
  return {};
}
}  // namespace

Status health_checks_in_state(ReadContext& context, const model::ChecksInStateRequest& request,
                              model::IndexedHealthChecks& reply) {
  std::vector<const model::HealthCheck*> checks;
  auto read =
      store::checks_in_state(context.tables, request.state, request.node_meta_filters, context.watch, checks);
  return fill_checks(context, request.options, request.source, checks, read, reply);
}

Status health_node_checks(ReadContext& context, const model::NodeSpecificRequest& request,
                          model::IndexedHealthChecks& reply) {
  std::vector<const model::HealthCheck*> checks;
  auto read = store::node_checks(context.tables, request.node, context.watch, checks);
  return fill_checks(context, request.options, {}, checks, read, reply);
}

Status health_service_checks(ReadContext& context, const model::ServiceSpecificRequest& request,
                             model::IndexedHealthChecks& reply) {
  std::vector<const model::HealthCheck*> checks;
  auto read = store::service_checks(context.tables, request.service_name, request.node_meta_filters,
                                    context.watch, checks);
  return fill_checks(context, request.options, request.source, checks, read, reply);
}

Status health_service_nodes(ReadContext& context, const model::ServiceSpecificRequest& request,
                            model::IndexedCheckServiceNodes& reply) {
  if (request.service_name.empty()) return fail("Must provide service name");
  if (request.ingress) {   // gateways come with the service mesh: none exposes a service yet
    reply.meta.index = 0;  // shown as 1
    return valid_filter<model::CheckServiceNode>(request.options.filter);
  }
  auto read = store::check_service_nodes(
      context.tables, lookup_of(request), request.service_name, context.watch,
      [&](const store::InstanceRef& instance, std::span<const model::HealthCheck* const> checks) {
        if (accepts(request, instance)) reply.nodes.push_back(store::to_check_service_node(instance, checks));
      });
  set_index(context, reply.meta, read);
  TRY(apply_filter(request.options.filter, reply.nodes));
  sort_by_distance(context, request.source, reply.nodes,
                   [](const model::CheckServiceNode& instance) { return instance.node->node; });
  return {};
}

namespace {
// What go-uuid says of a text that is none.
std::string uuid_problem(std::string_view text) {
  if (text.size() != 36) return "uuid string is wrong length";
  for (size_t i : {8, 13, 18, 23})
    if (text[i] != '-') return "uuid is improperly formatted";
  for (char c : text) {
    if (c == '-' || hex_decode(std::string(2, c))) continue;
    std::string code = hex_encode(std::string_view(&c, 1));
    return "encoding/hex: invalid byte: U+00" + code + " '" + std::string(1, c) + "'";
  }
  return "uuid is improperly formatted";
}

// The kind of check that a definition describes, once it says all that the kind needs; the first decides.
std::string check_type(const model::HealthCheckDefinition& definition) {
  bool repeats = definition.interval.count() > 0;
  bool script = !definition.script_args.empty();
  if (!definition.grpc.empty() && repeats) return "grpc";
  if (!definition.http.empty() && repeats) return "http";
  if (definition.ttl.count() > 0) return "ttl";
  if (!definition.tcp.empty() && repeats) return "tcp";
  if (!definition.alias_node.empty() || !definition.alias_service.empty()) return "alias";
  if (!definition.docker_container_id.empty() && script && repeats) return "docker";
  return script ? "script" : "";
}
}  // namespace

Status prepare_node(const std::string& name, const std::string& id) {
  if (name.empty()) return fail("Must provide node");
  if (!id.empty() && !is_uuid(id)) return fail("Bad node ID: " + uuid_problem(id));
  return {};
}

Status prepare_service(model::NodeService& service) {
  TRY(model::validate_node_service(service));
  if (service.id.empty()) service.id = service.service;
  if (service.service.empty() && !service.id.empty()) return fail("Must provide service name with ID");
  if (service.address == "0.0.0.0" || service.address == "::" || service.address == "[::]")
    return fail("Invalid service address");
  return {};
}

Status prepare_registration(model::RegisterRequest& request) {
  if (request.node.empty()) return fail("Must provide node");
  if (request.address.empty() && !request.skip_node_update)
    return fail("Must provide address if SkipNodeUpdate is not set");
  TRY(prepare_node(request.node, request.id));
  if (request.service) TRY(prepare_service(*request.service));
  if (request.check) {
    request.checks.push_back(std::move(*request.check));
    request.check.reset();
  }
  for (model::HealthCheck& check : request.checks) {
    if (check.check_id.empty()) check.check_id = check.name;
    if (check.node.empty()) check.node = request.node;
    if (check.type.empty()) check.type = check_type(check.definition);
  }
  return {};
}

namespace {
std::function<void(Result<ApplyResult>)> status_only(std::function<void(Status)> done) {
  return [done = std::move(done)](Result<ApplyResult> applied) {
    done(applied ? Status() : Status(std::unexpected(std::move(applied.error()))));
  };
}
}  // namespace

void catalog_register(Server& server, Reactor& reactor, model::RegisterRequest request,
                      std::function<void(Status)> done) {
  static const Sample time("catalog.register");
  count_rpc();
  done = timed(time, std::move(done));
  if (Status valid = prepare_registration(request); !valid) return done(std::move(valid));
  server.apply(reactor, model::MessageType::kRegister, request, status_only(std::move(done)));
}

void catalog_deregister(Server& server, Reactor& reactor, const model::DeregisterRequest& request,
                        std::function<void(Status)> done) {
  static const Sample time("catalog.deregister");
  count_rpc();
  done = timed(time, std::move(done));
  if (request.node.empty()) return done(fail("Must provide node"));
  server.apply(reactor, model::MessageType::kDeregister, request, status_only(std::move(done)));
}

}  // namespace praetor::server
