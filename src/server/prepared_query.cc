#include "server/prepared_query.h"

#include <algorithm>

#include "base/text.h"
#include "base/uuid.h"
#include "server/endpoint_metrics.h"
#include "server/query_failover.h"
#include "server/round_trip.h"
#include "store/catalog_read.h"
#include "store/prepared_query.h"
#include "store/store.h"

namespace praetor::server {
namespace {

constexpr size_t kFirstPlaces = 10;  // among which the source's own node is looked for
constexpr std::string_view kHiddenToken = "<hidden>";

Status check_service(const model::QueryService& service) {
  if (service.service.empty()) return fail("Must provide a Service name to query");
  if (service.failover.nearest_n < 0)
    return fail("Bad NearestN '" + std::to_string(service.failover.nearest_n) + "', must be >= 0");
  return {};
}

Status check_dns(const model::QueryDNS& dns) {
  if (dns.ttl.empty()) return {};
  auto ttl = parse_duration(dns.ttl);
  if (!ttl) return fail("Bad DNS TTL '" + dns.ttl + "': " + ttl.error().message);
  if (ttl->count() < 0) return fail("DNS TTL '" + std::to_string(ttl->count()) + "', must be >=0");
  return {};
}

Status check_query(const model::PreparedQuery& query) {
  if (!query.is_template() && query.name.empty() && query.session.empty())
    return fail("Must be bound to a session");
  if (query.token == kHiddenToken)
    return fail("Bad Token '" + query.token +
                "', it looks like a query definition with a redacted token was submitted");
  TRY(check_service(query.service));
  return check_dns(query.dns);
}

bool has_pairs(const model::Map<std::string>& have, const model::Map<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& pair) {
    const std::string* value = have.get(pair.first);
    return value != nullptr && *value == pair.second;
  });
}

// "!x" forbids the tag, others are required; compared without case.
bool has_tags(const model::List<std::string>& have, const model::List<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& rule) {
    std::string_view tag = trim(rule);
    bool forbidden = tag.starts_with('!');
    if (forbidden) tag.remove_prefix(1);
    bool found = std::any_of(have.begin(), have.end(),
                             [&](const std::string& each) { return equals_ignore_case(each, tag); });
    return found != forbidden;
  });
}

bool healthy(const model::QueryService& query, std::span<const model::HealthCheck* const> checks) {
  return std::none_of(checks.begin(), checks.end(), [&](const model::HealthCheck* check) {
    const auto& ignored = query.ignore_check_ids;
    if (std::find(ignored.begin(), ignored.end(), check->check_id) != ignored.end()) return false;
    return check->status == model::kHealthCritical ||
           (query.only_passing && check->status != model::kHealthPassing);
  });
}

void run_locally(ReadContext& context, const model::QueryService& query, bool connect,
                 model::List<model::CheckServiceNode>& nodes) {
  auto lookup = connect || query.connect ? store::ServiceLookup::kConnect : store::ServiceLookup::kName;
  store::check_service_nodes(
      context.tables, lookup, query.service, context.watch,
      [&](const store::InstanceRef& instance, std::span<const model::HealthCheck* const> checks) {
        const model::NodeService& service = instance.service->service;
        bool wanted = healthy(query, checks) && has_pairs(instance.node->meta, query.node_meta) &&
                      has_pairs(service.meta, query.service_meta) && has_tags(service.tags, query.tags);
        if (wanted) nodes.push_back(store::to_check_service_node(instance, checks));
      });
}

void shuffle(Random& random, model::List<model::CheckServiceNode>& nodes) {
  for (size_t i = nodes.size(); i > 1; --i) std::swap(nodes[i - 1], nodes[random.below(i)]);
}

