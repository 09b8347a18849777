// /v1/txn (http-api.md 14).
#include <algorithm>

#include "http/api.h"
#include "http/txn_body.h"
#include "server/txn.h"

namespace praetor::http {
namespace {

void too_large(const ExchangePtr& exchange, uint64_t length, uint64_t limit) {
  respond_text(exchange, 413,
               "Request body(" + std::to_string(length) +
                   " bytes) too large, max size: " + std::to_string(limit) +
                   " bytes. See https://www.consul.io/docs/agent/options.html#txn_max_req_len.");
}

// Checks and converts the body. False: answered already.
bool parse_ops(const ApiContext& api, const ExchangePtr& exchange, codec::List<model::TxnOp>& ops) {
  const Request& http = exchange->request();
  uint64_t limit = std::max(api.txn_max_request_size, api.kv_max_value_size);
  if (uint64_t length = std::max<uint64_t>(http.declared_length, http.body.size()); length > limit) {
    too_large(exchange, length, limit);
    return false;
  }
  auto parsed = parse_txn_ops(http.body, api.defaults.datacenter, api.kv_max_value_size);
  if (!parsed) {
    respond_error(exchange, parsed.error());
    return false;
  }
  ops = std::move(*parsed);
  return true;
}

void txn(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  codec::List<model::TxnOp> ops;
  if (!parse_ops(api, exchange, ops)) return;
  if (std::all_of(ops.begin(), ops.end(), server::is_read_only)) {
    model::TxnReadRequest request;
    if (!parse_read(api, exchange, request)) return;
    request.ops = std::move(ops);
    if (Status local = check_datacenter(api, request.datacenter); !local)
      return respond_error(exchange, local.error());
    return api.server->when_readable(
        exchange->reactor(), request.options, [&api, exchange, request](Status status) {
          if (!status) return respond_error(exchange, status.error());
          model::TxnReadResponse reply = server::txn_read(*api.server, request);
          int code = reply.errors.empty() ? 200 : 409;
          reply.meta.known_leader = api.server->known_leader();
          reply.meta.last_contact = std::chrono::milliseconds(api.server->last_contact_ms());
          Response response =
              Response::text(code, render_document(api, exchange->request(), codec::to_json(reply)));
          response.set("Content-Type", "application/json");
          set_contact_headers(response, reply.meta.known_leader, api.server->last_contact_ms());
          exchange->respond(std::move(response));
        });
  }
  model::TxnRequest request;
  request.datacenter = write_datacenter(api, http);
  request.write.token = parse_token(http, api.defaults);
  request.ops = std::move(ops);
  if (Status local = check_datacenter(api, request.datacenter); !local)
    return respond_error(exchange, local.error());
  server::txn_apply(*api.server, exchange->reactor(), request,
                    [&api, exchange](Result<model::TxnResponse> reply) {
                      if (!reply) return respond_error(exchange, reply.error());
                      respond_json(api, exchange, codec::to_json(*reply), reply->errors.empty() ? 200 : 409);
                    });
}

}  // namespace

void add_txn_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/txn",
              {Method::kPut},
              [&api](const ExchangePtr& exchange) { txn(api, exchange); },
              std::max(api.txn_max_request_size, api.kv_max_value_size)});
}

}  // namespace praetor::http
