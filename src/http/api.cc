#include "http/api.h"

#include <algorithm>

#include "base/random.h"
#include "base/text.h"
#include "http/api_metrics.h"
#include "server/endpoint_metrics.h"
#include "server/service_query_metrics.h"

namespace praetor::http {
namespace {

// The part of the target that says what is asked, without how long to wait for it.
std::string share_key(const Request& request, const std::string& token) {
  std::string_view target = request.target;
  size_t mark = target.find('?');
  std::string key(target.substr(0, mark));
  if (mark != target.npos) {
    for (std::string_view piece : split(target.substr(mark + 1), '&')) {
      if (piece.starts_with("index=") || piece.starts_with("wait=") || piece.starts_with("token=")) continue;
      key.append("&").append(piece);
    }
  }
  if (!token.empty()) key.append("\n").append(token);
  if (request.parameter("near") == "_ip") key.append("\n").append(request.remote_ip);
  return key;
}

// What the agent's cache tells queries apart by: not how fresh or how filtered afterwards the answer is.
std::string cache_key(const Request& request, const std::string& token) {
  std::string key = request.path + "\n" + token;
  for (const auto& [name, value] : request.query) {
    bool apart = name == "filter" || name == "tag" || name == "node-meta" || name == "near" || name == "dc" ||
                 name == "limit" || name == "connect";
    if (apart) key.append("\n").append(name).append("=").append(value);
  }
  return key;
}

struct Answerer {
  const ApiContext& api;
  ExchangePtr exchange;
  ReadTraits traits;
  model::QueryOptions options;
  // Whether the query blocked: then the answer is news, not what a cache had. Only for cached queries.
  std::shared_ptr<bool> waited;

  void set_headers(Response& response, uint64_t index, bool failed) const {
    MetaHeaders meta;
    meta.index = index;
    meta.known_leader = !failed && api.server->known_leader();
    meta.last_contact_ms = failed ? 0 : api.server->last_contact_ms();
    if (traits.effective_consistency && !failed) meta.consistency = consistency_name(options);
    set_meta_headers(response, meta);
    if (!from_cache() || failed) return;
    bool hit = set_cache_headers(api, exchange->request(), options, response, waited && *waited);
    if (traits.cache_counters) traits.cache_counters->count(hit);
    if (!hit) count_query();
  }

  bool from_cache() const { return traits.agent_cache && options.use_cache && api.use_cache; }

  void count_query() const {
    server::count_query();
    if (!traits.service_counters) return;
    const Request& request = exchange->request();
    traits.service_counters->count(request.argument);
    if (auto tags = request.parameters("tag"); !tags.empty())
      traits.service_counters->count_tag(request.argument, tags.back());
  }

  void count_outcome(const server::Rendering* rendering) const {
    if (traits.counters) traits.counters->count_outcome(rendering != nullptr);
    if (traits.service_counters && rendering && rendering->body->starts_with("[]") && !traits.filters_result)
      traits.service_counters->count_not_found(exchange->request().argument);
  }

