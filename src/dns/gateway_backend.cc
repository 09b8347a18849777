#include "dns/gateway_backend.h"

#include <algorithm>

#include "base/text.h"
#include "dns/convert.h"
#include "dns/store_backend.h"
#include "server/catalog.h"
#include "server/gateway.h"
#include "server/prepared_query.h"
#include "server/server.h"

namespace praetor::dns {
namespace {

using InstancesPtr = std::shared_ptr<const Instances>;
using NodePtr = std::shared_ptr<const NodeInfo>;

// An answer that may come before the caller has had time to wait for it.
template <typename T>
struct Pending {
  std::optional<Result<T>> early;
  std::function<void(Result<T>)> later;

  void complete(Result<T> result) {
    later ? later(std::move(result)) : void(early.emplace(std::move(result)));
  }
  static std::optional<Result<T>> wait(const std::shared_ptr<Pending>& pending, Deferral<T>& deferral) {
    if (pending->early) return std::move(*pending->early);
    pending->later = deferral.defer();
    return std::nullopt;
  }
};

template <typename T, typename Reply, typename Convert>
std::function<void(Result<Reply>)> completion(const std::shared_ptr<Pending<T>>& pending, Convert convert) {
  return [pending, convert](Result<Reply> reply) {
    if (!reply) return pending->complete(fail(lookup_error(std::move(reply.error()))));
    pending->complete(convert(*reply));
  };
}

class GatewayBackend final : public Backend {
 public:
  GatewayBackend(server::Gateway& gateway, Reactor& reactor) : gateway_(gateway), reactor_(reactor) {
    if (gateway.server()) store_ = make_store_backend(*gateway.server());
  }

  uint64_t index() override { return store_ ? store_->index() : 0; }

  std::optional<Result<InstancesPtr>> service(const ServiceLookup& lookup,
                                              Deferral<InstancesPtr>& later) override {
    if (here(lookup.datacenter, lookup.options)) return store_->service(lookup, later);
    if (lookup.kind == ServiceKind::kIngress) return std::make_shared<const Instances>();
    auto request = begin<model::ServiceSpecificRequest>(lookup.datacenter, lookup.options);
    request.service_name = lookup.service;
    request.connect = lookup.kind == ServiceKind::kConnect;
    request.tag_filter = !lookup.tag.empty();
    if (request.tag_filter) request.service_tags.push_back(lookup.tag);
    auto pending = std::make_shared<Pending<InstancesPtr>>();
    std::string datacenter = request.datacenter;
    gateway_.read<model::ServiceSpecificRequest, model::IndexedCheckServiceNodes>(
        reactor_, server::kHealthServiceNodes, std::move(request),
        completion<InstancesPtr, model::IndexedCheckServiceNodes>(
            pending, [datacenter](const model::IndexedCheckServiceNodes& reply) -> Result<InstancesPtr> {
              auto instances = std::make_shared<Instances>();
              for (const model::CheckServiceNode& each : reply.nodes)
                if (each.node && each.service) instances->push_back(instance_of(each, datacenter));
              return instances;
            }));
    return Pending<InstancesPtr>::wait(pending, later);
  }

  std::optional<Result<NodePtr>> node(const NodeLookup& lookup, Deferral<NodePtr>& later) override {
    if (here(lookup.datacenter, lookup.options)) return store_->node(lookup, later);
    auto request = begin<model::NodeSpecificRequest>(lookup.datacenter, lookup.options);
    request.node = lookup.node;
    auto pending = std::make_shared<Pending<NodePtr>>();
    std::string datacenter = request.datacenter;
    gateway_.read<model::NodeSpecificRequest, model::IndexedNodeServices>(
        reactor_, server::kCatalogNodeServices, std::move(request),
        completion<NodePtr, model::IndexedNodeServices>(
            pending, [datacenter](const model::IndexedNodeServices& reply) -> Result<NodePtr> {
              if (!reply.node_services || !reply.node_services->node) return NodePtr();
              return std::make_shared<const NodeInfo>(node_info(*reply.node_services->node, datacenter));
            }));
    return Pending<NodePtr>::wait(pending, later);
  }

