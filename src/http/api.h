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
  server::Server* server = nullptr;
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
  std::function<void(const model::UserEvent&, Reactor&, std::function<void(Status)>)> fire_event;
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

// Waits for the consistency that `options` ask for, runs the query (blocking when they say so), answers.
void run_read(const ApiContext& api, const ExchangePtr& exchange, const std::string& datacenter,
              const model::QueryOptions& options, const ReadTraits& traits, Evaluate evaluate);

// X-Cache and Age, for ?cached; whether the cache had the answer. A query that `waited` is never a hit.
bool set_cache_headers(const ApiContext& api, const Request& request, const model::QueryOptions& options,
                       Response& response, bool waited = false);

// How long a blocking query may wait: the asked or the default time, capped, plus up to a sixteenth at
// random.
Duration blocking_wait(const QueryDefaults& defaults, const model::QueryOptions& options);

// What a renderer says of a reply.
struct Rendered {
  std::string body;
  int status = 200;
  std::string content_type = "application/json";  // empty: none, or sniffed
};

// A read with a typed endpoint: evaluates it, lets `render` make the body, shares the result. Request must
// have `datacenter` and `options`.
template <typename RequestType, typename Reply, typename Render>
void read(const ApiContext& api, const ExchangePtr& exchange,
          server::ReadFunction<RequestType, Reply> function, RequestType request, const ReadTraits& traits,
          Render render) {
  model::QueryOptions options = request.options;
  std::string datacenter = request.datacenter;
  bool pretty = wants_pretty(api, exchange->request());
  run_read(api, exchange, datacenter, options, traits,
           [function, request = std::move(request), render = std::move(render),
            pretty](server::ReadContext& context) -> Result<server::Rendering> {
             Reply reply;
             TRY(function(context, request, reply));
             Rendered rendered;
             uint64_t index = reply.meta.index;
             TRY_ASSIGN(rendered, render(reply));
             if (pretty && rendered.content_type == "application/json")
               rendered.body = codec::pretty_json(rendered.body);
             server::Rendering out;
             out.index = std::max<uint64_t>(index, 1);
             out.changed = context.changed;
             out.status = rendered.status;
             out.content_type = std::move(rendered.content_type);
             out.body = std::make_shared<const std::string>(std::move(rendered.body));
             return out;
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
// Other datacenters are not reachable from a server without a WAN pool.
Status check_datacenter(const ApiContext& api, const std::string& datacenter);
// The same of ?dc; answers and returns false when it is another one.
bool is_local(const ApiContext& api, const ExchangePtr& exchange);

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
