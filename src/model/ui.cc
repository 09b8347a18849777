#include "model/ui.h"

namespace praetor::model {

PRAETOR_DESCRIBE(NodeInfo, "NodeInfo", field("ID", &NodeInfo::id), field("Node", &NodeInfo::node),
                 field("Address", &NodeInfo::address), field("TaggedAddresses", &NodeInfo::tagged_addresses),
                 field("Meta", &NodeInfo::meta), field("Services", &NodeInfo::services),
                 field("Checks", &NodeInfo::checks))

PRAETOR_DESCRIBE(IndexedNodeDump, "IndexedNodeDump", field("Dump", &IndexedNodeDump::dump),
                 embedded(&IndexedNodeDump::meta))

const codec::Type& praetor_describe(const GatewayConfig*) {
  static const codec::Type& type = codec::make_struct("GatewayConfig", {}, [](void*) {});
  return type;
}

PRAETOR_DESCRIBE(ServiceSummary, "ServiceSummary", field("Kind", &ServiceSummary::kind).omit_empty(),
                 field("Name", &ServiceSummary::name), field("Tags", &ServiceSummary::tags),
                 field("Nodes", &ServiceSummary::nodes),
                 field("InstanceCount", &ServiceSummary::instance_count),
                 field("ProxyFor", &ServiceSummary::proxy_for).omit_empty(),
                 field("ChecksPassing", &ServiceSummary::checks_passing),
                 field("ChecksWarning", &ServiceSummary::checks_warning),
                 field("ChecksCritical", &ServiceSummary::checks_critical),
                 field("ExternalSources", &ServiceSummary::external_sources),
                 field("GatewayConfig", &ServiceSummary::gateway_config))

}  // namespace praetor::model
