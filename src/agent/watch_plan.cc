#include "agent/watch_plan.h"

#include <algorithm>

#include "agent/watch_document.h"
#include "base/text.h"

namespace praetor::agent {
namespace {

using codec::Value;
using codec::ValueList;
using codec::ValueMap;

constexpr Duration kRetryInterval = std::chrono::seconds(5);
constexpr Duration kMaxRetryInterval = std::chrono::seconds(180);
constexpr int kOk = 200;
constexpr int kNotFound = 404;

// The take_ functions remove a parameter: what is left over at the end is unknown.
Result<std::string> take_string(ValueMap& map, std::string_view name) {
  const Value* value = map.get(name);
  if (value == nullptr) return std::string();
  const std::string* text = value->string();
  if (text == nullptr) return fail("Expecting " + std::string(name) + " to be a string");
  std::string result = *text;
  map.erase(name);
  return result;
}

Result<bool> take_bool(ValueMap& map, std::string_view name) {
  const Value* value = map.get(name);
  if (value == nullptr) return false;
  const bool* flag = value->boolean();
  if (flag == nullptr) return fail("Expecting " + std::string(name) + " to be a boolean");
  bool result = *flag;
  map.erase(name);
  return result;
}

// One text or a list of texts.
Result<std::vector<std::string>> take_strings(ValueMap& map, std::string_view name) {
  const Value* value = map.get(name);
  std::vector<std::string> result;
  if (value == nullptr) return result;
  if (const std::string* text = value->string()) {
    result.push_back(*text);
  } else if (const ValueList* list = value->list()) {
    for (const Value& item : *list) {
      const std::string* text_item = item.string();
      if (text_item == nullptr) return fail("Expecting " + std::string(name) + " to be a string or []string");
      result.push_back(*text_item);
    }
  } else {
    return fail("Expecting " + std::string(name) + " to be a string or []string");
  }
  map.erase(name);
  return result;
}

Result<Duration> handler_timeout(const Value& value) {
  if (const std::string* text = value.string()) {
    auto parsed = parse_duration(*text);
    if (!parsed) return fail("Failed to parse timeout: " + parsed.error().message);
    return *parsed;
  }
  if (const auto* number = std::get_if<double>(&value.data)) return Duration(static_cast<int64_t>(*number));
  if (const auto* number = std::get_if<int64_t>(&value.data)) return Duration(*number);
  return fail("Failed to parse timeout: time: invalid duration \"\"");
}

void read_header(const Value& value, std::map<std::string, std::vector<std::string>>& header) {
  const ValueMap* map = value.map();
  if (map == nullptr) return;
  for (const auto& [name, values] : *map) {
    if (const std::string* text = values.string()) header[name].push_back(*text);
    if (const ValueList* list = values.list()) {
      for (const Value& item : *list) {
        if (item.string() != nullptr) header[name].push_back(*item.string());
      }
    }
  }
}

Result<WatchHttpHandler> parse_http_handler(const Value& value) {
  WatchHttpHandler handler;
  const ValueMap* map = value.map();
  // HCL writes a block as a list of one map.
  if (const ValueList* list = value.list(); list != nullptr && list->size() == 1) map = (*list)[0].map();
  if (map == nullptr) return fail("expected a map");
  auto text = [map](std::string_view name) -> const std::string* {
    const Value* item = map->get(name);
    return item == nullptr ? nullptr : item->string();
  };
  if (const Value* item = map->get("timeout")) {
    TRY_ASSIGN(handler.timeout, handler_timeout(*item));
  }
  if (const std::string* path = text("path")) handler.path = *path;
  if (handler.path.empty()) return fail("Requires 'path' to be set");
  if (const std::string* method = text("method"); method != nullptr && !method->empty()) {
    handler.method = *method;
  }
  if (const Value* item = map->get("header")) read_header(*item, handler.header);
  if (const Value* item = map->get("tls_skip_verify"); item != nullptr && item->boolean() != nullptr) {
    handler.tls_skip_verify = *item->boolean();
  }
  return handler;
}

}  // namespace

Result<WatchPlan> WatchPlan::parse(ValueMap parameters, const std::vector<std::string>& exempt) {
  WatchPlan plan;
  TRY_ASSIGN(plan.datacenter_, take_string(parameters, "datacenter"));
  TRY_ASSIGN(plan.token_, take_string(parameters, "token"));
  TRY_ASSIGN(plan.type_, take_string(parameters, "type"));
  if (plan.type_.empty()) return fail("Watch type must be specified");
  TRY_ASSIGN(std::string handler_type, take_string(parameters, "handler_type"));
  if (!handler_type.empty()) plan.handler_type_ = handler_type;
  if (plan.handler_type_ == "http") {
    const Value* config = parameters.get("http_handler_config");
    if (config == nullptr) return fail("Handler type 'http' requires 'http_handler_config' to be set");
    auto handler = parse_http_handler(*config);
    if (!handler) return fail("Failed to parse 'http_handler_config': " + handler.error().message);
    plan.http_handler_ = std::move(*handler);
    parameters.erase("http_handler_config");
  }
  TRY(plan.parse_type(parameters));
  for (const std::string& name : exempt) parameters.erase(name);
  if (!parameters.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, value] : parameters) names.push_back(name);
    return fail("Invalid parameters: [" + join(names, " ") + "]");
  }
  return plan;
}

Status WatchPlan::parse_stale(ValueMap& parameters) {
  TRY_ASSIGN(bool stale, take_bool(parameters, "stale"));
  if (stale) parameters_.emplace("stale", "");
  return {};
}

