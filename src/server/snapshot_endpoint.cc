#include "server/snapshot_endpoint.h"

#include <memory>
#include <utility>

#include "base/reactor.h"
#include "codec/msgpack.h"
#include "rpc/byte_pipe.h"
#include "rpc/pool.h"
#include "server/server.h"
#include "server/snapshot_archive.h"

namespace praetor::server {

PRAETOR_DESCRIBE(SnapshotRequest, "SnapshotRequest", field("Datacenter", &SnapshotRequest::datacenter),
                 field("Token", &SnapshotRequest::token), field("AllowStale", &SnapshotRequest::allow_stale),
                 field("Op", &SnapshotRequest::op))

PRAETOR_DESCRIBE(SnapshotResponse, "SnapshotResponse", field("Error", &SnapshotResponse::error),
                 embedded(&SnapshotResponse::meta))

namespace {

constexpr Duration kSnapshotTimeout = std::chrono::minutes(10);

void save(Server& server, Reactor& reactor, SnapshotDone done) {
  server.raft().take_snapshot([&server, &reactor,
                               done = std::move(done)](Result<raft::SnapshotStream> taken) mutable {
    // On the snapshot thread: packing takes long.
    SnapshotAnswer answer;
    Status packed = taken ? write_archive(*taken,
                                          [&](std::string_view piece) -> Status {
                                            answer.archive.append(piece);
                                            return {};
                                          })
                          : Status(fail(taken.error()));
    if (taken) answer.meta.index = taken->meta.index;
    server.set_contact(answer.meta);
    reactor.post([done = std::move(done), answer = std::move(answer), packed = std::move(packed)]() mutable {
      packed ? done(std::move(answer)) : done(fail(std::move(packed.error())));
    });
  });
}

void restore(Server& server, Reactor& reactor, const std::string& packed, SnapshotDone done) {
  auto archive = read_archive(packed);
  if (!archive) return done(fail(std::move(archive.error())));
  server.raft().restore(make_reader(archive->state), archive->meta,
                        [&reactor, done = std::move(done)](Result<uint64_t> restored) mutable {
                          reactor.post([done = std::move(done), restored = std::move(restored)]() mutable {
                            if (!restored) return done(fail(std::move(restored.error())));
                            SnapshotAnswer answer;
                            answer.meta.index = *restored;
                            done(std::move(answer));
                          });
                        });
}

// Gathers what a pipe brings; `done` on the reactor. Holds itself by the pipe's callback until then.
struct Gathering : std::enable_shared_from_this<Gathering> {
  Reactor& reactor;
  std::shared_ptr<rpc::BytePipe> pipe;
  std::function<void(Result<std::string>)> done;
  std::string bytes;

  Gathering(Reactor& r, std::shared_ptr<rpc::BytePipe> p, std::function<void(Result<std::string>)> d)
      : reactor(r), pipe(std::move(p)), done(std::move(d)) {}

