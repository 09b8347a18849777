// /v1/kv (http-api.md 10).
#include <algorithm>

#include "base/text.h"
#include "http/api.h"
#include "model/kv.h"
#include "server/kvs.h"

namespace praetor::http {
namespace {

// "acquire=x&cas=0": as Go's url.Values.Encode, sorted by key.
std::string encode_query(const Request& request) {
  auto pairs = request.query;
  std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  auto escape = [](std::string_view text) {
    std::string out;
    for (char c : text) {
      bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   std::string_view("-_.~").find(c) != std::string_view::npos;
      if (plain) {
        out += c;
      } else if (c == ' ') {
        out += '+';
      } else {
        constexpr std::string_view kHex = "0123456789ABCDEF";
        out += {'%', kHex[static_cast<uint8_t>(c) >> 4], kHex[static_cast<uint8_t>(c) & 15]};
      }
    }
    return out;
  };
  std::string out;
  for (const auto& [key, value] : pairs) {
    if (!out.empty()) out += '&';
    out.append(escape(key)).append("=").append(escape(value));
  }
  return out;
}

// At most one of these may be given.
bool conflicting(const ExchangePtr& exchange, std::initializer_list<std::string_view> names) {
  auto given =
      std::count_if(names.begin(), names.end(), [&](auto name) { return exchange->request().has(name); });
  if (given < 2) return false;
  respond_text(exchange, 400, "Conflicting flags: " + encode_query(exchange->request()));
  return true;
}

bool missing_key(const ExchangePtr& exchange) {
  if (!exchange->request().argument.empty()) return false;
  respond_text(exchange, 400, "Missing key name");
  return true;
}

using KeyList = model::IndexedKeyList;
using Entries = model::IndexedDirEntries;

void get_keys(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  model::KeyListRequest request;
  if (!parse_read(api, exchange, request)) return;
  request.prefix = http.argument;
  // The misspelt name is what the first versions documented.
  for (std::string_view name : {"separator", "seperator"})
    if (std::string_view separator = http.parameter(name); !separator.empty()) request.separator = separator;
  bool whole = request.prefix.empty();
  read<model::KeyListRequest, KeyList>(api, exchange, server::kKvsListKeys, std::move(request),
                                       {.meta_on_error = false}, [whole](KeyList& reply) -> Result<Rendered> {
                                         if (reply.keys.empty() && !whole) return Rendered{"", 404, ""};
                                         if (reply.keys.empty()) reply.keys.make_empty();
                                         return Rendered{.body = codec::to_json(reply.keys)};
                                       });
}

Result<Rendered> render_entries(Entries& reply) {
  if (reply.entries.empty()) return Rendered{"", 404, ""};
  return Rendered{.body = codec::to_json(reply.entries)};
}

Result<Rendered> render_raw(Entries& reply) {
  if (reply.entries.empty()) return Rendered{"", 404, ""};
  return Rendered{std::move(reply.entries.front().value), 200, "text/plain"};
}

void get(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  if (http.has("keys")) return get_keys(api, exchange);
  model::KeyRequest request;
  if (!parse_read(api, exchange, request)) return;
  bool recurse = http.has("recurse");
  request.key = http.argument;
  if (!recurse && missing_key(exchange)) return;
  ReadTraits traits{.meta_on_error = false};
  bool raw = http.has("raw") && !recurse;
  // A value is somebody's data: no browser shall take it for a page.
  traits.explicit_length = raw;
  if (raw) traits.headers = {{"X-Content-Type-Options", "nosniff"}, {"Content-Security-Policy", "sandbox"}};
  read<model::KeyRequest, Entries>(api, exchange, recurse ? server::kKvsList : server::kKvsGet,
                                   std::move(request), traits, raw ? render_raw : render_entries);
}

void apply(const ApiContext& api, const ExchangePtr& exchange, model::KVSRequest request) {
  // Consul's servers say false of what has no condition.
  bool plain = request.op == model::kv_op::kSet || request.op == model::kv_op::kDelete ||
               request.op == model::kv_op::kDeleteTree;
  call(api, exchange, server::kKvsApply, std::move(request),
       [&api, exchange, plain](bool done) { respond_json(api, exchange, plain || done ? "true" : "false"); });
}

// A number from the query, or the error as the answer.
bool number(const ExchangePtr& exchange, std::string_view name, uint64_t& value) {
  auto parsed = parse_uint(exchange->request().parameter(name));
  if (parsed) value = *parsed;
  if (!parsed) respond_error(exchange, parsed.error());
  return parsed.has_value();
}

void begin_write(const ApiContext& api, const Request& http, model::KVSRequest& request) {
  request.datacenter = write_datacenter(api, http);
  request.write.token = parse_token(http, api.defaults);
  request.dir_ent.key = http.argument;
}

void put(const ApiContext& api, const ExchangePtr& exchange) {
  Request& http = exchange->request();
  if (missing_key(exchange) || conflicting(exchange, {"cas", "acquire", "release"})) return;
  model::KVSRequest request;
  begin_write(api, http, request);
  request.op = model::kv_op::kSet;
  if (http.has("flags") && !number(exchange, "flags", request.dir_ent.flags)) return;
  if (http.has("cas")) {
    if (!number(exchange, "cas", request.dir_ent.indexes.modify_index)) return;
    request.op = model::kv_op::kCAS;
  }
  for (auto [name, op] :
       {std::pair("acquire", model::kv_op::kLock), std::pair("release", model::kv_op::kUnlock)}) {
    if (!http.has(name)) continue;
    request.dir_ent.session = std::string(http.parameter(name));
    request.op = op;
  }
  uint64_t length = std::max<uint64_t>(http.declared_length, http.body.size());
  if (length > api.kv_max_value_size)
    return respond_text(exchange, 413,
                        "Request body(" + std::to_string(length) +
                            " bytes) too large, max size: " + std::to_string(api.kv_max_value_size) +
                            " bytes. See https://www.consul.io/docs/agent/options.html#kv_max_value_size.");
  request.dir_ent.value = std::move(http.body);
  apply(api, exchange, std::move(request));
}

void erase(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  if (conflicting(exchange, {"recurse", "cas"})) return;
  model::KVSRequest request;
  begin_write(api, http, request);
  request.op = model::kv_op::kDelete;
  if (http.has("recurse")) {
    request.op = model::kv_op::kDeleteTree;
  } else if (missing_key(exchange)) {
    return;
  }
  if (http.has("cas")) {
    if (!number(exchange, "cas", request.dir_ent.indexes.modify_index)) return;
    request.op = model::kv_op::kDeleteCAS;
  }
  apply(api, exchange, std::move(request));
}

}  // namespace

void add_kv_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/kv/",
              {Method::kGet, Method::kPut, Method::kDelete},
              [&api](const ExchangePtr& exchange) {
                if (Status ok = refuse_namespaces(exchange->request()); !ok)
                  return respond_error(exchange, ok.error());
                switch (exchange->request().method) {
                  case Method::kGet:
                    return get(api, exchange);
                  case Method::kPut:
                    return put(api, exchange);
                  default:
                    return erase(api, exchange);
                }
              },
              api.kv_max_value_size});
}

}  // namespace praetor::http
