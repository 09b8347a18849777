// /v1/snapshot (http-api.md 14).
#include "http/api.h"

#include "base/reactor.h"
#include "http/listener.h"
#include "server/endpoint_metrics.h"
#include "server/snapshot_archive.h"

namespace praetor::http {
namespace {

constexpr uint64_t kMaxUploadBytes = kMaxBodyBytes;

void save(const ApiContext& api, const ExchangePtr& exchange) {
  model::DCSpecificRequest request;
  if (!parse_read(api, exchange, request)) return;
  if (!is_local(api, exchange)) return;
  api.server->when_readable(exchange->reactor(), request.options, [&api, exchange](Status status) {
    if (!status) return respond_error(exchange, status.error());
    Reactor& reactor = exchange->reactor();
    api.server->raft().take_snapshot([&api, &reactor, exchange](Result<raft::SnapshotStream> snapshot) mutable {
      // On the snapshot thread: packing takes long.
      auto body = std::make_shared<std::string>();
      Status packed = snapshot ? server::write_archive(*snapshot,
                                                       [&](std::string_view piece) -> Status {
                                                         body->append(piece);
                                                         return {};
                                                       })
                               : Status(fail(snapshot.error()));
      uint64_t index = snapshot ? snapshot->meta.index : 0;
      reactor.post([&api, exchange = std::move(exchange), body, packed = std::move(packed), index] {
        if (!packed) return respond_error(exchange, packed.error());
        Response response;
        response.shared_body = body;
        response.chunked = true;
        set_meta_headers(response, {index, api.server->known_leader(), api.server->last_contact_ms(), ""});
        exchange->respond(std::move(response));
      });
    });
  });
}

void restore(const ApiContext& api, const ExchangePtr& exchange) {
  if (!is_local(api, exchange)) return;
  auto archive = server::read_archive(exchange->request().body);
  if (!archive) return respond_error(exchange, archive.error());
  Reactor& reactor = exchange->reactor();
  api.server->raft().restore(server::make_reader(archive->state), archive->meta,
                             [&reactor, exchange](Result<uint64_t> restored) {
                               reactor.post([exchange, restored = std::move(restored)] {
                                 if (!restored) return respond_error(exchange, restored.error());
                                 respond_empty(exchange);
                               });
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
