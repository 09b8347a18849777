// The Catalog and Health endpoints.
#pragma once

#include <functional>

#include "model/catalog.h"
#include "server/method.h"
#include "server/read.h"
#include "server/server.h"

namespace praetor::server {

Status catalog_list_nodes(ReadContext& context, const model::DCSpecificRequest& request,
                          model::IndexedNodes& reply);
Status catalog_list_services(ReadContext& context, const model::DCSpecificRequest& request,
                             model::IndexedServices& reply);
Status catalog_service_nodes(ReadContext& context, const model::ServiceSpecificRequest& request,
                             model::IndexedServiceNodes& reply);
Status catalog_node_services(ReadContext& context, const model::NodeSpecificRequest& request,
                             model::IndexedNodeServices& reply);
Status catalog_node_service_list(ReadContext& context, const model::NodeSpecificRequest& request,
                                 model::IndexedNodeServiceList& reply);

Status health_checks_in_state(ReadContext& context, const model::ChecksInStateRequest& request,
                              model::IndexedHealthChecks& reply);
Status health_node_checks(ReadContext& context, const model::NodeSpecificRequest& request,
                          model::IndexedHealthChecks& reply);
Status health_service_checks(ReadContext& context, const model::ServiceSpecificRequest& request,
                             model::IndexedHealthChecks& reply);
// Instances with their node and checks; ?passing is applied by the caller's filter of the reply.
Status health_service_nodes(ReadContext& context, const model::ServiceSpecificRequest& request,
                            model::IndexedCheckServiceNodes& reply);

// Catalog.Register and Catalog.Deregister: validation, defaults, log entry.
void catalog_register(Server& server, Reactor& reactor, model::RegisterRequest request,
                      std::function<void(Status)> done);
void catalog_deregister(Server& server, Reactor& reactor, const model::DeregisterRequest& request,
                        std::function<void(Status)> done);
// Rules and defaults that need no state: of a whole registration, and of the parts that transactions have
// too.
Status prepare_registration(model::RegisterRequest& request);
Status prepare_node(const std::string& name, const std::string& id);
Status prepare_service(model::NodeService& service);

inline constexpr ReadMethod<model::DCSpecificRequest, model::IndexedNodes> kCatalogListNodes{
    "Catalog.ListNodes", catalog_list_nodes};
inline constexpr ReadMethod<model::DCSpecificRequest, model::IndexedServices> kCatalogListServices{
    "Catalog.ListServices", catalog_list_services};
inline constexpr ReadMethod<model::ServiceSpecificRequest, model::IndexedServiceNodes> kCatalogServiceNodes{
    "Catalog.ServiceNodes", catalog_service_nodes};
inline constexpr ReadMethod<model::NodeSpecificRequest, model::IndexedNodeServices> kCatalogNodeServices{
    "Catalog.NodeServices", catalog_node_services};
inline constexpr ReadMethod<model::NodeSpecificRequest, model::IndexedNodeServiceList>
    kCatalogNodeServiceList{"Catalog.NodeServiceList", catalog_node_service_list};
inline constexpr CallMethod<model::RegisterRequest, Nothing> kCatalogRegister{
    "Catalog.Register", [](Server& server, Reactor& reactor, model::RegisterRequest request, auto done) {
      catalog_register(server, reactor, std::move(request), without_reply(std::move(done)));
    }};
inline constexpr CallMethod<model::DeregisterRequest, Nothing> kCatalogDeregister{
    "Catalog.Deregister", [](Server& server, Reactor& reactor, model::DeregisterRequest request, auto done) {
      catalog_deregister(server, reactor, request, without_reply(std::move(done)));
    }};

inline constexpr ReadMethod<model::ChecksInStateRequest, model::IndexedHealthChecks> kHealthChecksInState{
    "Health.ChecksInState", health_checks_in_state};
inline constexpr ReadMethod<model::NodeSpecificRequest, model::IndexedHealthChecks> kHealthNodeChecks{
    "Health.NodeChecks", health_node_checks};
inline constexpr ReadMethod<model::ServiceSpecificRequest, model::IndexedHealthChecks> kHealthServiceChecks{
    "Health.ServiceChecks", health_service_checks};
inline constexpr ReadMethod<model::ServiceSpecificRequest, model::IndexedCheckServiceNodes>
    kHealthServiceNodes{"Health.ServiceNodes", health_service_nodes};

}  // namespace praetor::server
