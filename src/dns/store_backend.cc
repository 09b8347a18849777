#include "dns/store_backend.h"

#include <algorithm>

#include "base/random.h"
#include "base/text.h"
#include "dns/convert.h"
#include "server/endpoint_metrics.h"
#include "server/prepared_query.h"
#include "server/server.h"
#include "server/service_query_metrics.h"
#include "store/catalog_read.h"
#include "store/store.h"

namespace praetor::dns {
namespace {

using store::Tables;

class StoreBackend final : public Backend {
 public:
  explicit StoreBackend(server::Server& server) : server_(server) {}

  uint64_t index() override {
    store::View view = server_.store().view();
    return std::max({view->table_index(store::Table::kNodes), view->table_index(store::Table::kServices),
                     view->table_index(store::Table::kChecks)});
  }

  std::optional<Result<std::shared_ptr<const Instances>>> service(
      const ServiceLookup& lookup, Deferral<std::shared_ptr<const Instances>>&) override {
    if (!local(lookup.datacenter)) return no_path<std::shared_ptr<const Instances>>();
    server::count_query();
    const auto& counters = server::ServiceQueryCounters::health();
    counters.count(lookup.service);
    counters.count_tag(lookup.service, lookup.tag);
    auto instances = std::make_shared<Instances>();
    if (lookup.kind == ServiceKind::kIngress) return instances;  // gateways come with the service mesh
    store::View view = server_.store().view();
    auto kind =
        lookup.kind == ServiceKind::kConnect ? store::ServiceLookup::kConnect : store::ServiceLookup::kName;
    store::check_service_nodes(
        *view, kind, lookup.service, nullptr,
        [&](const store::InstanceRef& ref, std::span<const model::HealthCheck* const> checks) {
          if (tagged(ref.service->service.tags, lookup.tag))
            instances->push_back(instance_of(*ref.node, ref.service->service, checks, datacenter()));
        });
    if (instances->empty()) counters.count_not_found(lookup.service);
    return instances;
  }

  std::optional<Result<std::shared_ptr<const NodeInfo>>> node(
      const NodeLookup& lookup, Deferral<std::shared_ptr<const NodeInfo>>&) override {
    if (!local(lookup.datacenter)) return no_path<std::shared_ptr<const NodeInfo>>();
    server::count_query();
    store::View view = server_.store().view();
    store::NodeServicesRef found;
    store::node_services(*view, lookup.node, nullptr, found);
    if (!found.node) return std::shared_ptr<const NodeInfo>();
    return std::make_shared<const NodeInfo>(node_info(*found.node, datacenter()));
  }

  std::optional<Result<PreparedResult>> prepared_query(const PreparedLookup& lookup,
                                                       Deferral<PreparedResult>&) override {
    if (!local(lookup.datacenter)) return no_path<PreparedResult>();
    return execute(lookup);
  }

  std::optional<Result<std::string>> owner_of_address(const std::string& address, const ReadOptions&,
                                                      Deferral<std::string>&) override {
    server::count_query();
    store::View view = server_.store().view();
    std::vector<const model::Node*> nodes;
    store::list_nodes(*view, {}, nullptr, nodes);
    for (const model::Node* node : nodes)
      if (node->address == address) return node->node + ".node." + datacenter();
    std::string owner;
    store::service_dump(*view, nullptr, nullptr,
                        [&](const store::InstanceRef& ref, std::span<const model::HealthCheck* const>) {
                          if (owner.empty() && ref.service->service.address == address)
                            owner = ref.service->service.service + ".service." + datacenter();
                        });
    return owner;
  }

 private:
  Result<PreparedResult> execute(const PreparedLookup& lookup) const {
    model::PreparedQueryExecuteRequest request;
    request.query_id_or_name = lookup.name_or_id;
    request.source.datacenter = request.agent.datacenter = datacenter();
    request.source.ip = lookup.source_ip;
    request.agent.node = server_.info().node_name;
    store::View view = server_.store().view();
    server::ReadContext context{*view, server_.info()};
    model::PreparedQueryExecuteResponse reply;
    TRY(server::prepared_query_execute(context, thread_random(), request, reply));
    return prepared_result(reply, datacenter());
  }

  const std::string& datacenter() const { return server_.info().datacenter; }
  bool local(const std::string& name) const { return name.empty() || equals_ignore_case(name, datacenter()); }
  template <typename T>
  static std::optional<Result<T>> no_path() {
    return Result<T>(fail("No path to datacenter", ErrorKind::kNotFound));
  }
  static bool tagged(const model::List<std::string>& tags, const std::string& wanted) {
    return wanted.empty() || std::any_of(tags.begin(), tags.end(), [&](const std::string& tag) {
             return equals_ignore_case(tag, wanted);
           });
  }

  server::Server& server_;
};

}  // namespace

std::unique_ptr<Backend> make_store_backend(server::Server& server) {
  return std::make_unique<StoreBackend>(server);
}

}  // namespace praetor::dns
