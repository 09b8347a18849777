#include "agent/watch_document.h"

#include <algorithm>

#include "agent/user_events.h"
#include "codec/json.h"
#include "codec/type.h"

namespace praetor::agent {
namespace watched {

using codec::Box;
using codec::Bytes;
using codec::List;
using codec::Map;
using codec::Value;

struct Pair {
  std::string key;
  uint64_t create_index = 0, modify_index = 0, lock_index = 0, flags = 0;
  Bytes value;
  std::string session, ns;
};
PRAETOR_DESCRIBED(Pair)
PRAETOR_DESCRIBE(Pair, "KVPair", field("Key", &Pair::key), field("CreateIndex", &Pair::create_index),
                 field("ModifyIndex", &Pair::modify_index), field("LockIndex", &Pair::lock_index),
                 field("Flags", &Pair::flags), field("Value", &Pair::value), field("Session", &Pair::session),
                 field("Namespace", &Pair::ns).omit_empty())

struct Node {
  std::string id, node, address, datacenter;
  Map<std::string> tagged_addresses, meta;
  uint64_t create_index = 0, modify_index = 0;
};
PRAETOR_DESCRIBED(Node)
PRAETOR_DESCRIBE(Node, "Node", field("ID", &Node::id), field("Node", &Node::node),
                 field("Address", &Node::address), field("Datacenter", &Node::datacenter),
                 field("TaggedAddresses", &Node::tagged_addresses), field("Meta", &Node::meta),
                 field("CreateIndex", &Node::create_index), field("ModifyIndex", &Node::modify_index))

struct Address {
  std::string address;
  int64_t port = 0;
};
PRAETOR_DESCRIBED(Address)
PRAETOR_DESCRIBE(Address, "ServiceAddress", field("Address", &Address::address),
                 field("Port", &Address::port))

struct Weights {
  int64_t passing = 0, warning = 0;
};
PRAETOR_DESCRIBED(Weights)
PRAETOR_DESCRIBE(Weights, "AgentWeights", field("Passing", &Weights::passing),
                 field("Warning", &Weights::warning))

struct MeshGateway {
  std::string mode;
};
PRAETOR_DESCRIBED(MeshGateway)
PRAETOR_DESCRIBE(MeshGateway, "MeshGatewayConfig", field("Mode", &MeshGateway::mode).omit_empty())

struct ExposePath {
  int64_t listener_port = 0;
  std::string path;
  int64_t local_path_port = 0;
  std::string protocol;
  bool parsed_from_check = false;
};
PRAETOR_DESCRIBED(ExposePath)
PRAETOR_DESCRIBE(ExposePath, "ExposePath", field("ListenerPort", &ExposePath::listener_port).omit_empty(),
                 field("Path", &ExposePath::path).omit_empty(),
                 field("LocalPathPort", &ExposePath::local_path_port).omit_empty(),
                 field("Protocol", &ExposePath::protocol).omit_empty(),
                 field("ParsedFromCheck", &ExposePath::parsed_from_check))

struct Expose {
  bool checks = false;
  List<ExposePath> paths;
};
PRAETOR_DESCRIBED(Expose)
PRAETOR_DESCRIBE(Expose, "ExposeConfig", field("Checks", &Expose::checks).omit_empty(),
                 field("Paths", &Expose::paths).omit_empty())

struct Upstream {
  std::string destination_type, destination_namespace, destination_name, datacenter, local_bind_address;
  int64_t local_bind_port = 0;
  Map<Value> config;
  MeshGateway mesh_gateway;
};
PRAETOR_DESCRIBED(Upstream)
PRAETOR_DESCRIBE(Upstream, "Upstream", field("DestinationType", &Upstream::destination_type).omit_empty(),
                 field("DestinationNamespace", &Upstream::destination_namespace).omit_empty(),
                 field("DestinationName", &Upstream::destination_name),
                 field("Datacenter", &Upstream::datacenter).omit_empty(),
                 field("LocalBindAddress", &Upstream::local_bind_address).omit_empty(),
                 field("LocalBindPort", &Upstream::local_bind_port).omit_empty(),
                 field("Config", &Upstream::config).omit_empty(),
                 field("MeshGateway", &Upstream::mesh_gateway))

struct Proxy {
  std::string destination_service_name, destination_service_id, local_service_address;
  int64_t local_service_port = 0;
  Map<Value> config;
  List<Upstream> upstreams;
  MeshGateway mesh_gateway;
  Expose expose;
};
PRAETOR_DESCRIBED(Proxy)
PRAETOR_DESCRIBE(Proxy, "AgentServiceConnectProxyConfig",
                 field("DestinationServiceName", &Proxy::destination_service_name).omit_empty(),
                 field("DestinationServiceID", &Proxy::destination_service_id).omit_empty(),
                 field("LocalServiceAddress", &Proxy::local_service_address).omit_empty(),
                 field("LocalServicePort", &Proxy::local_service_port).omit_empty(),
                 field("Config", &Proxy::config).omit_empty(),
                 field("Upstreams", &Proxy::upstreams).omit_empty(),
                 field("MeshGateway", &Proxy::mesh_gateway), field("Expose", &Proxy::expose))

struct Connect {
  bool native = false;
};
PRAETOR_DESCRIBED(Connect)
PRAETOR_DESCRIBE(Connect, "AgentServiceConnect", field("Native", &Connect::native).omit_empty())

struct Service {
  std::string kind, id, service;
  List<std::string> tags;
  Map<std::string> meta;
  int64_t port = 0;
  std::string address;
  Map<Address> tagged_addresses;
  Weights weights;
  bool enable_tag_override = false;
  uint64_t create_index = 0, modify_index = 0;
  std::string content_hash;
  Box<Proxy> proxy;
  Box<Connect> connect;
  std::string ns;
};
PRAETOR_DESCRIBED(Service)
PRAETOR_DESCRIBE(
    Service, "AgentService", field("Kind", &Service::kind).omit_empty(), field("ID", &Service::id),
    field("Service", &Service::service), field("Tags", &Service::tags), field("Meta", &Service::meta),
    field("Port", &Service::port), field("Address", &Service::address),
    field("TaggedAddresses", &Service::tagged_addresses).omit_empty(), field("Weights", &Service::weights),
    field("EnableTagOverride", &Service::enable_tag_override),
    field("CreateIndex", &Service::create_index).omit_empty(),
    field("ModifyIndex", &Service::modify_index).omit_empty(),
    field("ContentHash", &Service::content_hash).omit_empty(), field("Proxy", &Service::proxy).omit_empty(),
    field("Connect", &Service::connect).omit_empty(), field("Namespace", &Service::ns).omit_empty())

struct CheckDefinition {
  Duration interval{0}, timeout{0}, deregister_after{0};
  std::string http;
  Map<List<std::string>> header;
  std::string method, body;
  bool tls_skip_verify = false;
  std::string tcp;
};
PRAETOR_DESCRIBED(CheckDefinition)
PRAETOR_DESCRIBE(
    CheckDefinition, "HealthCheckDefinition",
    field("Interval", &CheckDefinition::interval).flag(codec::kDurationText),
    field("Timeout", &CheckDefinition::timeout).flag(codec::kDurationText),
    field("DeregisterCriticalServiceAfter", &CheckDefinition::deregister_after).flag(codec::kDurationText),
    field("HTTP", &CheckDefinition::http), field("Header", &CheckDefinition::header),
    field("Method", &CheckDefinition::method), field("Body", &CheckDefinition::body),
    field("TLSSkipVerify", &CheckDefinition::tls_skip_verify), field("TCP", &CheckDefinition::tcp))

struct Check {
  std::string node, check_id, name, status, notes, output, service_id, service_name;
  List<std::string> service_tags;
  std::string type, ns;
  CheckDefinition definition;
  uint64_t create_index = 0, modify_index = 0;
};
PRAETOR_DESCRIBED(Check)
PRAETOR_DESCRIBE(Check, "HealthCheck", field("Node", &Check::node), field("CheckID", &Check::check_id),
                 field("Name", &Check::name), field("Status", &Check::status), field("Notes", &Check::notes),
                 field("Output", &Check::output), field("ServiceID", &Check::service_id),
                 field("ServiceName", &Check::service_name), field("ServiceTags", &Check::service_tags),
                 field("Type", &Check::type), field("Namespace", &Check::ns).omit_empty(),
                 field("Definition", &Check::definition), field("CreateIndex", &Check::create_index),
                 field("ModifyIndex", &Check::modify_index))

struct ServiceEntry {
  Box<Node> node;
  Box<Service> service;
  List<Check> checks;
};
PRAETOR_DESCRIBED(ServiceEntry)
PRAETOR_DESCRIBE(ServiceEntry, "ServiceEntry", field("Node", &ServiceEntry::node),
                 field("Service", &ServiceEntry::service), field("Checks", &ServiceEntry::checks))

struct Event {
  std::string id, name;
  Bytes payload;
  std::string node_filter, service_filter, tag_filter;
  int64_t version = 0;
  uint64_t ltime = 0;
};
PRAETOR_DESCRIBED(Event)
PRAETOR_DESCRIBE(Event, "UserEvent", field("ID", &Event::id), field("Name", &Event::name),
                 field("Payload", &Event::payload), field("NodeFilter", &Event::node_filter),
                 field("ServiceFilter", &Event::service_filter), field("TagFilter", &Event::tag_filter),
                 field("Version", &Event::version), field("LTime", &Event::ltime))

struct CaRoot {
  std::string id, name, root_cert;
  bool active = false;
  uint64_t create_index = 0, modify_index = 0;
};
PRAETOR_DESCRIBED(CaRoot)
PRAETOR_DESCRIBE(CaRoot, "CARoot", field("ID", &CaRoot::id), field("Name", &CaRoot::name),
                 field("RootCert", &CaRoot::root_cert), field("Active", &CaRoot::active),
                 field("CreateIndex", &CaRoot::create_index), field("ModifyIndex", &CaRoot::modify_index))

struct CaRootList {
  std::string active_root_id, trust_domain;
  List<CaRoot> roots;
};
PRAETOR_DESCRIBED(CaRootList)
PRAETOR_DESCRIBE(CaRootList, "CARootList", field("ActiveRootID", &CaRootList::active_root_id),
                 field("TrustDomain", &CaRootList::trust_domain), field("Roots", &CaRootList::roots))

struct LeafCert {
  std::string serial_number, cert_pem, private_key_pem, service, service_uri, ns;
  Time valid_after, valid_before;
  uint64_t create_index = 0, modify_index = 0;
};
PRAETOR_DESCRIBED(LeafCert)
PRAETOR_DESCRIBE(LeafCert, "LeafCert", field("SerialNumber", &LeafCert::serial_number),
                 field("CertPEM", &LeafCert::cert_pem), field("PrivateKeyPEM", &LeafCert::private_key_pem),
                 field("Service", &LeafCert::service), field("ServiceURI", &LeafCert::service_uri),
                 field("Namespace", &LeafCert::ns).omit_empty(), field("ValidAfter", &LeafCert::valid_after),
                 field("ValidBefore", &LeafCert::valid_before), field("CreateIndex", &LeafCert::create_index),
                 field("ModifyIndex", &LeafCert::modify_index))

}  // namespace watched

namespace {

// Reads as T and writes it again.
template <typename T>
Result<std::string> as(std::string_view body) {
  TRY_ASSIGN(T value, codec::from_json<T>(body));
  return codec::to_json(value);
}

}  // namespace

using codec::List;
using codec::Map;

Result<std::string> watch_key(std::string_view body) {
  if (body.empty()) return std::string("null");
  TRY_ASSIGN(auto pairs, codec::from_json<List<watched::Pair>>(body));
  return pairs.empty() ? std::string("null") : codec::to_json(pairs[0]);
}

Result<std::string> watch_key_prefix(std::string_view body) {
  if (body.empty()) return std::string("null");
  return as<List<watched::Pair>>(body);
}

Result<std::string> watch_services(std::string_view body) { return as<Map<List<std::string>>>(body); }
Result<std::string> watch_nodes(std::string_view body) { return as<List<watched::Node>>(body); }
Result<std::string> watch_service(std::string_view body) { return as<List<watched::ServiceEntry>>(body); }
Result<std::string> watch_checks(std::string_view body) { return as<List<watched::Check>>(body); }
Result<std::string> watch_connect_roots(std::string_view body) { return as<watched::CaRootList>(body); }
Result<std::string> watch_connect_leaf(std::string_view body) { return as<watched::LeafCert>(body); }
Result<std::string> watch_agent_service(std::string_view body) { return as<watched::Service>(body); }

Result<std::string> watch_events(std::string_view body, uint64_t last_index) {
  TRY_ASSIGN(auto events, codec::from_json<List<watched::Event>>(body));
  auto last = std::ranges::find_if(events, [&](const watched::Event& event) {
    return last_index != 0 && event_index(event.id) == last_index;
  });
  if (last != events.end()) events.erase(events.begin(), last + 1);
  return codec::to_json(events);
}

}  // namespace praetor::agent