  std::optional<Result<PreparedResult>> prepared_query(const PreparedLookup& lookup,
                                                       Deferral<PreparedResult>& later) override {
    if (here(lookup.datacenter, lookup.options)) {
      auto found = store_->prepared_query(lookup, later);
      // Whoever finds nobody here may be meant to look elsewhere; the endpoint knows.
      if (!found || !*found || !(*found)->instances->empty()) return found;
    }
    auto request = begin<model::PreparedQueryExecuteRequest>(lookup.datacenter, lookup.options);
    request.query_id_or_name = lookup.name_or_id;
    request.source.datacenter = request.agent.datacenter = gateway_.options().datacenter;
    request.source.ip = lookup.source_ip;
    request.agent.node = gateway_.options().node_name;
    auto pending = std::make_shared<Pending<PreparedResult>>();
    std::string datacenter = request.datacenter;
    gateway_.call<model::PreparedQueryExecuteRequest, model::PreparedQueryExecuteResponse>(
        reactor_, server::kPreparedQueryExecute, std::move(request),
        completion<PreparedResult, model::PreparedQueryExecuteResponse>(
            pending,
            [datacenter](const model::PreparedQueryExecuteResponse& reply) -> Result<PreparedResult> {
              return prepared_result(reply, datacenter);
            }));
    return Pending<PreparedResult>::wait(pending, later);
  }

  std::optional<Result<std::string>> owner_of_address(const std::string& address, const ReadOptions& options,
                                                      Deferral<std::string>& later) override {
    if (here("", options)) return store_->owner_of_address(address, options, later);
    auto pending = std::make_shared<Pending<std::string>>();
    auto find_service = [this, address, options, pending] {
      auto request = begin<model::ServiceSpecificRequest>("", options);
      request.service_address = address;
      gateway_.read<model::ServiceSpecificRequest, model::IndexedServiceNodes>(
          reactor_, server::kCatalogServiceNodes, std::move(request),
          completion<std::string, model::IndexedServiceNodes>(
              pending, [this, address](const model::IndexedServiceNodes& reply) -> Result<std::string> {
                for (const model::ServiceNode& each : reply.service_nodes)
                  if (each.service_address == address) return each.service_name + ".service." + datacenter();
                return std::string();
              }));
    };
    gateway_.read<model::DCSpecificRequest, model::IndexedNodes>(
        reactor_, server::kCatalogListNodes, begin<model::DCSpecificRequest>("", options),
        [this, address, pending, find_service](const Result<model::IndexedNodes>& reply) {
          if (!reply) return pending->complete(fail(lookup_error(reply.error())));
          for (const model::Node& node : reply->nodes)
            if (node.address == address) return pending->complete(node.node + ".node." + datacenter());
          find_service();
        });
    return Pending<std::string>::wait(pending, later);
  }

 private:
  const std::string& datacenter() const { return gateway_.options().datacenter; }

  bool here(const std::string& name, const ReadOptions& options) const {
    if (!store_ || !(name.empty() || equals_ignore_case(name, datacenter()))) return false;
    model::QueryOptions read;
    read.allow_stale = options.allow_stale;
    read.max_stale_duration = options.max_stale;
    if (gateway_.too_stale(read)) read.allow_stale = false;
    return gateway_.answers_here("", read);
  }

  template <typename Request>
  Request begin(const std::string& name, const ReadOptions& options) const {
    Request request;
    request.datacenter = name.empty() ? datacenter() : to_lower(name);
    request.options.allow_stale = options.allow_stale;
    request.options.max_stale_duration = options.max_stale;
    if (gateway_.too_stale(request.options)) request.options.allow_stale = false;
    return request;
  }

  server::Gateway& gateway_;
  Reactor& reactor_;
  std::unique_ptr<Backend> store_;
};

}  // namespace

std::unique_ptr<Backend> make_gateway_backend(server::Gateway& gateway, Reactor& reactor) {
  return std::make_unique<GatewayBackend>(gateway, reactor);
}

}  // namespace praetor::dns
