#include "agent/definition.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "model/decoder_names.h"
#include "model/validate.h"

namespace praetor::agent {

using codec::kDurationText;
using codec::kJsonInputOnly;
using codec::kSnakeInput;

PRAETOR_DESCRIBED(CheckSettings)
PRAETOR_DESCRIBE(CheckSettings, "structs.CheckType", field("Name", &CheckSettings::name),
                 field("Status", &CheckSettings::status), field("Notes", &CheckSettings::notes),
                 field("ScriptArgs", &CheckSettings::script_args).flag(kSnakeInput),
                 field("Args", &CheckSettings::args).flag(kJsonInputOnly),
                 field("HTTP", &CheckSettings::http), field("Header", &CheckSettings::header),
                 field("Method", &CheckSettings::method), field("Body", &CheckSettings::body),
                 field("TCP", &CheckSettings::tcp), field("Interval", &CheckSettings::interval),
                 field("AliasNode", &CheckSettings::alias_node),
                 field("AliasService", &CheckSettings::alias_service),
                 field("DockerContainerID", &CheckSettings::docker_container_id).flag(kSnakeInput),
                 field("Shell", &CheckSettings::shell), field("GRPC", &CheckSettings::grpc),
                 field("GRPCUseTLS", &CheckSettings::grpc_use_tls),
                 field("TLSSkipVerify", &CheckSettings::tls_skip_verify).flag(kSnakeInput),
                 field("Timeout", &CheckSettings::timeout), field("TTL", &CheckSettings::ttl),
                 field("SuccessBeforePassing", &CheckSettings::success_before_passing),
                 field("FailuresBeforeCritical", &CheckSettings::failures_before_critical),
                 field("ProxyHTTP", &CheckSettings::proxy_http),
                 field("ProxyGRPC", &CheckSettings::proxy_grpc),
                 field("DeregisterCriticalServiceAfter", &CheckSettings::deregister_critical_service_after)
                     .flag(kSnakeInput),
                 field("OutputMaxSize", &CheckSettings::output_max_size))

// How Go's decoders name what they read into; part of the texts that clients see.
static constexpr const char* kCheckTypeDecoder =
    "struct { Interval interface {}; Timeout interface {}; TTL interface {}; DeregisterCriticalServiceAfter "
    "interface "
    "{}; Args []string \"json:\\\"args\\\"\"; ScriptArgsSnake []string \"json:\\\"script_args\\\"\"; "
    "DeregisterCriticalServiceAfterSnake interface {} \"json:\\\"deregister_critical_service_after\\\"\"; "
    "DockerContainerIDSnake string \"json:\\\"docker_container_id\\\"\"; TLSSkipVerifySnake bool "
    "\"json:\\\"tls_skip_verify\\\"\"; ServiceID string \"json:\\\"ServiceID\\\"\"; ServiceIDSnake string "
    "\"json:\\\"service_id\\\"\"; *structs.Alias }";
static constexpr const char* kCheckDefinitionDecoder =
    "struct { Interval interface {}; Timeout interface {}; TTL interface {}; DeregisterCriticalServiceAfter "
    "interface "
    "{}; Args []string \"json:\\\"args\\\"\"; ScriptArgsSnake []string \"json:\\\"script_args\\\"\"; "
    "DeregisterCriticalServiceAfterSnake interface {} \"json:\\\"deregister_critical_service_after\\\"\"; "
    "DockerContainerIDSnake string \"json:\\\"docker_container_id\\\"\"; TLSSkipVerifySnake bool "
    "\"json:\\\"tls_skip_verify\\\"\"; ServiceIDSnake string \"json:\\\"service_id\\\"\"; *structs.Alias }";
static constexpr const char* kServiceDefinitionDecoder =
    "struct { EnableTagOverrideSnake bool \"json:\\\"enable_tag_override\\\"\"; TaggedAddressesSnake "
    "map[string]structs.ServiceAddress \"json:\\\"tagged_addresses\\\"\"; *structs.Alias }";

PRAETOR_DESCRIBE(CheckType, "structs.CheckType", own_json_decoder().go_type(kCheckTypeDecoder),
                 field("CheckID", &CheckType::check_id),
                 field("ServiceID", &CheckType::service_id).flag(kSnakeInput).flag(kJsonInputOnly),
                 field("Token", &CheckType::token).no_json(), embedded(&CheckType::settings))

PRAETOR_DESCRIBE(CheckDefinition, "structs.CheckDefinition",
                 own_json_decoder().go_type(kCheckDefinitionDecoder), field("ID", &CheckDefinition::id),
                 field("ServiceID", &CheckDefinition::service_id).flag(kSnakeInput),
                 field("Token", &CheckDefinition::token), embedded(&CheckDefinition::settings))

PRAETOR_DESCRIBE(ServiceConnectDefinition, "structs.ServiceConnect",
                 own_json_decoder(/*tolerates_unknown=*/true).go_type(model::kServiceConnectDecoder),
                 field("Native", &ServiceConnectDefinition::native),
                 field("SidecarService", &ServiceConnectDefinition::sidecar_service).flag(kSnakeInput))

PRAETOR_DESCRIBE(ServiceDefinition, "structs.ServiceDefinition",
                 own_json_decoder().go_type(kServiceDefinitionDecoder),
                 field("Kind", &ServiceDefinition::kind), field("ID", &ServiceDefinition::id),
                 field("Name", &ServiceDefinition::name), field("Tags", &ServiceDefinition::tags),
                 field("Address", &ServiceDefinition::address),
                 field("TaggedAddresses", &ServiceDefinition::tagged_addresses).flag(kSnakeInput),
                 field("Meta", &ServiceDefinition::meta), field("Port", &ServiceDefinition::port),
                 field("Check", &ServiceDefinition::check),
                 field("Checks", &ServiceDefinition::checks).go_type("structs.CheckTypes"),
                 field("Weights", &ServiceDefinition::weights), field("Token", &ServiceDefinition::token),
                 field("EnableTagOverride", &ServiceDefinition::enable_tag_override).flag(kSnakeInput),
                 field("Proxy", &ServiceDefinition::proxy), field("Connect", &ServiceDefinition::connect))

void CheckSettings::normalize() {
  if (!args.empty()) script_args = std::move(args);
  args = {};
}

CheckKind CheckSettings::kind() const {
  if (!grpc.empty()) return CheckKind::kGrpc;
  if (!http.empty()) return CheckKind::kHttp;
  if (ttl > Duration::zero()) return CheckKind::kTtl;
  if (!tcp.empty()) return CheckKind::kTcp;
  if (is_alias()) return CheckKind::kAlias;
  if (!docker_container_id.empty()) return CheckKind::kDocker;
  if (is_script()) return CheckKind::kScript;
  return CheckKind::kNone;
}

std::string CheckSettings::kind_name() const {
  switch (kind()) {
    case CheckKind::kGrpc:
      return "grpc";
    case CheckKind::kHttp:
      return "http";
    case CheckKind::kTtl:
      return "ttl";
    case CheckKind::kTcp:
      return "tcp";
    case CheckKind::kAlias:
      return "alias";
    case CheckKind::kDocker:
      return "docker";
    case CheckKind::kScript:
      return "script";
    case CheckKind::kNone:
      return "";
  }
  return "";
}

Status CheckSettings::validate() const {
  bool needs_interval = is_script() || !http.empty() || !tcp.empty() || !grpc.empty();
  auto bad = [](std::string text) { return fail(std::move(text), ErrorKind::kBadRequest); };
  if (interval > Duration::zero() && ttl > Duration::zero())
    return bad("Interval and TTL cannot both be specified");
  if (needs_interval && interval <= Duration::zero())
    return bad("Interval must be > 0 for Script, HTTP, or TCP checks");
  if (needs_interval && is_alias()) return bad("Interval cannot be set for Alias checks");
  if (is_alias() && ttl > Duration::zero()) return bad("TTL must be not be set for Alias checks");
  if (!needs_interval && !is_alias() && ttl <= Duration::zero()) return bad("TTL must be > 0 for TTL checks");
  if (output_max_size < 0) return bad("MaxOutputMaxSize must be positive");
  return {};
}

bool is_valid_check_status(std::string_view status) {
  return status == model::kHealthPassing || status == model::kHealthWarning ||
         status == model::kHealthCritical;
}

model::HealthCheck CheckDefinition::health_check(const std::string& node) const {
  model::HealthCheck check;
  check.node = node;
  check.check_id = effective_id();
  check.name = settings.name;
  check.status = settings.status.empty() ? model::kHealthCritical : settings.status;
  check.notes = settings.notes;
  check.service_id = service_id;
  check.type = settings.kind_name();
  return check;
}

CheckType CheckDefinition::check_type() const {
  CheckType type;
  type.check_id = id;
  type.service_id = service_id;
  type.settings = settings;
  type.settings.normalize();
  return type;
}

model::NodeService ServiceDefinition::node_service() const {
  model::NodeService service;
  service.kind = kind;
  service.id = effective_id();
  service.service = name;
  service.tags = tags;
  service.address = address;
  service.tagged_addresses = tagged_addresses;
  service.meta = meta;
  service.port = port;
  service.weights = weights ? *weights : model::Weights{1, 1};
  service.enable_tag_override = enable_tag_override;
  if (proxy) service.proxy = *proxy;
  for (model::Upstream& upstream : service.proxy.upstreams)
    if (upstream.destination_type.empty()) upstream.destination_type = "service";
  if (connect) service.connect.native = connect->native;
  return service;
}

namespace {

// `"check": {}` is no check.
bool is_blank(const CheckType& type) {
  const codec::Type& description = codec::type_of<CheckType>();
  return std::all_of(description.fields.begin(), description.fields.end(),
                     [&](const codec::Field& f) { return codec::is_empty(*f.type, f.in(&type)); });
}

}  // namespace

Result<std::vector<CheckType>> ServiceDefinition::check_types() const {
  std::vector<CheckType> all;
  if (check && !is_blank(*check)) all.push_back(*check);
  all.insert(all.end(), checks.begin(), checks.end());
  for (CheckType& type : all) {
    type.settings.normalize();
    TRY(type.settings.validate());
  }
  return all;
}

model::HealthCheck service_check(const CheckType& type, const model::NodeService& service,
                                 const std::string& node, size_t n, size_t count) {
  model::HealthCheck check;
  check.node = node;
  check.check_id = type.check_id;
  if (check.check_id.empty()) {
    check.check_id = "service:" + service.id;
    if (count > 1) check.check_id += fmt::format(":{}", n);
  }
  check.name =
      type.settings.name.empty() ? fmt::format("Service '{}' check", service.service) : type.settings.name;
  check.status = type.settings.status.empty() ? model::kHealthCritical : type.settings.status;
  check.notes = type.settings.notes;
  check.service_id = service.id;
  check.service_name = service.service;
  check.service_tags = service.tags;
  check.type = type.settings.kind_name();
  return check;
}

Status validate_node_service(const model::NodeService& service, const ServiceDefinition* sidecar) {
  std::vector<std::string> errors = model::node_service_faults(service);
  if (sidecar != nullptr) {
    if (!sidecar->id.empty())
      errors.push_back("A SidecarService cannot specify an ID as this is managed by the agent");
    if (sidecar->connect && sidecar->connect->sidecar_service)
      errors.push_back("A SidecarService cannot have a nested SidecarService");
  }
  if (errors.empty()) return {};
  return fail(format_multierror(errors), ErrorKind::kBadRequest);
}

std::string_view dns_label_problem(std::string_view name) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (!std::all_of(name.begin(), name.end(), allowed))
    return "due to invalid characters. Valid characters include all alpha-numerics and dashes.";
  if (name.size() > 63) return "due to it being too long. Valid lengths are between 1 and 63 bytes.";
  return "";
}

void add_tagged_addresses(model::NodeService& service) {
  in_addr v4;
  in6_addr v6;
  const char* suffix = nullptr;
  if (inet_pton(AF_INET, service.address.c_str(), &v4) == 1)
    suffix = "ipv4";
  else if (inet_pton(AF_INET6, service.address.c_str(), &v6) == 1)
    suffix = "ipv6";
  if (suffix == nullptr) return;
  for (const char* network : {"lan_", "wan_"}) {
    std::string tag = std::string(network) + suffix;
    if (!service.tagged_addresses.contains(tag))
      service.tagged_addresses[tag] = model::ServiceAddress{service.address, service.port};
  }
}

}  // namespace praetor::agent