// Whom the distances are counted from: the request's word, then the query's.
model::QuerySource source_of(ReadContext& context, const model::PreparedQueryExecuteRequest& request,
                             const std::string& near) {
  model::QuerySource source = request.source;
  if (source.node.empty()) source.node = near;
  if (source.node == "_agent") {
    source = request.agent;
  } else if (source.node == "_ip") {
    std::string ip = source.ip;
    source = request.agent;  // unless somebody is known to be there
    std::vector<const model::Node*> nodes;
    store::list_nodes(context.tables, {}, nullptr, nodes);
    for (const model::Node* node : nodes)
      if (!ip.empty() && node->address == ip) source.node = node->node;
  }
  return source;
}

// The source's own node first: nothing is nearer, whatever the coordinates say.
void own_node_first(const std::string& node, model::List<model::CheckServiceNode>& nodes) {
  for (size_t i = 0; i < std::min(nodes.size(), kFirstPlaces); ++i) {
    if (nodes[i].node->node != node) continue;
    std::swap(nodes[i], nodes[0]);
    return;
  }
}

Result<model::PreparedQuery> resolve(ReadContext& context,
                                     const model::PreparedQueryExecuteRequest& request) {
  TRY_ASSIGN(auto query,
             store::prepared_query_resolve(context.tables, request.query_id_or_name, request.source.segment));
  if (!query) return fail(kErrQueryNotFound, ErrorKind::kNotFound);
  return std::move(*query);
}

void run_here(ReadContext& context, Random& random, const model::PreparedQuery& query, bool connect,
              model::PreparedQueryExecuteResponse& reply) {
  reply.service = query.service.service;
  reply.dns = query.dns;
  reply.datacenter = context.info.datacenter;
  reply.nodes.make_empty();
  run_locally(context, query.service, connect, reply.nodes);
  shuffle(random, reply.nodes);
}

void cut(model::List<model::CheckServiceNode>& nodes, int64_t limit) {
  if (limit > 0 && nodes.size() > static_cast<size_t>(limit)) nodes.erase(nodes.begin() + limit, nodes.end());
}

// What a query found here, with the query itself: it says where to look next.
struct LocalRun : model::PreparedQueryExecuteResponse {
  model::PreparedQuery query;
};

Status execute_here(ReadContext& context, Random& random, const model::PreparedQueryExecuteRequest& request,
                    LocalRun& run) {
  TRY_ASSIGN(run.query, resolve(context, request));
  run_here(context, random, run.query, request.connect, run);
  model::QuerySource source = source_of(context, request, run.query.service.near);
  sort_by_distance(context, source, run.nodes,
                   [](const model::CheckServiceNode& each) { return each.node->node; });
  if (!source.node.empty() && equals_ignore_case(source.datacenter, run.datacenter))
    own_node_first(source.node, run.nodes);
  cut(run.nodes, request.limit);
  return {};
}

}  // namespace

Status prepared_query_list(ReadContext& context, const model::PreparedQuerySpecificRequest&,
                           model::IndexedPreparedQueries& reply) {
  std::vector<model::PreparedQuery> queries;
  store::ReadIndex read = store::prepared_query_list(context.tables, context.watch, queries);
  for (model::PreparedQuery& query : queries) reply.queries.push_back(std::move(query));
  reply.meta.index = read.reported;
  context.changed = read.changed;
  return {};
}

Status prepared_query_get(ReadContext& context, const model::PreparedQuerySpecificRequest& request,
                          model::IndexedPreparedQueries& reply) {
  store::ReadIndex read;
  TRY_ASSIGN(auto query, store::prepared_query_get(context.tables, request.query_id, context.watch, &read));
  if (!query) return fail(kErrQueryNotFound, ErrorKind::kNotFound);
  reply.queries.push_back(std::move(*query));
  reply.meta.index = read.reported;
  context.changed = read.changed;
  return {};
}

Status prepared_query_execute(ReadContext& context, Random& random,
                              const model::PreparedQueryExecuteRequest& request,
                              model::PreparedQueryExecuteResponse& reply) {
  static const Sample time("prepared-query.execute");
  ScopedTimer timer(time);
  LocalRun run;
  TRY(execute_here(context, random, request, run));
  reply = std::move(run);
  return {};
}

