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
  // Another server's answer: what it said of itself.
  std::shared_ptr<model::QueryMeta> remote{};
  // Whether the query blocked: then the answer is news, not what a cache had. Only for cached queries.
  std::shared_ptr<bool> waited{};

  void set_headers(Response& response, uint64_t index, bool failed) const {
    MetaHeaders meta;
    meta.index = index;
    if (!failed) {
      meta.known_leader = remote ? remote->known_leader : api.server->known_leader();
      meta.last_contact_ms =
          remote ? std::chrono::duration_cast<std::chrono::milliseconds>(remote->last_contact).count()
                 : api.server->last_contact_ms();
    }
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
      bool bare = traits.bare_missing && response.status == 404;
      if (traits.meta_on_error && !bare) set_headers(response, 1, true);
      return exchange->respond(std::move(response));
    }
    const server::Rendering& rendering = **result;
    Response response;
    response.headers.reserve(8);
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

void respond_error(const ExchangePtr& exchange, const Error& error) {
  exchange->respond(error_response(error));
}

void respond_empty(const ExchangePtr& exchange) { exchange->respond(Response{}); }

std::string write_datacenter(const ApiContext& api, const Request& request) {
  std::string_view dc = request.parameter("dc");
  return dc.empty() ? api.defaults.datacenter : std::string(dc);
}

server::Rendering to_rendering(Rendered rendered, uint64_t index, bool pretty) {
  if (pretty && rendered.content_type == "application/json")
    rendered.body = codec::pretty_json(rendered.body);
  server::Rendering out;
  out.index = std::max<uint64_t>(index, 1);
  out.status = rendered.status;
  out.content_type = std::move(rendered.content_type);
  out.body = std::make_shared<const std::string>(std::move(rendered.body));
  return out;
}

void run_read(const ApiContext& api, const ExchangePtr& exchange, const model::QueryOptions& options,
              const ReadTraits& traits, Evaluate evaluate) {
  Answerer answer{api, exchange, traits, options};
  if (traits.agent_cache && options.use_cache) answer.waited = std::make_shared<bool>(false);
  if (!answer.from_cache()) answer.count_query();
  server::QueryLimits limits{options.min_query_index, Duration(0)};
  if (limits.min_index > 0) limits.wait = api.gateway->blocking_time(options);
  std::string key = share_key(exchange->request(), options.token);
  server::QueryRunner& queries = api.server->queries(exchange->reactor());
  auto waited = answer.waited;
  auto ticket = queries.run(key, limits, std::move(evaluate), std::move(answer));
  if (waited) *waited = ticket != 0;
  if (ticket != 0) exchange->on_cancel([&queries, ticket] { queries.cancel(ticket); });
}

void route_read(const ApiContext& api, const ExchangePtr& exchange, server::Ask ask, const ReadTraits& traits,
                Evaluate evaluate, RenderReply render, Again again) {
  model::QueryOptions options = ask.options;
  auto here = [&api, exchange, options, traits, evaluate = std::move(evaluate)] {
    run_read(api, exchange, options, traits, evaluate);
  };
  auto elsewhere = [&api, exchange, options, traits, render = std::move(render),
                    again = std::move(again)](const Result<std::string>& reply) {
    Answerer answer{api, exchange, traits, options, std::make_shared<model::QueryMeta>()};
    server::count_rpc();
    if (!reply) {
      bool no_leader = contains(reply.error().message, server::kErrNoLeader);
      if (traits.stale_without_leader && no_leader && !options.allow_stale) return again(true);
      return answer(fail(reply.error()));
    }
    auto rendering = render(*reply, *answer.remote);
    if (!rendering) return answer(fail(std::move(rendering.error())));
    bool bounded =
        traits.effective_consistency && options.allow_stale && options.max_stale_duration.count() > 0;
    if (bounded && answer.remote->last_contact > options.max_stale_duration) return again(false);
    answer(std::make_shared<const server::Rendering>(std::move(*rendering)));
  };
  auto trip = api.gateway->route(exchange->reactor(), std::move(ask), std::move(here), std::move(elsewhere));
  // Once it runs here, run_read has set what a cancellation does.
  if (trip->under_way()) exchange->on_cancel([trip] { trip->cancel(); });
}

}  // namespace praetor::http
