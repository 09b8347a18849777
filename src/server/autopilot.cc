#include "server/autopilot.h"

#include "base/log.h"
#include "codec/msgpack.h"
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

model::OperatorHealth autopilot_health(Server& server, Time stable_since) {
  model::OperatorHealth health;
  health.healthy = true;
  raft::ConfigurationView view = server.raft().configuration();
  raft::Server leader = server.raft().leader();
  for (const raft::Server& member : view.configuration.servers) {
    model::ServerHealth row;
    row.id = member.id;
    row.address = member.address;
    row.leader = !leader.id.empty() && member.id == leader.id;
    row.voter = member.suffrage == raft::Suffrage::kVoter;
    bool self = member.id == server.options().node_id;
    row.healthy = self && row.leader;
    row.serf_status = self ? "alive" : "none";
    if (self) {
      row.name = server.options().node_name;
      row.version = server.options().build;
      row.last_contact = format_duration(std::chrono::milliseconds(server.last_contact_ms()));
      row.last_term = server.raft().term();
      row.last_index = server.raft().last_index();
      row.stable_since = format_rfc3339(stable_since);
    }
    health.healthy = health.healthy && row.healthy;
    health.servers.push_back(std::move(row));
  }
  return health;
}

}  // namespace praetor::server
