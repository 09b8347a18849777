// The frame of the HTTP API: what every endpoint needs, and the two ways an endpoint answers, a read and a
// write. One file an area adds its routes (add_kv_routes …).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>

#include "codec/json.h"
#include "http/query.h"
#include "http/router.h"
#include "model/agent.h"
#include "server/gateway.h"
#include "server/server.h"

namespace praetor::agent {
class Agent;
class Pools;
class UserEvents;
struct RuntimeConfig;
}  // namespace praetor::agent

namespace praetor::server {
class ServiceQueryCounters;
}

namespace praetor::http {

struct EndpointCounters;
struct CacheCounters;

// Which ?cached queries this agent has answered before: the first one is a MISS, later ones are HITs. (The
// data itself is always current: it is read from the local state.) Any thread.
class CacheMemory {
 public:
  // True when the query was seen before.
  bool seen(const std::string& key);

 private:
  static constexpr size_t kMaxKeys = 8192;
  std::mutex mutex_;
  std::unordered_set<std::string> keys_;  // guarded by mutex_
};

// Owned by the agent; outlives the router. Filled before the listener starts.
struct ApiContext {
  QueryDefaults defaults;
  server::Gateway* gateway = nullptr;  // the endpoints, wherever they are
  server::Server* server = nullptr;    // null on a client agent
  agent::Agent* agent = nullptr;
  agent::UserEvents* events = nullptr;
  // The configuration in force; it changes with a reload.
  std::function<std::shared_ptr<const agent::RuntimeConfig>()> config;
  std::function<size_t()> thread_count;
  agent::Pools* pools = nullptr;
  // Any thread. Reads the configuration again; ends the agent gracefully, calling back (on any thread) when
  // it has left its pools.
  std::function<Status()> reload;
  std::function<void(std::function<void()>)> leave;
  // Adds the `agent` group of the stats (checks, services …). Any thread.
  std::function<void(codec::Map<std::string>&)> agent_stats;
  // Spreads an event; any thread, `done` on the reactor.
  std::shared_ptr<CacheMemory> cache = std::make_shared<CacheMemory>();
  bool use_cache = true;       // http_config.use_cache
  bool pretty_always = false;  // -dev
  bool acls_enabled = false;
  uint64_t kv_max_value_size = 512 << 10;
  uint64_t txn_max_request_size = 512 << 10;
};

bool wants_pretty(const ApiContext& api, const Request& request);
// A document as this request wants to see it.
std::string render_document(const ApiContext& api, const Request& request, std::string json);
void respond_json(const ApiContext& api, const ExchangePtr& exchange, std::string json, int status = 200);
template <typename T>
void respond_object(const ApiContext& api, const ExchangePtr& exchange, const T& object) {
  respond_json(api, exchange, codec::to_json(object));
}
void respond_text(const ExchangePtr& exchange, int status, std::string text);
void respond_error(const ExchangePtr& exchange, const Error& error);
// 200 without a body.
void respond_empty(const ExchangePtr& exchange);

// How one kind of read is answered.
struct ReadTraits {
  bool effective_consistency = false;  // X-Consul-Effective-Consistency (catalog, health, queries)
  bool agent_cache = false;            // ?cached is honoured: X-Cache and Age
  bool meta_on_error = true;           // the headers of a read stand on its errors too
  bool bare_missing = false;           // a 404 has none of the headers of a read
  bool stale_without_leader = false;   // while there is no leader any server's answer will do
  bool explicit_length = false;        // the handler names the Content-Length itself (?raw)
  // What counts this kind of read; null: nothing.
  const EndpointCounters* counters = nullptr;
  const CacheCounters* cache_counters = nullptr;
  const server::ServiceQueryCounters* service_counters = nullptr;
  bool filters_result = false;  // an empty answer need not mean that there is no such service
  // Extra headers of the answer (?raw); by the rendering's status.
  std::vector<std::pair<std::string, std::string>> headers;
};

// Of the catalog and health endpoints, without and with ?cached.
const ReadTraits& catalog_traits();
const ReadTraits& cached_catalog_traits();
// Answers 400 with `text` when nothing follows the route's prefix.
bool missing_argument(const ExchangePtr& exchange, const char* text);

// Evaluates and renders; called on the reactor, perhaps again when the data changes.
using Evaluate = std::function<Result<server::Rendering>(server::ReadContext&)>;

// Runs the query here (blocking when `options` say so) and answers.
void run_read(const ApiContext& api, const ExchangePtr& exchange, const model::QueryOptions& options,
              const ReadTraits& traits, Evaluate evaluate);

// Makes the answer out of another server's encoded reply, whose meta it also gives.
using RenderReply = std::function<Result<server::Rendering>(std::string_view reply, model::QueryMeta& meta)>;
// Asks the same once more, for a stale answer or for the leader's.
using Again = std::function<void(bool stale)>;
// The same where this agent may not answer at once, or not at all. `again` runs when the answer is older than
// max_stale allows, or when there is no leader where any server will do.
void route_read(const ApiContext& api, const ExchangePtr& exchange, server::Ask ask, const ReadTraits& traits,
                Evaluate evaluate, RenderReply render, Again again);

// X-Cache and Age, for ?cached; whether the cache had the answer. A query that `waited` is never a hit.
bool set_cache_headers(const ApiContext& api, const Request& request, const model::QueryOptions& options,
                       Response& response, bool waited = false);

// What a renderer says of a reply.
struct Rendered {
  std::string body;
  int status = 200;
  std::string content_type = "application/json";  // empty: none, or sniffed
};

server::Rendering to_rendering(Rendered rendered, uint64_t index, bool pretty);

// A read with a typed endpoint: evaluates it, lets `render` make the body, shares the result. Request must
// have `datacenter` and `options`.
template <typename RequestType, typename Reply, typename Render>
void read(const ApiContext& api, const ExchangePtr& exchange,
          const server::ReadMethod<RequestType, Reply>& method, RequestType request, const ReadTraits& traits,
          Render render) {
  bool pretty = wants_pretty(api, exchange->request());
  auto evaluate = [function = method.function, pretty, render](
                      const RequestType& asked, server::ReadContext& context) -> Result<server::Rendering> {
    Reply reply;
    TRY(function(context, asked, reply));
    uint64_t index = reply.meta.index;
    TRY_ASSIGN(Rendered rendered, render(reply));
    server::Rendering out = to_rendering(std::move(rendered), index, pretty);
    out.changed = context.changed;
    return out;
  };
  if (traits.effective_consistency && api.gateway->too_stale(request.options))
    request.options.allow_stale = false;
  model::QueryOptions options = request.options;
  if (api.gateway->answers_here(request.datacenter, options))
    return run_read(api, exchange, options, traits,
                    [evaluate, request = std::move(request)](server::ReadContext& context) {
                      return evaluate(request, context);
                    });
  auto shared = std::make_shared<RequestType>(std::move(request));
  route_read(
      api, exchange, server::Gateway::ask(method, shared), traits,
      [evaluate, shared](server::ReadContext& context) { return evaluate(*shared, context); },
      [render, pretty](std::string_view encoded, model::QueryMeta& meta) -> Result<server::Rendering> {
        TRY_ASSIGN(Reply reply, codec::from_msgpack<Reply>(encoded));
        meta = reply.meta;
        TRY_ASSIGN(Rendered rendered, render(reply));
        return to_rendering(std::move(rendered), meta.index, pretty);
      },
      [&api, exchange, &method, shared, traits, render](bool stale) {
        RequestType other = *shared;
        other.options.allow_stale = stale;
        other.options.max_stale_duration = {};
        read<RequestType, Reply>(api, exchange, method, std::move(other), traits, render);
      });
}

// A call of an endpoint that is no read over the store; errors are answered here.
template <typename RequestType, typename Reply, typename Done>
void call(const ApiContext& api, const ExchangePtr& exchange,
          const server::CallMethod<RequestType, Reply>& method, RequestType request, Done done) {
  api.gateway->call<RequestType, Reply>(exchange->reactor(), method, std::move(request),
                                        [exchange, done = std::move(done)](Result<Reply> reply) mutable {
                                          if (!reply) return respond_error(exchange, reply.error());
                                          done(std::move(*reply));
                                        });
}

// Fills datacenter and options of a read request from the HTTP request; answers and returns false on an
// error.
template <typename RequestType>
bool parse_read(const ApiContext& api, const ExchangePtr& exchange, RequestType& request) {
  Status status = parse_query_options(exchange->request(), api.defaults, request.datacenter, request.options);
  if (status) return true;
  respond_error(exchange, status.error());
  return false;
}

// A write's datacenter, from ?dc.
std::string write_datacenter(const ApiContext& api, const Request& request);

// Reads the JSON body; unknown fields are refused when `strict`. Answers and returns false on an error, with
// `prefix` before the text.
template <typename T>
bool parse_body(const ExchangePtr& exchange, T& object, bool strict, std::string_view prefix) {
  Status status = codec::read_json(exchange->request().body, object, {.reject_unknown = strict});
  if (status) return true;
  respond_text(exchange, 400, std::string(prefix) + status.error().message);
  return false;
}

void add_acl_routes(Router& router, const ApiContext& api);
void add_kv_routes(Router& router, const ApiContext& api);
void add_catalog_routes(Router& router, const ApiContext& api);
void add_health_routes(Router& router, const ApiContext& api);
void add_session_routes(Router& router, const ApiContext& api);
void add_txn_routes(Router& router, const ApiContext& api);
void add_status_routes(Router& router, const ApiContext& api);
void add_agent_control_routes(Router& router, const ApiContext& api);
void add_agent_info_routes(Router& router, const ApiContext& api);
void add_metrics_routes(Router& router, const ApiContext& api);
void add_monitor_routes(Router& router, const ApiContext& api);
void add_event_routes(Router& router, const ApiContext& api);
void add_operator_routes(Router& router, const ApiContext& api);
void add_keyring_route(Router& router, const ApiContext& api);
void add_snapshot_routes(Router& router, const ApiContext& api);
// "/", /robots.txt and the pages of the UI.
void add_ui_routes(Router& router, const ApiContext& api);
void add_coordinate_routes(Router& router, const ApiContext& api);
void add_internal_routes(Router& router, const ApiContext& api);
void add_query_routes(Router& router, const ApiContext& api);
void add_config_routes(Router& router, const ApiContext& api);

}  // namespace praetor::http
