// /v1/query (http-api.md 12).
#include "base/random.h"
#include "base/text.h"
#include "http/api.h"
#include "model/query.h"
#include "server/endpoint_metrics.h"
#include "server/prepared_query.h"
#include "store/store.h"

namespace praetor::http {
namespace {

using Queries = model::IndexedPreparedQueries;

void list(const ApiContext& api, const ExchangePtr& exchange) {
  model::PreparedQuerySpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  read<model::PreparedQuerySpecificRequest, Queries>(api, exchange, server::kPreparedQueryList,
                                                     std::move(request), catalog_traits(),
                                                     [](Queries& reply) -> Result<Rendered> {
                                                       if (reply.queries.empty()) reply.queries.make_empty();
                                                       return Rendered{.body = codec::to_json(reply.queries)};
                                                     });
}

void get(const ApiContext& api, const ExchangePtr& exchange, const std::string& id) {
  model::PreparedQuerySpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  request.query_id = id;
  ReadTraits traits = catalog_traits();
  traits.bare_missing = true;
  read<model::PreparedQuerySpecificRequest, Queries>(
      api, exchange, server::kPreparedQueryGet, std::move(request), traits,
      [](Queries& reply) -> Result<Rendered> { return Rendered{.body = codec::to_json(reply.queries)}; });
}

void apply(const ApiContext& api, const ExchangePtr& exchange, const char* op, const std::string& id) {
  model::PreparedQueryRequest request;
  request.op = op;
  bool create = request.op == "create";
  // An update without a body is one that changes everything to nothing.
  bool reads = create || (request.op == "update" && !exchange->request().body.empty());
  if (reads && !parse_body(exchange, request.query, true, "Request decode failed: ")) return;
  if (!create) request.query.id = id;
  server::count_rpc();
  request.datacenter = write_datacenter(api, exchange->request());
  request.write.token = parse_token(exchange->request(), api.defaults);
  call(api, exchange, server::kPreparedQueryApply, std::move(request),
       [&api, exchange, create](const std::string& made) {
         if (!create) return respond_empty(exchange);
         respond_json(api, exchange, "{\"ID\":" + codec::to_json(made) + "}");
       });
}

bool parse_execute(const ApiContext& api, const ExchangePtr& exchange,
                   model::PreparedQueryExecuteRequest& request) {
  const Request& http = exchange->request();
  if (!parse_read(api, exchange, request)) return false;
  request.source = parse_source(http, api.defaults);
  if (http.parameter("near") == "_agent") request.source.node = "_agent";
  request.agent.datacenter = api.defaults.datacenter;
  request.agent.node = api.defaults.node_name;
  if (std::string_view limit = http.parameter("limit"); !limit.empty()) {
    auto parsed = parse_int(limit);
    if (!parsed) {
      const std::string& text = parsed.error().message;
      respond_text(exchange, 500, "Bad limit: strconv.Atoi" + text.substr(text.find(':')));
      return false;
    }
    request.limit = *parsed;
  }
  if (std::string_view connect = http.parameter("connect"); !connect.empty()) {
    auto parsed = parse_bool(connect);
    if (!parsed) {
      respond_text(exchange, 500, "Error parsing 'connect' value: " + parsed.error().message);
      return false;
    }
    request.connect = *parsed;
  }
  return true;
}

// Execute and explain are never shared nor waited for: their order is another one each time, their index
// is 1.
template <typename Reply>
void answer_now(const ApiContext& api, const ExchangePtr& exchange,
                const server::CallMethod<model::PreparedQueryExecuteRequest, Reply>& method,
                model::PreparedQueryExecuteRequest request, bool cached) {
  model::QueryOptions options = request.options;
  auto done = [&api, exchange, options, cached](Result<Reply> reply) {
    if (!reply) {
      Response response = error_response(reply.error());
      if (response.status != 404) set_meta_headers(response, {.index = 1});
      return exchange->respond(std::move(response));
    }
    reply->meta.consistency_level = consistency_name(options);
    const Request& http = exchange->request();
    Response response = Response::text(200, render_document(api, http, codec::to_json(*reply)));
    response.set("Content-Type", "application/json");
    set_meta_headers(
        response,
        {.index = 1,
         .known_leader = reply->meta.known_leader,
         .last_contact_ms =
             std::chrono::duration_cast<std::chrono::milliseconds>(reply->meta.last_contact).count(),
         .consistency = reply->meta.consistency_level});
    if (cached) set_cache_headers(api, http, options, response);
    exchange->respond(std::move(response));
  };
  api.gateway->call<model::PreparedQueryExecuteRequest, Reply>(exchange->reactor(), method,
                                                               std::move(request), std::move(done));
}

void execute(const ApiContext& api, const ExchangePtr& exchange, const std::string& id) {
  model::PreparedQueryExecuteRequest request;
  if (!parse_execute(api, exchange, request)) return;
  request.query_id_or_name = id;
  answer_now(api, exchange, server::kPreparedQueryExecute, std::move(request), true);
}

void explain(const ApiContext& api, const ExchangePtr& exchange, const std::string& id) {
  model::PreparedQueryExecuteRequest request;
  if (!parse_execute(api, exchange, request)) return;
  request.query_id_or_name = id;
  answer_now(api, exchange, server::kPreparedQueryExplain, std::move(request), false);
}

// Below /v1/query/ the methods depend on how the path ends, and the answers name them without OPTIONS.
void specific(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  std::string id = http.argument;
  auto strip = [&](std::string_view ending) {
    if (!http.path.ends_with(ending)) return false;
    id = id.size() >= ending.size() ? id.substr(0, id.size() - ending.size()) : "";
    return true;
  };
  bool executes = strip("/execute"), explains = !executes && strip("/explain");
  std::string methods = executes || explains ? "GET" : "GET,PUT,DELETE";
  if (http.method == Method::kOptions) {
    Response response = Response::text(200, render_document(api, http, "{}"));
    response.set("Allow", "OPTIONS," + methods);
    response.set("Content-Type", "application/json");
    return exchange->respond(std::move(response));
  }
  if (http.method == Method::kGet)
    return executes   ? execute(api, exchange, id)
           : explains ? explain(api, exchange, id)
                      : get(api, exchange, id);
  bool writes = http.method == Method::kPut || http.method == Method::kDelete;
  if (writes && !executes && !explains)
    return apply(api, exchange, http.method == Method::kPut ? "update" : "delete", id);
  Response response = Response::text(405, "method " + http.method_text + " not allowed");
  response.set("Allow", methods);
  exchange->respond(std::move(response));
}

}  // namespace

void add_query_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/query", {Method::kGet, Method::kPost}, [&api](const ExchangePtr& exchange) {
                exchange->request().method == Method::kGet ? list(api, exchange)
                                                           : apply(api, exchange, "create", "");
              }});
  Route below{"/v1/query/", {}, [&api](const ExchangePtr& exchange) { specific(api, exchange); }};
  below.own_methods = true;
  router.add(std::move(below));
}

}  // namespace praetor::http
