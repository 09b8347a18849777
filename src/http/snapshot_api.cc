// /v1/snapshot (http-api.md 14).
#include "http/api.h"
#include "http/listener.h"
#include "server/endpoint_metrics.h"
#include "server/snapshot_endpoint.h"

namespace praetor::http {
namespace {

constexpr uint64_t kMaxUploadBytes = kMaxBodyBytes;

void save(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest read;
  if (!parse_read(api, exchange, read)) return;
  server::count_rpc();
  server::SnapshotRequest request{read.datacenter, read.options.token, read.options.allow_stale,
                                  server::kSnapshotSave};
  server::snapshot(
      *api.gateway, exchange->reactor(), request, "", [exchange](Result<server::SnapshotAnswer> answer) {
        if (!answer) return respond_error(exchange, answer.error());
        Response response;
        response.body = std::move(answer->archive);
        response.chunked = true;
        auto contact = std::chrono::duration_cast<std::chrono::milliseconds>(answer->meta.last_contact);
        set_meta_headers(response, {answer->meta.index, answer->meta.known_leader, contact.count(), ""});
        exchange->respond(std::move(response));
      });
}

void restore(const ApiContext& api, const ExchangePtr& exchange) {
  server::count_rpc();
  Request& http = exchange->request();
  server::SnapshotRequest request{write_datacenter(api, http), parse_token(http, api.defaults), false,
                                  server::kSnapshotRestore};
  server::snapshot(*api.gateway, exchange->reactor(), request, std::move(http.body),
                   [exchange](const Result<server::SnapshotAnswer>& answer) {
                     if (!answer) return respond_error(exchange, answer.error());
                     respond_empty(exchange);
                   });
}

}  // namespace

void add_snapshot_routes(Router& router, const ApiContext& api) {
  router.add({"/v1/snapshot",
              {Method::kGet, Method::kPut},
              [&api](const ExchangePtr& exchange) {
                exchange->request().method == Method::kGet ? save(api, exchange) : restore(api, exchange);
              },
              kMaxUploadBytes});
}

}  // namespace praetor::http
