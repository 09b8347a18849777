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

void answer_read(const ApiContext& api, const ExchangePtr& exchange, const model::TxnReadResponse& reply) {
  int status = reply.errors.empty() ? 200 : 409;
  Response response =
      Response::text(status, render_document(api, exchange->request(), codec::to_json(reply)));
  response.set("Content-Type", "application/json");
  set_contact_headers(response, reply.meta.known_leader,
                      std::chrono::duration_cast<std::chrono::milliseconds>(reply.meta.last_contact).count());
  exchange->respond(std::move(response));
}

void txn(const ApiContext& api, const ExchangePtr& exchange) {
  const Request& http = exchange->request();
  codec::List<model::TxnOp> ops;
  if (!parse_ops(api, exchange, ops)) return;
  if (std::all_of(ops.begin(), ops.end(), server::is_read_only)) {
    model::TxnReadRequest request;
    if (!parse_read(api, exchange, request)) return;
    request.ops = std::move(ops);
    return call(api, exchange, server::kTxnRead, std::move(request),
                [&api, exchange](const model::TxnReadResponse& reply) { answer_read(api, exchange, reply); });
  }
  model::TxnRequest request;
  request.datacenter = write_datacenter(api, http);
  request.write.token = parse_token(http, api.defaults);
  request.ops = std::move(ops);
  call(api, exchange, server::kTxnApply, std::move(request),
       [&api, exchange](const model::TxnResponse& reply) {
         respond_json(api, exchange, codec::to_json(reply), reply.errors.empty() ? 200 : 409);
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
