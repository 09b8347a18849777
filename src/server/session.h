// The Session endpoint.
#pragma once

#include <functional>
#include <string>

#include "model/catalog.h"
#include "model/kv.h"
#include "server/method.h"
#include "server/read.h"
#include "server/server.h"

namespace praetor::server {

inline constexpr Duration kSessionTTLMax = std::chrono::hours(24);

Status session_get(ReadContext& context, const model::SessionSpecificRequest& request,
                   model::IndexedSessions& reply);
Status session_list(ReadContext& context, const model::DCSpecificRequest& request,
                    model::IndexedSessions& reply);
Status session_list_of_node(ReadContext& context, const model::NodeSpecificRequest& request,
                            model::IndexedSessions& reply);

// Session.Apply. The result is the session's id (of a create).
void session_apply(Server& server, Reactor& reactor, model::SessionRequest request,
                   std::function<void(Result<std::string>)> done);

// Session.Renew: restarts the session's time; the reply holds it, or nothing when it is gone.
void session_renew(Server& server, Reactor& reactor, model::SessionSpecificRequest request,
                   std::function<void(Result<model::IndexedSessions>)> done);

inline constexpr ReadMethod<model::SessionSpecificRequest, model::IndexedSessions> kSessionGet{"Session.Get",
                                                                                               session_get};
inline constexpr ReadMethod<model::DCSpecificRequest, model::IndexedSessions> kSessionList{"Session.List",
                                                                                           session_list};
inline constexpr ReadMethod<model::NodeSpecificRequest, model::IndexedSessions> kSessionNodeSessions{
    "Session.NodeSessions", session_list_of_node};
inline constexpr CallMethod<model::SessionRequest, std::string> kSessionApply{"Session.Apply", session_apply};
inline constexpr CallMethod<model::SessionSpecificRequest, model::IndexedSessions> kSessionRenew{
    "Session.Renew", session_renew};

}  // namespace praetor::server