Status prepared_query_execute_remote(ReadContext& context, Random& random,
                                     const model::PreparedQueryExecuteRemoteRequest& request,
                                     model::PreparedQueryExecuteResponse& reply) {
  static const Sample time("prepared-query.execute_remote");
  ScopedTimer timer(time);
  run_here(context, random, request.query, request.connect, reply);
  cut(reply.nodes, request.limit);
  return {};
}

Status prepared_query_explain(ReadContext& context, const model::PreparedQueryExecuteRequest& request,
                              model::PreparedQueryExplainResponse& reply) {
  static const Sample time("prepared-query.explain");
  ScopedTimer timer(time);
  TRY_ASSIGN(reply.query, resolve(context, request));
  return {};
}

void prepared_query_apply(Server& server, Reactor& reactor, model::PreparedQueryRequest request,
                          std::function<void(Result<std::string>)> done) {
  static const Sample time("prepared-query.apply");
  count_rpc();
  done = timed(time, std::move(done));
  model::PreparedQuery& query = request.query;
  if (request.op == "create") {
    if (!query.id.empty()) return done(fail("ID must be empty when creating a new prepared query"));
    query.id = make_uuid(thread_random());
  } else {
    auto known = store::prepared_query_get(*server.store().view(), query.id, nullptr, nullptr);
    if (!known) return done(fail("Prepared Query lookup failed: " + known.error().message));
    if (!*known) return done(fail("Cannot modify non-existent prepared query: '" + query.id + "'"));
  }
  if (request.op != "delete")
    if (Status valid = check_query(query); !valid)
      return done(fail("Invalid prepared query: " + valid.error().message));
  std::string id = query.id;
  server.apply(reactor, model::MessageType::kPreparedQuery, request,
               [id = std::move(id), done = std::move(done)](Result<ApplyResult> applied) {
                 if (!applied) return done(fail(std::move(applied.error())));
                 done(id);
               });
}

void prepared_query_run(Server& server, Reactor& reactor, model::PreparedQueryExecuteRequest request,
                        std::function<void(Result<model::PreparedQueryExecuteResponse>)> done) {
  static const Sample time("prepared-query.execute");
  done = timed(time, std::move(done));
  ReadFunction<model::PreparedQueryExecuteRequest, LocalRun> execute = [](ReadContext& context,
                                                                          const auto& asked, auto& run) {
    return execute_here(context, thread_random(), asked, run);
  };
  Result<LocalRun> run = server.evaluate(execute, request);
  if (!run) return done(std::unexpected(std::move(run.error())));
  const Cluster& cluster = server.options().cluster;
  const model::QueryFailover& failover = run->query.service.failover;
  bool elsewhere = failover.nearest_n > 0 || !failover.datacenters.empty();
  if (!run->nodes.empty() || !elsewhere || !cluster.ask_query) return done(std::move(*run));
  model::PreparedQueryExecuteRemoteRequest remote;
  remote.query = std::move(run->query);
  remote.limit = request.limit;
  remote.connect = request.connect;
  remote.options = std::move(request.options);
  fail_over(cluster, reactor, std::move(remote), std::move(*run), std::move(done));
}

void prepared_query_run_remote(Server& server, Reactor&, model::PreparedQueryExecuteRemoteRequest request,
                               std::function<void(Result<model::PreparedQueryExecuteResponse>)> done) {
  ReadFunction<model::PreparedQueryExecuteRemoteRequest, model::PreparedQueryExecuteResponse> execute =
      [](ReadContext& context, const auto& asked, auto& reply) {
        return prepared_query_execute_remote(context, thread_random(), asked, reply);
      };
  done(server.evaluate(execute, request));
}

void prepared_query_show(Server& server, Reactor&, model::PreparedQueryExecuteRequest request,
                         std::function<void(Result<model::PreparedQueryExplainResponse>)> done) {
  done(server.evaluate(prepared_query_explain, request));
}

}  // namespace praetor::server
