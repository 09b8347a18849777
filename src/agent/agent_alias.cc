// Aliases of other nodes: what the catalog says about a node, as a stale blocking query.
#include "agent/agent.h"
#include "server/catalog.h"
#include "server/gateway.h"

namespace praetor::agent {
namespace {

AliasReply alias_reply(model::IndexedHealthChecks& found, bool service_exists) {
  AliasReply reply;
  reply.index = found.meta.index;
  reply.service_exists = service_exists;
  for (model::HealthCheck& check : found.health_checks)
    reply.checks.push_back({.id = std::move(check.check_id),
                            .name = std::move(check.name),
                            .node = std::move(check.node),
                            .service_id = std::move(check.service_id),
                            .status = status_of(check.status),
                            .output = std::move(check.output)});
  return reply;
}

}  // namespace

void Agent::query_remote(const AliasQuery& query, std::function<void(Result<AliasReply>)> answer) {
  model::NodeSpecificRequest request;
  request.datacenter = config_->datacenter;
  request.node = query.node;
  request.options.allow_stale = true;
  request.options.token = query.token;
  // Is the service there at all? Asked after each change of the node's checks.
  auto find_service = [this, alive = alive_, request, id = query.service_id,
                       answer](std::shared_ptr<model::IndexedHealthChecks> checks) {
    gateway_.read<model::NodeSpecificRequest, model::IndexedNodeServices>(
        reactor_, server::kCatalogNodeServices, request,
        [alive, id, answer, checks](const Result<model::IndexedNodeServices>& found) {
          if (!*alive) return;
          if (!found) return answer(fail(found.error()));
          answer(alias_reply(*checks, found->node_services && found->node_services->services.contains(id)));
        });
  };
  model::NodeSpecificRequest first = request;
  first.options.min_query_index = query.min_index;
  first.options.max_query_time = query.max_wait;
  gateway_.read<model::NodeSpecificRequest, model::IndexedHealthChecks>(
      reactor_, server::kHealthNodeChecks, std::move(first),
      [alive = alive_, any_service = query.service_id.empty(), find_service,
       answer](Result<model::IndexedHealthChecks> checks) {
        if (!*alive) return;
        if (!checks) return answer(fail(checks.error()));
        if (any_service) return answer(alias_reply(*checks, true));
        find_service(std::make_shared<model::IndexedHealthChecks>(std::move(*checks)));
      });
}

}  // namespace praetor::agent
