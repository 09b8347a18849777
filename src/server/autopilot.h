// Autopilot's configuration (semantics.md 15). autopilot_duties.h acts on it.
#pragma once

#include <functional>
#include <optional>

#include "model/operator.h"
#include "server/method.h"
#include "server/server.h"

namespace praetor::store {
struct Tables;
}

namespace praetor::server {

// Nothing until the first leader has written it.
std::optional<model::AutopilotConfig> autopilot_config(const store::Tables& tables);
// False: the compare-and-set found another index.
void autopilot_set_config(Server& server, Reactor& reactor, const model::AutopilotSetConfigRequest& request,
                          std::function<void(Result<bool>)> done);
// Of a new leader: writes `initial` unless there is a configuration.
void autopilot_initialize(Server& server, Reactor& reactor, const model::AutopilotConfig& initial);

void autopilot_get_config(Server& server, Reactor& reactor, model::DCSpecificRequest request,
                          std::function<void(Result<model::AutopilotConfig>)> done);
inline constexpr CallMethod<model::DCSpecificRequest, model::AutopilotConfig>
    kOperatorAutopilotGetConfiguration{"Operator.AutopilotGetConfiguration", autopilot_get_config,
                                       Place::kReadable};
inline constexpr CallMethod<model::AutopilotSetConfigRequest, bool> kOperatorAutopilotSetConfiguration{
    "Operator.AutopilotSetConfiguration",
    [](Server& server, Reactor& reactor, model::AutopilotSetConfigRequest request, auto done) {
      autopilot_set_config(server, reactor, request, std::move(done));
    }};

// As the leader last assessed it; not healthy, and of no servers, on any other server. Refused while there is
// a server that is too old for autopilot.
Result<model::OperatorHealth> autopilot_health(Server& server);
inline constexpr CallMethod<model::DCSpecificRequest, model::WireOperatorHealth> kOperatorServerHealth{
    "Operator.ServerHealth", [](Server& server, Reactor&, model::DCSpecificRequest, auto done) {
      auto health = autopilot_health(server);
      if (!health) return done(std::unexpected(std::move(health.error())));
      done(model::to_wire(*health));
    }};

}  // namespace praetor::server