  void start() {
    pipe->on_readable([self = shared_from_this()] { self->reactor.post([self] { self->take(); }); });
  }
  void take() {
    if (!done) return;
    rpc::BytePipe::Taken taken = pipe->take();
    bytes += taken.bytes;
    if (!taken.error && !taken.end) return;
    auto finished = std::exchange(done, nullptr);
    pipe->on_readable(nullptr);
    if (taken.error) return finished(fail(std::move(*taken.error)));
    finished(std::move(bytes));
  }
};

void gather(Reactor& reactor, std::shared_ptr<rpc::BytePipe> pipe,
            std::function<void(Result<std::string>)> done) {
  if (!pipe) return done(std::string());
  std::make_shared<Gathering>(reactor, std::move(pipe), std::move(done))->start();
}

std::shared_ptr<rpc::BytePipe> pipe_of(std::string_view bytes) {
  auto pipe = std::make_shared<rpc::BytePipe>();
  pipe->push(bytes);
  pipe->finish();
  return pipe;
}

// The reply's head with the archive behind it, as one text: that is what a gateway hands on.
void ask_elsewhere(rpc::Pool& pool, Reactor& reactor, const std::string& address, const std::string& request,
                   const std::shared_ptr<std::string>& archive, Gateway::Elsewhere done) {
  pool.snapshot(reactor, address, request, archive->empty() ? nullptr : pipe_of(*archive), kSnapshotTimeout,
                [&reactor, done = std::move(done)](Result<rpc::SnapshotReply> reply) mutable {
                  if (!reply) return done(fail(std::move(reply.error())));
                  gather(
                      reactor, reply->archive,
                      [head = std::move(reply->response), done = std::move(done)](Result<std::string> bytes) {
                        if (!bytes) return done(fail(std::move(bytes.error())));
                        done(head + *bytes);
                      });
                });
}

Result<SnapshotAnswer> read_reply(std::string_view reply) {
  Cursor cursor(reply);
  SnapshotResponse response;
  TRY(codec::read_msgpack(cursor, response));
  if (!response.error.empty()) return fail(std::move(response.error));
  SnapshotAnswer answer;
  answer.meta = response.meta;
  answer.archive = cursor.rest();
  return answer;
}

}  // namespace

void snapshot(Gateway& gateway, Reactor& reactor, const SnapshotRequest& request, std::string archive,
              SnapshotDone done) {
  auto body = std::make_shared<std::string>(std::move(archive));
  Ask ask;
  ask.method = "Snapshot";
  ask.datacenter = request.datacenter;
  ask.place = request.op == kSnapshotSave ? Place::kReadable : Place::kLeader;
  ask.options.allow_stale = request.allow_stale && request.op == kSnapshotSave;
  ask.repeatable = request.op == kSnapshotSave;
  ask.encode = [request] { return codec::to_msgpack(request); };
  ask.send = [&reactor, body](rpc::Pool& pool, const std::string& address, const std::string& encoded,
                              Gateway::Elsewhere answered) {
    ask_elsewhere(pool, reactor, address, encoded, body, std::move(answered));
  };
  auto here = [&gateway, &reactor, op = request.op, body, done] {
    op == kSnapshotSave ? save(*gateway.server(), reactor, done)
                        : restore(*gateway.server(), reactor, *body, done);
  };
  gateway.route(reactor, std::move(ask), std::move(here), [done](Result<std::string> reply) {
    done(reply ? read_reply(*reply) : Result<SnapshotAnswer>(fail(std::move(reply.error()))));
  });
}

void serve_snapshot(Gateway& gateway, Reactor& reactor, rpc::SnapshotCall call) {
  auto shared = std::make_shared<rpc::SnapshotCall>(std::move(call));
  auto refuse = [shared](const Error& error) {
    shared->respond(codec::to_msgpack(SnapshotResponse{error.message, {}}), nullptr);
  };
  auto request = codec::from_msgpack<SnapshotRequest>(shared->request);
  if (!request) return refuse(Error{"failed to decode request: " + request.error().message});
  if (request->op != kSnapshotSave && request->op != kSnapshotRestore)
    return refuse(Error{"unrecognized snapshot op \"" + std::to_string(request->op) + "\""});
  auto answer = [shared, refuse](Result<SnapshotAnswer> done) {
    if (!done) return refuse(done.error());
    SnapshotResponse response;
    response.meta = done->meta;
    shared->respond(codec::to_msgpack(response), pipe_of(done->archive));
  };
  if (request->op == kSnapshotSave) return snapshot(gateway, reactor, *request, "", answer);
  gather(reactor, shared->upload,
         [&gateway, &reactor, request = *request, refuse, answer](Result<std::string> archive) {
           if (!archive) return refuse(archive.error());
           snapshot(gateway, reactor, request, std::move(*archive), answer);
         });
}

}  // namespace praetor::server
