#include "http/txn_body.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "codec/json.h"
#include "codec/type.h"
#include "codec/value.h"
#include "http/query.h"
#include "server/txn.h"

namespace praetor::http {
namespace {

struct KVBody {
  std::string verb, key;
  codec::Bytes value;
  uint64_t flags = 0, index = 0;
  std::string session, ns;
};
PRAETOR_DESCRIBED(KVBody)
PRAETOR_DESCRIBE(KVBody, "api.KVTxnOp", field("Verb", &KVBody::verb).go_type("api.KVOp"),
                 field("Key", &KVBody::key), field("Value", &KVBody::value), field("Flags", &KVBody::flags),
                 field("Index", &KVBody::index), field("Session", &KVBody::session),
                 field("Namespace", &KVBody::ns))

struct ClientNode : model::Node {};
PRAETOR_DESCRIBED(ClientNode)
PRAETOR_DESCRIBE(ClientNode, "api.Node", field("ID", &ClientNode::id), field("Node", &ClientNode::node),
                 field("Address", &ClientNode::address), field("Datacenter", &ClientNode::datacenter),
                 field("TaggedAddresses", &ClientNode::tagged_addresses), field("Meta", &ClientNode::meta),
                 embedded(&ClientNode::indexes))

struct NodeBody {
  std::string verb;
  ClientNode node;
};
PRAETOR_DESCRIBED(NodeBody)
PRAETOR_DESCRIBE(NodeBody, "api.NodeTxnOp", field("Verb", &NodeBody::verb).go_type("api.NodeOp"),
                 field("Node", &NodeBody::node))

struct ClientAddress {
  std::string address;
  int64_t port = 0;
};
PRAETOR_DESCRIBED(ClientAddress)
PRAETOR_DESCRIBE(ClientAddress, "api.ServiceAddress", field("Address", &ClientAddress::address),
                 field("Port", &ClientAddress::port))

struct ClientService : model::NodeService {
  codec::Map<ClientAddress> addresses;
  std::string content_hash, ns;
};
PRAETOR_DESCRIBED(ClientService)
PRAETOR_DESCRIBE(ClientService, "api.AgentService",
                 field("Kind", &ClientService::kind).go_type("api.ServiceKind"),
                 field("ID", &ClientService::id), field("Service", &ClientService::service),
                 field("Tags", &ClientService::tags), field("Meta", &ClientService::meta),
                 field("Port", &ClientService::port), field("Address", &ClientService::address),
                 field("TaggedAddresses", &ClientService::addresses),
                 field("Weights", &ClientService::weights).go_type("api.AgentWeights"),
                 field("EnableTagOverride", &ClientService::enable_tag_override),
                 field("ContentHash", &ClientService::content_hash), field("Proxy", &ClientService::proxy),
                 field("Connect", &ClientService::connect), field("Namespace", &ClientService::ns),
                 embedded(&ClientService::indexes))

struct ServiceBody {
  std::string verb, node;
  ClientService service;
};
PRAETOR_DESCRIBED(ServiceBody)
PRAETOR_DESCRIBE(ServiceBody, "api.ServiceTxnOp", field("Verb", &ServiceBody::verb).go_type("api.ServiceOp"),
                 field("Node", &ServiceBody::node), field("Service", &ServiceBody::service))

// A definition's times: a text or a number of nanoseconds, under the name of today or of earlier clients.
struct ClientDefinition {
  std::string http, method, body, tcp;
  codec::Map<codec::List<std::string>> header;
  bool tls_skip_verify = false;
  codec::Value interval, timeout, deregister_after;
  codec::Value interval_duration, timeout_duration, deregister_after_duration;
};
PRAETOR_DESCRIBED(ClientDefinition)
PRAETOR_DESCRIBE(ClientDefinition, "api.HealthCheckDefinition",
                 own_json_decoder(/*tolerates_unknown=*/true)
                     .go_type("struct { IntervalDuration interface {}; TimeoutDuration interface {}; "
                              "DeregisterCriticalServiceAfterDuration interface {}; *api.Alias }"),
                 field("HTTP", &ClientDefinition::http), field("Header", &ClientDefinition::header),
                 field("Method", &ClientDefinition::method), field("Body", &ClientDefinition::body),
                 field("TLSSkipVerify", &ClientDefinition::tls_skip_verify),
                 field("TCP", &ClientDefinition::tcp), field("Interval", &ClientDefinition::interval),
                 field("Timeout", &ClientDefinition::timeout),
                 field("DeregisterCriticalServiceAfter", &ClientDefinition::deregister_after),
                 field("IntervalDuration", &ClientDefinition::interval_duration),
                 field("TimeoutDuration", &ClientDefinition::timeout_duration),
                 field("DeregisterCriticalServiceAfterDuration",
                       &ClientDefinition::deregister_after_duration))

struct ClientCheck {
  std::string node, check_id, name, status, notes, output, service_id, service_name;
  codec::List<std::string> service_tags;
  std::string type, ns;
  ClientDefinition definition;
  model::RaftIndex indexes;
};
PRAETOR_DESCRIBED(ClientCheck)
PRAETOR_DESCRIBE(ClientCheck, "api.HealthCheck", field("Node", &ClientCheck::node),
                 field("CheckID", &ClientCheck::check_id), field("Name", &ClientCheck::name),
                 field("Status", &ClientCheck::status), field("Notes", &ClientCheck::notes),
                 field("Output", &ClientCheck::output), field("ServiceID", &ClientCheck::service_id),
                 field("ServiceName", &ClientCheck::service_name),
                 field("ServiceTags", &ClientCheck::service_tags), field("Type", &ClientCheck::type),
                 field("Namespace", &ClientCheck::ns), field("Definition", &ClientCheck::definition),
                 embedded(&ClientCheck::indexes))

struct CheckBody {
  std::string verb;
  ClientCheck check;
};
PRAETOR_DESCRIBED(CheckBody)
PRAETOR_DESCRIBE(CheckBody, "api.CheckTxnOp", field("Verb", &CheckBody::verb).go_type("api.CheckOp"),
                 field("Check", &CheckBody::check))

struct OpBody {
  codec::Box<KVBody> kv;
  codec::Box<NodeBody> node;
  codec::Box<ServiceBody> service;
  codec::Box<CheckBody> check;
};
PRAETOR_DESCRIBED(OpBody)
PRAETOR_DESCRIBE(OpBody, "api.TxnOp", field("KV", &OpBody::kv), field("Node", &OpBody::node),
                 field("Service", &OpBody::service), field("Check", &OpBody::check))

// The earlier name wins; there a value that is neither text nor number says nothing.
Result<Duration> time_of(const codec::Value& today, const codec::Value& earlier) {
  if (const std::string* text = earlier.string()) return parse_duration(*text);
  if (const double* number = std::get_if<double>(&earlier.data)) return Duration(whole_number(*number));
  if (today.is_null()) return Duration(0);
  if (const std::string* text = today.string()) return parse_duration(*text);
  if (const double* number = std::get_if<double>(&today.data)) return Duration(whole_number(*number));
  return fail("strconv.ParseFloat: parsing " + go_quote(codec::to_json(today)) + ": invalid syntax");
}

Result<model::HealthCheckDefinition> convert(ClientDefinition& in) {
  model::HealthCheckDefinition out;
  out.http = std::move(in.http);
  out.tls_skip_verify = in.tls_skip_verify;
  out.header = std::move(in.header);
  out.method = std::move(in.method);
  out.body = std::move(in.body);
  out.tcp = std::move(in.tcp);
  TRY_ASSIGN(out.interval, time_of(in.interval, in.interval_duration));
  TRY_ASSIGN(out.timeout, time_of(in.timeout, in.timeout_duration));
  TRY_ASSIGN(out.deregister_critical_service_after,
             time_of(in.deregister_after, in.deregister_after_duration));
  return out;
}

model::TxnKVOp convert(KVBody& in) {
  model::TxnKVOp out{in.verb, {}};
  out.dir_ent.key = std::move(in.key);
  out.dir_ent.value = std::move(in.value);
  out.dir_ent.flags = in.flags;
  out.dir_ent.session = std::move(in.session);
  out.dir_ent.indexes.modify_index = in.index;
  return out;
}

model::TxnServiceOp convert(ServiceBody& in) {
  model::TxnServiceOp out{in.verb, in.node, {}};
  ClientService& from = in.service;
  out.service.id = std::move(from.id);
  out.service.service = std::move(from.service);
  out.service.tags = std::move(from.tags);
  out.service.address = std::move(from.address);
  out.service.meta = std::move(from.meta);
  out.service.port = from.port;
  out.service.weights = from.weights ? *from.weights : model::Weights{};
  out.service.enable_tag_override = from.enable_tag_override;
  out.service.indexes.modify_index = from.indexes.modify_index;
  return out;
}

Result<model::TxnCheckOp> convert(CheckBody& in) {
  model::TxnCheckOp out{in.verb, {}};
  ClientCheck& from = in.check;
  out.check.node = std::move(from.node);
  out.check.check_id = std::move(from.check_id);
  out.check.name = std::move(from.name);
  out.check.status = std::move(from.status);
  out.check.notes = std::move(from.notes);
  out.check.output = std::move(from.output);
  out.check.service_id = std::move(from.service_id);
  out.check.service_name = std::move(from.service_name);
  out.check.service_tags = std::move(from.service_tags);
  TRY_ASSIGN(out.check.definition, convert(from.definition));
  out.check.indexes.modify_index = from.indexes.modify_index;
  return out;
}

Result<model::TxnOp> convert(OpBody& in, const std::string& datacenter) {
  model::TxnOp out;
  if (in.kv) {
    out.kv = convert(*in.kv);
  } else if (in.node) {
    out.node = model::TxnNodeOp{in.node->verb, in.node->node};
    if (out.node->node.datacenter.empty()) out.node->node.datacenter = datacenter;
  } else if (in.service) {
    out.service = convert(*in.service);
  } else if (in.check) {
    TRY_ASSIGN(out.check, convert(*in.check));
  }
  return out;
}

}  // namespace

Result<codec::List<model::TxnOp>> parse_txn_ops(std::string_view body, const std::string& datacenter,
                                                uint64_t max_value) {
  codec::List<OpBody> given;
  auto unreadable = [](const Error& error) {
    std::string text = "Failed to parse body: " + error.message;
    if (constexpr std::string_view kList = "[]api.TxnOp"; text.ends_with(kList))
      text.replace(text.size() - kList.size(), kList.size(), "api.TxnOps");  // Go has a name for the list
    return fail(std::move(text), ErrorKind::kBadRequest);
  };
  Status read = codec::read_json(body, given, {.reject_unknown = true});
  if (!read) return unreadable(read.error());
  if (given.size() > server::kMaxTxnOps)
    return fail(
        fmt::format("Transaction contains too many operations ({} > {})", given.size(), server::kMaxTxnOps),
        ErrorKind::kTooLarge);
  codec::List<model::TxnOp> ops;
  for (OpBody& op : given) {
    if (!op.kv && !op.node && !op.service && !op.check) continue;
    if (op.kv && op.kv->value.size() > max_value)
      return fail(fmt::format("Value for key {} is too large ({} > {} bytes)", go_quote(op.kv->key),
                              op.kv->value.size(), max_value),
                  ErrorKind::kTooLarge);
    auto converted = convert(op, datacenter);
    if (!converted) return unreadable(converted.error());
    ops.push_back(std::move(*converted));
  }
  return ops;
}

}  // namespace praetor::http
