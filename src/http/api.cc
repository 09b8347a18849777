#include "http/api.h"

#include <algorithm>

#include "base/random.h"
#include "base/text.h"

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
    bool apart = name == "filter" || name == "tag" || name == "node-meta" || name == "near" || name == "dc";
    if (apart) key.append("\n").append(name).append("=").append(value);
  }
  return key;
}

struct Answerer {
  const ApiContext& api;
  ExchangePtr exchange;
  ReadTraits traits;
  model::QueryOptions options;

  void set_headers(Response& response, uint64_t index, bool failed) const {
    MetaHeaders meta;
    meta.index = index;
    meta.known_leader = !failed && api.server->known_leader();
    meta.last_contact_ms = failed ? 0 : api.server->last_contact_ms();
    if (traits.effective_consistency && !failed) meta.consistency = consistency_name(options);
    set_meta_headers(response, meta);
    if (traits.agent_cache && !failed) set_cache_headers(api, exchange->request(), options, response);
  }

  void operator()(Result<server::RenderingPtr> result) const {
    if (!result) {
      Response response = error_response(result.error());
      set_headers(response, 1, true);
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
    set_headers(response, rendering.index, false);
    exchange->respond(std::move(response));
  }
};

}  // namespace

void set_cache_headers(const ApiContext& api, const Request& request, const model::QueryOptions& options,
                       Response& response) {
  if (!options.use_cache || !api.use_cache) return;
  bool hit = api.cache->seen(cache_key(request, options.token));
  response.set("X-Cache", hit ? "HIT" : "MISS");
  if (hit) response.set("Age", "0");
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

std::string write_datacenter(const ApiContext& api, const Request& request) {
  std::string_view dc = request.parameter("dc");
  return dc.empty() ? api.defaults.datacenter : std::string(dc);
}

void run_read(const ApiContext& api, const ExchangePtr& exchange, const std::string& datacenter,
              const model::QueryOptions& options, const ReadTraits& traits, Evaluate evaluate) {
  Answerer answer{api, exchange, traits, options};
  if (Status local = check_datacenter(api, datacenter); !local) return answer(fail(local.error()));
  Reactor& reactor = exchange->reactor();
  api.server->when_readable(
      reactor, options,
      [&api, &reactor, exchange, answer = std::move(answer), options, evaluate = std::move(evaluate)](Status status) mutable {
        if (!status) return answer(fail(std::move(status.error())));
        server::QueryLimits limits{options.min_query_index, Duration(0)};
        if (limits.min_index > 0) limits.wait = blocking_wait(api.defaults, options);
        std::string key = share_key(exchange->request(), options.token);
        server::QueryRunner& queries = api.server->queries(reactor);
        auto ticket = queries.run(key, limits, std::move(evaluate), std::move(answer));
        if (ticket != 0) exchange->on_cancel([&queries, ticket] { queries.cancel(ticket); });
      });
}

}  // namespace praetor::http
