#include "agent/alias_query.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "codec/json.h"
#include "model/catalog.h"
#include "server/query_runner.h"
#include "server/server.h"
#include "store/catalog_read.h"

namespace praetor::agent {
namespace {

// What the shared rendering of such a query carries.
struct NodeHealth {
  codec::List<model::HealthCheck> checks;
  bool service_exists = false;
};
PRAETOR_DESCRIBED(NodeHealth)
PRAETOR_DESCRIBE(NodeHealth, "NodeHealth", field("Checks", &NodeHealth::checks),
                 field("ServiceExists", &NodeHealth::service_exists))

Result<server::Rendering> look(server::ReadContext& context, const AliasQuery& query) {
  NodeHealth health;
  std::vector<const model::HealthCheck*> checks;
  store::ReadIndex read = store::node_checks(context.tables, query.node, context.watch, checks);
  for (const model::HealthCheck* check : checks) health.checks.push_back(*check);
  store::NodeServicesRef found;
  read.merge(store::node_services(context.tables, query.node, context.watch, found));
  health.service_exists = std::any_of(found.services.begin(), found.services.end(), [&](const auto* record) {
    return record->service.id == query.service_id;
  });
  server::Rendering out;
  out.index = std::max<uint64_t>(read.reported, 1);
  out.changed = read.changed;
  out.body = std::make_shared<const std::string>(codec::to_json(health));
  return out;
}

Result<AliasReply> reply_of(const server::Rendering& rendering) {
  TRY_ASSIGN(NodeHealth health, codec::from_json<NodeHealth>(*rendering.body));
  AliasReply reply;
  reply.index = rendering.index;
  reply.service_exists = health.service_exists;
  for (const model::HealthCheck& check : health.checks) {
    AliasedCheck& aliased = reply.checks.emplace_back();
    aliased.id = check.check_id;
    aliased.name = check.name;
    aliased.node = check.node;
    aliased.service_id = check.service_id;
    aliased.status = status_of(check.status);
    aliased.output = check.output;
  }
  return reply;
}

}  // namespace

std::function<void(const AliasQuery&, std::function<void(Result<AliasReply>)>)> alias_query_on(
    server::Server& server, Reactor& reactor) {
  // Queries run on a reactor of the server's; the agent has its own.
  return [&server, &reactor](const AliasQuery& query, std::function<void(Result<AliasReply>)> answer) {
    Reactor& home = *server.options().reactors.front();
    auto back = [&reactor, answer = std::move(answer)](Result<AliasReply> reply) {
      reactor.post([answer, reply = std::move(reply)]() mutable { answer(std::move(reply)); });
    };
    home.post([&server, &home, query, back = std::move(back)] {
      model::QueryOptions options;
      options.allow_stale = true;
      server.when_readable(home, options, [&server, &home, query, back](Status status) {
        if (!status) return back(std::unexpected(std::move(status.error())));
        std::string key = "alias\n" + to_lower(query.node) + "\n" + query.service_id;
        server.queries(home).run(
            key, {.min_index = query.min_index, .wait = query.max_wait},
            [query](server::ReadContext& context) { return look(context, query); },
            [back](Result<server::RenderingPtr> result) {
              if (!result) return back(std::unexpected(std::move(result.error())));
              back(reply_of(**result));
            });
      });
    });
  };
}

}  // namespace praetor::agent
