// Aliases of other nodes: what the catalog says about a node, as a stale blocking query.
#include "agent/agent.h"
#include "codec/json.h"
#include "server/catalog.h"
#include "server/server.h"

namespace praetor::agent {
namespace {

// Equal aliases share the rendering, so the reply travels as one: status 404 stands for a node without the service.
Result<server::Rendering> look_at_node(server::ReadContext& context, const AliasQuery& query) {
  model::NodeSpecificRequest request;
  request.node = query.node;
  model::IndexedHealthChecks checks;
  TRY(server::health_node_checks(context, request, checks));
  server::Rendering out;
  out.index = checks.meta.index;
  out.changed = context.changed;
  if (!query.service_id.empty()) {
    model::IndexedNodeServices services;
    TRY(server::catalog_node_services(context, request, services));
    out.index = std::max(out.index, services.meta.index);
    out.changed = std::max(out.changed, context.changed);
    bool has = services.node_services && services.node_services->services.contains(query.service_id);
    out.status = has ? 200 : 404;
  }
  out.body = std::make_shared<const std::string>(codec::to_json(checks.health_checks));
  return out;
}

Result<AliasReply> read_reply(const server::Rendering& rendering) {
  TRY_ASSIGN(codec::List<model::HealthCheck> checks, codec::from_json<codec::List<model::HealthCheck>>(*rendering.body));
  AliasReply reply;
  reply.index = rendering.index;
  reply.service_exists = rendering.status == 200;
  for (model::HealthCheck& check : checks)
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
  Reactor& reader = *server_.options().reactors.front();
  auto back = [&own = reactor_, alive = alive_, answer = std::move(answer)](Result<AliasReply> reply) {
    own.post([alive, answer, reply = std::move(reply)]() mutable {
      if (*alive) answer(std::move(reply));
    });
  };
  reader.post([&server = server_, &reader, query, back = std::move(back)] {
    model::QueryOptions options;
    options.allow_stale = true;
    options.token = query.token;
    server.when_readable(reader, options, [&server, &reader, query, back](Status readable) {
      if (!readable) return back(fail(readable.error()));
      std::string key = std::string("alias\0", 6) + query.node + '\0' + query.service_id + '\0' + query.token;
      server.queries(reader).run(
          key, {query.min_index, query.max_wait},
          [query](server::ReadContext& context) { return look_at_node(context, query); },
          [back](Result<server::RenderingPtr> rendering) {
            back(rendering ? read_reply(**rendering) : fail(rendering.error()));
          });
    });
  });
}

}  // namespace praetor::agent
