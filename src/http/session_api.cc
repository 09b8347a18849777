// /v1/session (http-api.md 13).
#include "base/text.h"
#include "http/api.h"
#include "model/kv.h"
#include "server/session.h"

namespace praetor::http {
namespace {

using Sessions = model::IndexedSessions;

Result<Rendered> render_sessions(Sessions& reply) {
  if (reply.sessions.empty()) reply.sessions.make_empty();
  return Rendered{.body = codec::to_json(reply.sessions)};
}

// The body of a create: a session whose lock-delay may be a text, a count of seconds (below 1000) or of
// nanoseconds.
struct CreateBody {
  std::string name;
  std::string node;
  codec::Value lock_delay;
  std::string behavior;
  std::string ttl;
  // Both names of the checks on the node begin with the default.
  codec::List<std::string> checks{model::kSerfHealthCheckID};
  codec::List<std::string> node_checks{model::kSerfHealthCheckID};
  codec::List<model::ServiceCheck> service_checks;
};
PRAETOR_DESCRIBED(CreateBody)
PRAETOR_DESCRIBE(
    CreateBody, "Session",
    own_json_decoder(/*tolerates_unknown=*/true).go_type("struct { LockDelay interface {}; *structs.Alias }"),
    field("Name", &CreateBody::name), field("Node", &CreateBody::node),
    field("LockDelay", &CreateBody::lock_delay), field("Behavior", &CreateBody::behavior),
    field("TTL", &CreateBody::ttl), field("Checks", &CreateBody::checks).go_type("[]types.CheckID"),
    field("NodeChecks", &CreateBody::node_checks), field("ServiceChecks", &CreateBody::service_checks))

Result<Duration> lock_delay_of(const codec::Value& value) {
  if (const std::string* text = value.string()) return parse_duration(*text);
  if (const double* number = std::get_if<double>(&value.data)) {
    int64_t whole = whole_number(*number);
    // Below a thousand they are seconds; the product wraps, as in Go.
    return Duration(whole < 1000 ? static_cast<int64_t>(static_cast<uint64_t>(whole) * 1'000'000'000)
                                 : whole);
  }
  return Duration(std::chrono::seconds(15));
}

// An empty list under either name of the node's checks means none at all; the default under the older name
// stands for nothing besides the other's.
void settle_checks(CreateBody& body) {
  if (body.checks.empty()) {
    body.node_checks.make_empty();
  } else if (body.node_checks.empty() ||
             (body.checks.size() == 1 && body.checks[0] == model::kSerfHealthCheckID)) {
    body.checks = {};
  }
}

void create(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  CreateBody body;
  body.node = api.defaults.node_name;
  body.behavior = model::kSessionRelease;
  model::SessionRequest request;
  if (!http.body.empty() && !parse_body(exchange, body, false, "Request decode failed: ")) return;
  settle_checks(body);
  auto delay = lock_delay_of(body.lock_delay);
  if (!delay) return respond_text(exchange, 400, "Request decode failed: " + delay.error().message);
  request.datacenter = write_datacenter(api, http);
  request.write.token = parse_token(http, api.defaults);
  request.op = "create";
  model::Session& session = request.session;
  session.name = body.name;
  session.node = body.node;
  session.lock_delay = *delay;
  session.behavior = body.behavior;
  session.ttl = body.ttl;
  session.checks = body.checks;
  session.node_checks = body.node_checks;
  session.service_checks = body.service_checks;
  call(api, exchange, server::kSessionApply, std::move(request), [&api, exchange](const std::string& id) {
    std::string json = "{\"ID\":";
    codec::write_json_string(json, id);
    respond_json(api, exchange, json + "}");
  });
}

void destroy(const ApiContext& api, const ExchangePtr& exchange) {
  if (missing_argument(exchange, "Missing session")) return;
  const Request& http = exchange->request();
  model::SessionRequest request;
  request.datacenter = write_datacenter(api, http);
  request.op = "destroy";
  request.session.id = http.argument;
  call(api, exchange, server::kSessionApply, std::move(request),
       [&api, exchange](const std::string&) { respond_json(api, exchange, "true"); });
}

void renew(const ApiContext& api, const ExchangePtr& exchange) {
  if (missing_argument(exchange, "Missing session")) return;
  const Request& http = exchange->request();
  model::SessionSpecificRequest request;
  request.session_id = request.session = http.argument;
  request.datacenter = write_datacenter(api, http);
  call(api, exchange, server::kSessionRenew, std::move(request), [&api, exchange](const Sessions& reply) {
    if (reply.sessions.empty())
      return respond_text(exchange, 404, "Session id '" + exchange->request().argument + "' not found");
    respond_object(api, exchange, reply.sessions);
  });
}

void info(const ApiContext& api, const ExchangePtr& exchange) {
  model::SessionSpecificRequest request;
  if (!parse_read(api, exchange, request) || missing_argument(exchange, "Missing session")) return;
  request.session_id = request.session = exchange->request().argument;
  read<model::SessionSpecificRequest, Sessions>(api, exchange, server::kSessionGet, std::move(request), {},
                                                render_sessions);
}

void list(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  read<model::DCSpecificRequest, Sessions>(api, exchange, server::kSessionList, std::move(request), {},
                                           render_sessions);
}

void of_node(const ApiContext& api, const ExchangePtr& exchange) {
  model::NodeSpecificRequest request;
  if (!parse_read(api, exchange, request) || missing_argument(exchange, "Missing node name")) return;
  request.node = exchange->request().argument;
  read<model::NodeSpecificRequest, Sessions>(api, exchange, server::kSessionNodeSessions, std::move(request),
                                             {}, render_sessions);
}

}  // namespace

void add_session_routes(Router& router, const ApiContext& api) {
  auto add = [&](std::string pattern, Method method, void (*handler)(const ApiContext&, const ExchangePtr&)) {
    router.add({std::move(pattern), {method}, [&api, handler](const ExchangePtr& exchange) {
                  if (Status ok = refuse_namespaces(exchange->request()); !ok)
                    return respond_error(exchange, ok.error());
                  handler(api, exchange);
                }});
  };
  add("/v1/session/create", Method::kPut, create);
  add("/v1/session/destroy/", Method::kPut, destroy);
  add("/v1/session/renew/", Method::kPut, renew);
  add("/v1/session/info/", Method::kGet, info);
  add("/v1/session/node/", Method::kGet, of_node);
  add("/v1/session/list", Method::kGet, list);
}

}  // namespace praetor::http
