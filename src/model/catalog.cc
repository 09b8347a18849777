#include "model/catalog.h"

#include "model/decoder_names.h"

namespace praetor::model {

using codec::kDurationText;
using codec::kEmptyAsList;
using codec::kSnakeInput;

PRAETOR_DESCRIBE(Node, "Node", field("ID", &Node::id), field("Node", &Node::node),
                 field("Address", &Node::address), field("Datacenter", &Node::datacenter),
                 field("TaggedAddresses", &Node::tagged_addresses), field("Meta", &Node::meta),
                 embedded(&Node::indexes))

PRAETOR_DESCRIBE(Weights, "Weights", field("Passing", &Weights::passing), field("Warning", &Weights::warning))

PRAETOR_DESCRIBE(ServiceAddress, "ServiceAddress", field("Address", &ServiceAddress::address),
                 field("Port", &ServiceAddress::port))

PRAETOR_DESCRIBE(MeshGatewayConfig, "MeshGatewayConfig", field("Mode", &MeshGatewayConfig::mode).omit_empty())

PRAETOR_DESCRIBE(
    ExposePath, "ExposePath",
    own_json_decoder().go_type("struct { LocalPathPortSnake int \"json:\\\"local_path_port\\\"\"; "
                               "ListenerPortSnake int \"json:\\\"listener_port\\\"\"; *structs.Alias }"),
    field("ListenerPort", &ExposePath::listener_port).omit_empty().flag(kSnakeInput),
    field("Path", &ExposePath::path).omit_empty(),
    field("LocalPathPort", &ExposePath::local_path_port).omit_empty().flag(kSnakeInput),
    field("Protocol", &ExposePath::protocol).omit_empty(),
    field("ParsedFromCheck", &ExposePath::parsed_from_check).omit_empty())

PRAETOR_DESCRIBE(ExposeConfig, "ExposeConfig", field("Checks", &ExposeConfig::checks).omit_empty(),
                 field("Paths", &ExposeConfig::paths).omit_empty())

PRAETOR_DESCRIBE(
    Upstream, "Upstream",
    own_json_decoder().go_type(
        "struct { DestinationTypeSnake string \"json:\\\"destination_type\\\"\"; DestinationNamespaceSnake "
        "string "
        "\"json:\\\"destination_namespace\\\"\"; DestinationNameSnake string "
        "\"json:\\\"destination_name\\\"\"; "
        "LocalBindPortSnake int \"json:\\\"local_bind_port\\\"\"; LocalBindAddressSnake string "
        "\"json:\\\"local_bind_address\\\"\"; *structs.Alias }"),
    field("DestinationType", &Upstream::destination_type).flag(kSnakeInput),
    field("DestinationNamespace", &Upstream::destination_namespace).omit_empty().flag(kSnakeInput),
    field("DestinationName", &Upstream::destination_name).flag(kSnakeInput),
    field("Datacenter", &Upstream::datacenter),
    field("LocalBindAddress", &Upstream::local_bind_address).omit_empty().flag(kSnakeInput),
    field("LocalBindPort", &Upstream::local_bind_port).flag(kSnakeInput),
    field("Config", &Upstream::config).no_filter(), field("MeshGateway", &Upstream::mesh_gateway),
    field("IngressHosts", &Upstream::ingress_hosts).no_json().no_filter())

PRAETOR_DESCRIBE(
    ConnectProxyConfig, "ConnectProxyConfig",
    own_json_decoder().go_type(
        "struct { DestinationServiceNameSnake string \"json:\\\"destination_service_name\\\"\"; "
        "DestinationServiceIDSnake string \"json:\\\"destination_service_id\\\"\"; LocalServiceAddressSnake "
        "string "
        "\"json:\\\"local_service_address\\\"\"; LocalServicePortSnake int "
        "\"json:\\\"local_service_port\\\"\"; "
        "*structs.Alias }"),
    field("DestinationServiceName", &ConnectProxyConfig::destination_service_name)
        .omit_empty()
        .flag(kSnakeInput),
    field("DestinationServiceID", &ConnectProxyConfig::destination_service_id).omit_empty().flag(kSnakeInput),
    field("LocalServiceAddress", &ConnectProxyConfig::local_service_address).omit_empty().flag(kSnakeInput),
    field("LocalServicePort", &ConnectProxyConfig::local_service_port).omit_empty().flag(kSnakeInput),
    field("Config", &ConnectProxyConfig::config).omit_empty().no_filter(),
    field("Upstreams", &ConnectProxyConfig::upstreams).omit_empty(),
    field("MeshGateway", &ConnectProxyConfig::mesh_gateway), field("Expose", &ConnectProxyConfig::expose))

PRAETOR_DESCRIBE(
    ServiceConnect, "ServiceConnect",
    own_json_decoder(/*tolerates_unknown=*/true).go_type(kServiceConnectDecoder),
    field("Native", &ServiceConnect::native).omit_empty(),
    field("SidecarService", &ServiceConnect::sidecar_service).omit_empty().no_filter().flag(kSnakeInput))

PRAETOR_DESCRIBE(
    NodeService, "NodeService", field("Kind", &NodeService::kind).omit_empty(), field("ID", &NodeService::id),
    field("Service", &NodeService::service), field("Tags", &NodeService::tags),
    field("Address", &NodeService::address),
    field("TaggedAddresses", &NodeService::tagged_addresses).omit_empty(), field("Meta", &NodeService::meta),
    field("Port", &NodeService::port), field("Weights", &NodeService::weights),
    field("EnableTagOverride", &NodeService::enable_tag_override), field("Proxy", &NodeService::proxy),
    field("Connect", &NodeService::connect),
    field("LocallyRegisteredAsSidecar", &NodeService::locally_registered_as_sidecar).no_json().no_filter(),
    embedded(&NodeService::indexes))

PRAETOR_DESCRIBE(
    HealthCheckDefinition, "HealthCheckDefinition",
    own_json_decoder(/*tolerates_unknown=*/true)
        .go_type("struct { Interval interface {}; Timeout interface {}; DeregisterCriticalServiceAfter "
                 "interface {}; TTL interface {}; *structs.Alias }"),
    field("Interval", &HealthCheckDefinition::interval).omit_empty().flag(kDurationText),
    field("OutputMaxSize", &HealthCheckDefinition::output_max_size).omit_empty().go_type("uint"),
    field("Timeout", &HealthCheckDefinition::timeout).omit_empty().flag(kDurationText),
    field("DeregisterCriticalServiceAfter", &HealthCheckDefinition::deregister_critical_service_after)
        .omit_empty()
        .flag(kDurationText),
    field("HTTP", &HealthCheckDefinition::http).omit_empty(),
    field("TLSSkipVerify", &HealthCheckDefinition::tls_skip_verify).omit_empty(),
    field("Header", &HealthCheckDefinition::header).omit_empty(),
    field("Method", &HealthCheckDefinition::method).omit_empty(),
    field("Body", &HealthCheckDefinition::body).omit_empty(),
    field("TCP", &HealthCheckDefinition::tcp).omit_empty(),
    field("ScriptArgs", &HealthCheckDefinition::script_args).omit_empty(),
    field("DockerContainerID", &HealthCheckDefinition::docker_container_id).omit_empty(),
    field("Shell", &HealthCheckDefinition::shell).omit_empty(),
    field("GRPC", &HealthCheckDefinition::grpc).omit_empty(),
    field("GRPCUseTLS", &HealthCheckDefinition::grpc_use_tls).omit_empty(),
    field("AliasNode", &HealthCheckDefinition::alias_node).omit_empty(),
    field("AliasService", &HealthCheckDefinition::alias_service).omit_empty(),
    field("TTL", &HealthCheckDefinition::ttl).omit_empty())

PRAETOR_DESCRIBE(HealthCheck, "HealthCheck", field("Node", &HealthCheck::node),
                 field("CheckID", &HealthCheck::check_id).go_type("types.CheckID"),
                 field("Name", &HealthCheck::name), field("Status", &HealthCheck::status),
                 field("Notes", &HealthCheck::notes), field("Output", &HealthCheck::output),
                 field("ServiceID", &HealthCheck::service_id),
                 field("ServiceName", &HealthCheck::service_name),
                 field("ServiceTags", &HealthCheck::service_tags), field("Type", &HealthCheck::type),
                 field("Definition", &HealthCheck::definition).no_filter(), embedded(&HealthCheck::indexes))

PRAETOR_DESCRIBE(ServiceNode, "ServiceNode", field("ID", &ServiceNode::id), field("Node", &ServiceNode::node),
                 field("Address", &ServiceNode::address), field("Datacenter", &ServiceNode::datacenter),
                 field("TaggedAddresses", &ServiceNode::tagged_addresses),
                 field("NodeMeta", &ServiceNode::node_meta), field("ServiceKind", &ServiceNode::service_kind),
                 field("ServiceID", &ServiceNode::service_id),
                 field("ServiceName", &ServiceNode::service_name),
                 field("ServiceTags", &ServiceNode::service_tags),
                 field("ServiceAddress", &ServiceNode::service_address),
                 field("ServiceTaggedAddresses", &ServiceNode::service_tagged_addresses).omit_empty(),
                 field("ServiceWeights", &ServiceNode::service_weights),
                 field("ServiceMeta", &ServiceNode::service_meta),
                 field("ServicePort", &ServiceNode::service_port),
                 field("ServiceEnableTagOverride", &ServiceNode::service_enable_tag_override),
                 field("ServiceProxy", &ServiceNode::service_proxy),
                 field("ServiceConnect", &ServiceNode::service_connect), embedded(&ServiceNode::indexes))

PRAETOR_DESCRIBE(CheckServiceNode, "CheckServiceNode", field("Node", &CheckServiceNode::node),
                 field("Service", &CheckServiceNode::service), field("Checks", &CheckServiceNode::checks))

PRAETOR_DESCRIBE(NodeServices, "NodeServices", field("Node", &NodeServices::node),
                 field("Services", &NodeServices::services))

PRAETOR_DESCRIBE(NodeServiceList, "NodeServiceList", field("Node", &NodeServiceList::node),
                 field("Services", &NodeServiceList::services))

PRAETOR_DESCRIBE(RegisterRequest, "RegisterRequest", field("Datacenter", &RegisterRequest::datacenter),
                 field("ID", &RegisterRequest::id), field("Node", &RegisterRequest::node),
                 field("Address", &RegisterRequest::address),
                 field("TaggedAddresses", &RegisterRequest::tagged_addresses),
                 field("NodeMeta", &RegisterRequest::node_meta), field("Service", &RegisterRequest::service),
                 field("Check", &RegisterRequest::check),
                 field("Checks", &RegisterRequest::checks).go_type("structs.HealthChecks"),
                 field("SkipNodeUpdate", &RegisterRequest::skip_node_update),
                 embedded(&RegisterRequest::indexes), embedded(&RegisterRequest::write))

PRAETOR_DESCRIBE(DeregisterRequest, "DeregisterRequest", field("Datacenter", &DeregisterRequest::datacenter),
                 field("Node", &DeregisterRequest::node), field("ServiceID", &DeregisterRequest::service_id),
                 field("CheckID", &DeregisterRequest::check_id), embedded(&DeregisterRequest::write))

PRAETOR_DESCRIBE(NodeSpecificRequest, "NodeSpecificRequest",
                 field("Datacenter", &NodeSpecificRequest::datacenter),
                 field("Node", &NodeSpecificRequest::node), embedded(&NodeSpecificRequest::options))

PRAETOR_DESCRIBE(ServiceSpecificRequest, "ServiceSpecificRequest",
                 field("Datacenter", &ServiceSpecificRequest::datacenter),
                 field("NodeMetaFilters", &ServiceSpecificRequest::node_meta_filters),
                 field("ServiceName", &ServiceSpecificRequest::service_name),
                 field("ServiceTag", &ServiceSpecificRequest::service_tag),
                 field("ServiceTags", &ServiceSpecificRequest::service_tags),
                 field("ServiceAddress", &ServiceSpecificRequest::service_address),
                 field("TagFilter", &ServiceSpecificRequest::tag_filter),
                 field("Source", &ServiceSpecificRequest::source),
                 field("Connect", &ServiceSpecificRequest::connect),
                 field("Ingress", &ServiceSpecificRequest::ingress),
                 embedded(&ServiceSpecificRequest::options))

PRAETOR_DESCRIBE(ChecksInStateRequest, "ChecksInStateRequest",
                 field("Datacenter", &ChecksInStateRequest::datacenter),
                 field("NodeMetaFilters", &ChecksInStateRequest::node_meta_filters),
                 field("State", &ChecksInStateRequest::state), field("Source", &ChecksInStateRequest::source),
                 embedded(&ChecksInStateRequest::options))

PRAETOR_DESCRIBE(IndexedNodes, "IndexedNodes", field("Nodes", &IndexedNodes::nodes),
                 embedded(&IndexedNodes::meta))

PRAETOR_DESCRIBE(IndexedServices, "IndexedServices", field("Services", &IndexedServices::services),
                 embedded(&IndexedServices::meta))

PRAETOR_DESCRIBE(IndexedServiceNodes, "IndexedServiceNodes",
                 field("ServiceNodes", &IndexedServiceNodes::service_nodes),
                 embedded(&IndexedServiceNodes::meta))

PRAETOR_DESCRIBE(IndexedNodeServices, "IndexedNodeServices",
                 field("NodeServices", &IndexedNodeServices::node_services),
                 embedded(&IndexedNodeServices::meta))

PRAETOR_DESCRIBE(IndexedNodeServiceList, "IndexedNodeServiceList",
                 field("NodeServices", &IndexedNodeServiceList::node_services),
                 embedded(&IndexedNodeServiceList::meta))

PRAETOR_DESCRIBE(IndexedHealthChecks, "IndexedHealthChecks",
                 field("HealthChecks", &IndexedHealthChecks::health_checks),
                 embedded(&IndexedHealthChecks::meta))

PRAETOR_DESCRIBE(IndexedCheckServiceNodes, "IndexedCheckServiceNodes",
                 field("Nodes", &IndexedCheckServiceNodes::nodes), embedded(&IndexedCheckServiceNodes::meta))

}  // namespace praetor::model
