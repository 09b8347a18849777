#include "http/query.h"

#include <algorithm>

#include "base/text.h"

namespace praetor::http {
namespace {

std::unexpected<Error> bad_request(std::string text) { return fail(std::move(text), ErrorKind::kBadRequest); }

Status parse_wait(const Request& request, model::QueryOptions& options) {
  if (std::string_view wait = request.parameter("wait"); !wait.empty()) {
    auto parsed = parse_duration(wait);
    if (!parsed) return bad_request("Invalid wait time");
    options.max_query_time = *parsed;
  }
  if (std::string_view index = request.parameter("index"); !index.empty()) {
    auto parsed = parse_uint(index);
    if (!parsed) return bad_request("Invalid index");
    options.min_query_index = *parsed;
  }
  return {};
}

// Cache-Control: max-age=N, stale-if-error=N, must-revalidate.
Status parse_cache_control(const Request& request, model::QueryOptions& options) {
  std::string_view header = trim(request.header("Cache-Control"));
  if (header.empty()) return {};
  for (std::string_view piece : split(header, ',')) {
    std::string directive = to_lower(trim(piece));
    if (directive == "must-revalidate") options.must_revalidate = true;
    size_t equals = directive.find('=');
    std::string name = directive.substr(0, equals);
    if (name != "max-age" && name != "stale-if-error") continue;
    auto seconds =
        equals == directive.npos ? Result<uint64_t>(fail("")) : parse_uint(directive.substr(equals + 1), 31);
    if (!seconds) return bad_request("Invalid Cache-Control header.");
    Duration age = std::chrono::seconds(*seconds);
    if (name == "max-age") {
      options.max_age = age;
      if (*seconds == 0) options.must_revalidate = true;
    } else {
      options.stale_if_error = age;
    }
  }
  return {};
}

}  // namespace

std::string parse_token(const Request& request, const QueryDefaults& defaults) {
  if (std::string_view token = request.parameter("token"); !token.empty()) return std::string(token);
  if (std::string_view token = request.header("X-Consul-Token"); !token.empty()) return std::string(token);
  std::string_view authorization = request.header("Authorization");
  if (authorization.size() > 7 && equals_ignore_case(authorization.substr(0, 7), "bearer "))
    if (std::string_view token = trim(authorization.substr(7)); !token.empty()) return std::string(token);
  return defaults.default_token;
}

Status parse_query_options(const Request& request, const QueryDefaults& defaults, std::string& datacenter,
                           model::QueryOptions& options) {
  options.token = parse_token(request, defaults);
  std::string_view dc = request.parameter("dc");
  datacenter = dc.empty() ? defaults.datacenter : std::string(dc);
  TRY(parse_wait(request, options));
  options.allow_stale = request.has("stale");
  options.require_consistent = request.has("consistent");
  bool leader = request.has("leader");
  options.use_cache = request.has("cached");
  if (options.use_cache && options.require_consistent)
    return bad_request("Cannot specify ?cached with ?consistent, conflicting semantics.");
  if (options.allow_stale && options.require_consistent)
    return bad_request("Cannot specify ?stale with ?consistent, conflicting semantics.");
  if (std::string_view max_stale = request.parameter("max_stale"); !max_stale.empty()) {
    auto parsed = parse_duration(max_stale);
    if (!parsed) return bad_request("Invalid max_stale value " + go_quote(max_stale));
    options.max_stale_duration = *parsed;
    if (parsed->count() > 0) {
      options.allow_stale = true;
      leader = true;
    }
  }
  bool discovery = request.method == Method::kGet &&
                   (request.path.starts_with("/v1/catalog/") || request.path.starts_with("/v1/health/"));
  if (defaults.discovery_max_stale.count() > 0 && discovery && !leader && !options.allow_stale &&
      !options.require_consistent) {
    options.max_stale_duration = defaults.discovery_max_stale;
    options.allow_stale = true;
  }
  TRY(parse_cache_control(request, options));
  options.filter = std::string(request.parameter("filter"));
  return {};
}

Status parse_blocking(const Request& request, model::QueryOptions& options) {
  return parse_wait(request, options);
}

int64_t whole_number(double number) {
  constexpr double kLimit = 9.2e18;
  return static_cast<int64_t>(std::clamp(number, -kLimit, kLimit));
}

model::QuerySource parse_source(const Request& request, const QueryDefaults& defaults) {
  model::QuerySource source;
  source.datacenter = defaults.datacenter;
  std::string_view near = request.parameter("near");
  if (near == "_agent") {
    source.node = defaults.node_name;
  } else {
    source.node = std::string(near);
    if (near == "_ip") source.ip = request.remote_ip;
  }
  return source;
}

codec::Map<std::string> parse_node_meta(const Request& request) {
  codec::Map<std::string> meta;
  for (std::string_view pair : request.parameters("node-meta")) {
    size_t colon = pair.find(':');
    meta[pair.substr(0, colon)] = colon == pair.npos ? "" : std::string(pair.substr(colon + 1));
  }
  return meta;
}

Status refuse_namespaces(const Request& request) {
  if (!request.parameter("ns").empty())
    return bad_request(
        "Bad request: Invalid query parameter: \"ns\" - Namespaces are a Consul Enterprise feature");
  if (!request.header("X-Consul-Namespace").empty())
    return bad_request(
        "Bad request: Invalid header: \"X-Consul-Namespace\" - Namespaces are a Consul Enterprise feature");
  return {};
}

std::string_view consistency_name(const model::QueryOptions& options) {
  if (options.require_consistent) return "consistent";
  return options.allow_stale ? "stale" : "leader";
}

void set_contact_headers(Response& response, bool known_leader, int64_t last_contact_ms) {
  response.set("X-Consul-Knownleader", known_leader ? "true" : "false");
  response.set("X-Consul-Lastcontact", std::to_string(last_contact_ms));
}

void set_meta_headers(Response& response, const MetaHeaders& meta) {
  response.set("X-Consul-Index", std::to_string(std::max<uint64_t>(meta.index, 1)));
  set_contact_headers(response, meta.known_leader, meta.last_contact_ms);
  if (!meta.consistency.empty())
    response.set("X-Consul-Effective-Consistency", std::string(meta.consistency));
}

}  // namespace praetor::http
