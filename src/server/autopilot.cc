#include "server/autopilot.h"

#include "base/log.h"
#include "codec/msgpack.h"
#include "server/leader_duties.h"
#include "server/member_duties.h"
#include "server/raft_peers.h"
#include "store/opaque.h"
#include "store/store.h"

namespace praetor::server {

std::optional<model::AutopilotConfig> autopilot_config(const store::Tables& tables) {
  const store::OpaqueRecord* record = store::opaque_get(tables, model::MessageType::kAutopilot, "");
  if (record == nullptr) return std::nullopt;
  auto config = codec::from_msgpack<model::AutopilotConfig>(record->payload);
  if (!config) return std::nullopt;
  return std::move(*config);
}

void autopilot_get_config(Server& server, Reactor&, model::DCSpecificRequest,
                          std::function<void(Result<model::AutopilotConfig>)> done) {
  auto config = autopilot_config(*server.store().view());
  if (!config) return done(fail("autopilot config not initialized yet"));
  done(std::move(*config));
}

void autopilot_set_config(Server& server, Reactor& reactor, const model::AutopilotSetConfigRequest& request,
                          std::function<void(Result<bool>)> done) {
  server.apply(reactor, model::MessageType::kAutopilot, request,
               [done = std::move(done)](Result<ApplyResult> applied) {
                 if (!applied) return done(fail(std::move(applied.error())));
                 const bool* changed = std::any_cast<bool>(&applied->value);
                 done(changed == nullptr || *changed);
               });
}

void autopilot_initialize(Server& server, Reactor& reactor, const model::AutopilotConfig& initial) {
  if (autopilot_config(*server.store().view())) return;
  model::AutopilotSetConfigRequest request;
  request.datacenter = server.options().datacenter;
  request.config = initial;
  autopilot_set_config(server, reactor, request, [](const Result<bool>& done) {
    static const Logger log("agent.server.autopilot");
    if (!done) log.error("failed to initialize config", {{"error", done.error()}});
  });
}

Result<model::OperatorHealth> autopilot_health(Server& server) {
  int64_t least = least_raft_protocol(server.members().members(), server.options().datacenter);
  if (least > 0 && least < 3)  // 0: the pool has told of nobody yet
    return fail("all servers must have raft_protocol set to 3 or higher to use this endpoint");
  return server.leader_duties().autopilot().health();
}

}  // namespace praetor::server
