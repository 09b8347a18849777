#include "server/session.h"

#include "base/random.h"
#include "base/text.h"
#include "base/uuid.h"
#include "server/endpoint_metrics.h"
#include "server/leader_duties.h"
#include "store/session.h"

namespace praetor::server {
namespace {

void fill(model::IndexedSessions& reply, const std::vector<const model::Session*>& sessions) {
  for (const model::Session* session : sessions) reply.sessions.push_back(*session);
}

Status validate_create(const ServerOptions& options, model::Session& session) {
  if (session.node.empty()) return fail("Must provide Node");
  if (session.behavior.empty()) session.behavior = model::kSessionRelease;
  if (session.behavior != model::kSessionRelease && session.behavior != model::kSessionDelete)
    return fail("Invalid Behavior setting '" + session.behavior + "'");
  if (session.ttl.empty()) return {};
  auto ttl = parse_duration(session.ttl);
  if (!ttl) return fail("Session TTL '" + session.ttl + "' invalid: " + ttl.error().message);
  if (ttl->count() != 0 && (*ttl < options.session_ttl_min || *ttl > kSessionTTLMax))
    return fail("Invalid Session TTL '" + std::to_string(ttl->count()) + "', must be between [" +
                format_duration(options.session_ttl_min) + "=" + format_duration(kSessionTTLMax) + "]");
  return {};
}

}  // namespace

Status session_get(ReadContext& context, const model::SessionSpecificRequest& request,
                   model::IndexedSessions& reply) {
  const std::string& id = request.session_id.empty() ? request.session : request.session_id;
  store::ReadIndex read;
  TRY_ASSIGN(const model::Session* session, store::session_get(context.tables, id, context.watch, &read));
  if (session) reply.sessions.push_back(*session);
  set_index(context, reply.meta, read);
  return {};
}

Status session_list(ReadContext& context, const model::DCSpecificRequest&, model::IndexedSessions& reply) {
  std::vector<const model::Session*> sessions;
  auto read = store::session_list(context.tables, context.watch, sessions);
  fill(reply, sessions);
  set_index(context, reply.meta, read);
  return {};
}

Status session_list_of_node(ReadContext& context, const model::NodeSpecificRequest& request,
                            model::IndexedSessions& reply) {
  std::vector<const model::Session*> sessions;
  auto read = store::session_list_of_node(context.tables, request.node, context.watch, sessions);
  fill(reply, sessions);
  set_index(context, reply.meta, read);
  return {};
}

void session_apply(Server& server, Reactor& reactor, model::SessionRequest request,
                   std::function<void(Result<std::string>)> done) {
  static const Sample time("session.apply");
  count_rpc();
  done = timed(time, std::move(done));
  bool create = request.op == "create";
  if (!create && request.session.id.empty()) return done(fail("Must provide ID"));
  if (create) {
    if (Status valid = validate_create(server.options(), request.session); !valid)
      return done(fail(valid.error()));
    // The id is made here, once, so that every server applies the same entry.
    request.session.id = make_uuid(thread_random());
  }
  std::string id = request.session.id;
  server.apply(reactor, model::MessageType::kSession, request,
               [id, done = std::move(done)](Result<ApplyResult> applied) {
                 if (!applied) return done(std::unexpected(std::move(applied.error())));
                 done(id);
               });
}

void session_renew(Server& server, Reactor& reactor, model::SessionSpecificRequest request,
                   std::function<void(Result<model::IndexedSessions>)> done) {
  static const Sample time("session.renew");
  count_rpc();
  done = timed(time, std::move(done));
  server.when_leading(reactor, [&server, request, done = std::move(done)](Status status) {
    if (!status) return done(fail(status.error()));
    auto reply = server.evaluate(session_get, request);
    if (reply && !reply->sessions.empty()) {
      const model::Session& session = reply->sessions.front();
      auto ttl = parse_duration(session.ttl);
      if (ttl && ttl->count() > 0) server.leader_duties().renew_session(session.id, *ttl);
    }
    done(std::move(reply));
  });
}

}  // namespace praetor::server