Status WatchPlan::parse_service(ValueMap& parameters) {
  TRY(parse_stale(parameters));
  TRY_ASSIGN(std::string service, take_string(parameters, "service"));
  if (service.empty()) return fail("Must specify a single service to watch");
  TRY_ASSIGN(std::vector<std::string> tags, take_strings(parameters, "tag"));
  TRY_ASSIGN(bool passing, take_bool(parameters, "passingonly"));
  document_ = Document::kService;
  path_ = "/v1/health/service/" + service;
  for (const std::string& tag : tags) parameters_.emplace("tag", tag);
  if (passing) parameters_.emplace("passing", "1");
  return {};
}

Status WatchPlan::parse_checks(ValueMap& parameters) {
  TRY(parse_stale(parameters));
  TRY_ASSIGN(std::string service, take_string(parameters, "service"));
  TRY_ASSIGN(std::string state, take_string(parameters, "state"));
  if (!service.empty() && !state.empty()) return fail("Cannot specify service and state");
  document_ = Document::kChecks;
  path_ = service.empty() ? "/v1/health/state/" + (state.empty() ? "any" : state)
                          : "/v1/health/checks/" + service;
  return {};
}

Status WatchPlan::parse_type(ValueMap& parameters) {
  if (type_ == "service") return parse_service(parameters);
  if (type_ == "checks") return parse_checks(parameters);
  if (type_ == "key" || type_ == "keyprefix") {
    TRY(parse_stale(parameters));
    bool prefix = type_ == "keyprefix";
    TRY_ASSIGN(std::string key, take_string(parameters, prefix ? "prefix" : "key"));
    if (key.empty())
      return fail(prefix ? "Must specify a single prefix to watch" : "Must specify a single key to watch");
    if (key.starts_with('/')) key.erase(0, 1);
    document_ = prefix ? Document::kKeyPrefix : Document::kKey;
    path_ = "/v1/kv/" + key;
    if (prefix) parameters_.emplace("recurse", "");
    return {};
  }
  if (type_ == "services" || type_ == "nodes") {
    TRY(parse_stale(parameters));
    document_ = type_ == "nodes" ? Document::kNodes : Document::kServices;
    path_ = "/v1/catalog/" + type_;
    return {};
  }
  if (type_ == "event") {
    TRY_ASSIGN(std::string name, take_string(parameters, "name"));
    document_ = Document::kEvent;
    path_ = "/v1/event/list";
    if (!name.empty()) parameters_.emplace("name", name);
    return {};
  }
  if (type_ == "connect_roots") {
    document_ = Document::kConnectRoots;
    path_ = "/v1/agent/connect/ca/roots";
    return {};
  }
  if (type_ == "connect_leaf") {
    TRY_ASSIGN(std::string service, take_string(parameters, "service"));
    document_ = Document::kConnectLeaf;
    path_ = "/v1/agent/connect/ca/leaf/" + service;
    return {};
  }
  if (type_ == "agent_service") {
    TRY_ASSIGN(std::string id, take_string(parameters, "service_id"));
    document_ = Document::kAgentService;
    path_ = "/v1/agent/service/" + id;
    return {};
  }
  return fail("Unsupported watch type: " + type_);
}

WatchRequest WatchPlan::next_request() const {
  WatchRequest request{path_, parameters_};
  if (document_ == Document::kAgentService) {
    if (!last_hash_.empty()) request.parameters.emplace("hash", last_hash_);
  } else if (last_index_.value_or(0) != 0) {
    request.parameters.emplace("index", std::to_string(*last_index_));
  }
  return request;
}

Result<std::optional<WatchFiring>> WatchPlan::on_response(int status, uint64_t index, std::string_view hash,
                                                          std::string_view body) {
  bool is_key = document_ == Document::kKey || document_ == Document::kKeyPrefix;
  if (status != kOk && !(is_key && status == kNotFound)) {
    std::string text = "Unexpected response code: " + std::to_string(status);
    return fail(is_key ? text : text + " (" + std::string(body) + ")");
  }
  if (status == kNotFound) body = {};
  Result<std::string> document;
  switch (document_) {
    case Document::kKey:
      document = watch_key(body);
      break;
    case Document::kKeyPrefix:
      document = watch_key_prefix(body);
      break;
    case Document::kServices:
      document = watch_services(body);
      break;
    case Document::kNodes:
      document = watch_nodes(body);
      break;
    case Document::kService:
      document = watch_service(body);
      break;
    case Document::kChecks:
      document = watch_checks(body);
      break;
    case Document::kEvent:
      document = watch_events(body, last_index_.value_or(0));
      break;
    case Document::kConnectRoots:
      document = watch_connect_roots(body);
      break;
    case Document::kConnectLeaf:
      document = watch_connect_leaf(body);
      break;
    case Document::kAgentService:
      document = watch_agent_service(body);
      break;
  }
  TRY(document);
  failures_ = 0;
  bool by_hash = document_ == Document::kAgentService;
  if (by_hash ? !last_hash_.empty() && last_hash_ == hash : last_index_ == index) return std::nullopt;
  // An index that went back (a restored or replaced server) means: ask anew without waiting.
  bool went_back = !by_hash && document_ != Document::kEvent && last_index_ && index < *last_index_;
  last_index_ = went_back ? 0 : index;
  last_hash_ = hash;
  if (last_document_ == *document) return std::nullopt;
  last_document_ = *document;
  return WatchFiring{index, last_hash_, std::move(*document)};
}

Duration WatchPlan::on_failure() {
  ++failures_;
  // Events that were handled are not handled again; everything else starts anew without waiting.
  if (document_ != Document::kEvent) last_index_.reset();
  last_hash_.clear();
  Duration wait = kRetryInterval * static_cast<int64_t>(failures_) * failures_;
  return std::min(wait, kMaxRetryInterval);
}

}  // namespace praetor::agent