  void operator()(Result<server::RenderingPtr> result) const {
    count_outcome(result ? result->get() : nullptr);
    if (!result) {
      Response response = error_response(result.error());
      if (traits.meta_on_error) set_headers(response, 1, true);
      return exchange->respond(std::move(response));
    }
    const server::Rendering& rendering = **result;
    Response response;
    response.status = rendering.status;
    if (!rendering.content_type.empty()) response.set("Content-Type", rendering.content_type);
    if (rendering.status == 200)
      for (const auto& [name, value] : traits.headers) response.set(name, value);
    if (traits.explicit_length && rendering.status == 200)
      response.set("Content-Length", std::to_string(rendering.body->size()));
    response.shared_body = rendering.body;
    if (!(traits.bare_missing && rendering.status == 404)) set_headers(response, rendering.index, false);
    exchange->respond(std::move(response));
  }
};

}  // namespace

bool set_cache_headers(const ApiContext& api, const Request& request, const model::QueryOptions& options,
                       Response& response, bool waited) {
  if (!options.use_cache || !api.use_cache) return false;
  bool hit = api.cache->seen(cache_key(request, options.token)) && !waited;
  response.set("X-Cache", hit ? "HIT" : "MISS");
  if (hit) response.set("Age", "0");
  return hit;
}

Duration blocking_wait(const QueryDefaults& defaults, const model::QueryOptions& options) {
  Duration wait = options.max_query_time;
  if (wait > defaults.max_query_time) wait = defaults.max_query_time;
  if (wait.count() <= 0) wait = defaults.default_query_time;
  // Spreads the clients that were told the same time.
  return wait + Duration(static_cast<int64_t>(thread_random().below(static_cast<uint64_t>(wait.count() / 16) + 1)));
}

const ReadTraits& catalog_traits() {
  static const ReadTraits traits{.effective_consistency = true};
  return traits;
}

const ReadTraits& cached_catalog_traits() {
  static const ReadTraits traits{.effective_consistency = true, .agent_cache = true};
  return traits;
}

bool missing_argument(const ExchangePtr& exchange, const char* text) {
  if (!exchange->request().argument.empty()) return false;
  respond_text(exchange, 400, text);
  return true;
}

bool CacheMemory::seen(const std::string& key) {
  std::lock_guard lock(mutex_);
  if (keys_.contains(key)) return true;
  if (keys_.size() >= kMaxKeys) keys_.clear();
  keys_.insert(key);
  return false;
}

bool wants_pretty(const ApiContext& api, const Request& request) {
  return api.pretty_always || request.has("pretty");
}

std::string render_document(const ApiContext& api, const Request& request, std::string json) {
  return wants_pretty(api, request) ? codec::pretty_json(json) : json;
}

void respond_json(const ApiContext& api, const ExchangePtr& exchange, std::string json, int status) {
  Response response = Response::text(status, render_document(api, exchange->request(), std::move(json)));
  response.set("Content-Type", "application/json");
  exchange->respond(std::move(response));
}

void respond_text(const ExchangePtr& exchange, int status, std::string text) {
  exchange->respond(Response::text(status, std::move(text)));
}

void respond_error(const ExchangePtr& exchange, const Error& error) { exchange->respond(error_response(error)); }

void respond_empty(const ExchangePtr& exchange) { exchange->respond(Response{}); }

Status check_datacenter(const ApiContext& api, const std::string& datacenter) {
  if (datacenter.empty() || datacenter == api.defaults.datacenter) return {};
  return fail("No path to datacenter");
}

bool is_local(const ApiContext& api, const ExchangePtr& exchange) {
  server::count_rpc();
  Status status = check_datacenter(api, write_datacenter(api, exchange->request()));
  if (!status) respond_error(exchange, status.error());
  return status.has_value();
}

std::string write_datacenter(const ApiContext& api, const Request& request) {
  std::string_view dc = request.parameter("dc");
  return dc.empty() ? api.defaults.datacenter : std::string(dc);
}

void run_read(const ApiContext& api, const ExchangePtr& exchange, const std::string& datacenter,
              const model::QueryOptions& options, const ReadTraits& traits, Evaluate evaluate) {
  Answerer answer{api, exchange, traits, options, nullptr};
  if (traits.agent_cache && options.use_cache) answer.waited = std::make_shared<bool>(false);
  if (Status local = check_datacenter(api, datacenter); !local) {
    server::count_rpc();
    return answer(fail(local.error()));
  }
  if (!answer.from_cache()) answer.count_query();
  Reactor& reactor = exchange->reactor();
  api.server->when_readable(
      reactor, options,
      [&api, &reactor, exchange, answer = std::move(answer), options, evaluate = std::move(evaluate)](Status status) mutable {
        if (!status) return answer(fail(std::move(status.error())));
        server::QueryLimits limits{options.min_query_index, Duration(0)};
        if (limits.min_index > 0) limits.wait = blocking_wait(api.defaults, options);
        std::string key = share_key(exchange->request(), options.token);
        server::QueryRunner& queries = api.server->queries(reactor);
        auto waited = answer.waited;
        auto ticket = queries.run(key, limits, std::move(evaluate), std::move(answer));
        if (waited) *waited = ticket != 0;
        if (ticket != 0) exchange->on_cancel([&queries, ticket] { queries.cancel(ticket); });
      });
}

}  // namespace praetor::http
