#include "model/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>

#include "base/text.h"

namespace praetor::model {
namespace {

void check_upstreams(const List<Upstream>& upstreams, std::vector<std::string>& errors) {
  std::set<std::string> names;
  std::set<std::string> binds;
  for (const Upstream& upstream : upstreams) {
    std::string type = upstream.destination_type.empty() ? "service" : upstream.destination_type;
    if (type != "service" && type != "prepared_query") {
      errors.push_back(fmt::format("unknown upstream destination type: {}", go_quote(type)));
      continue;
    }
    if (upstream.destination_name.empty()) {
      errors.push_back("upstream destination name cannot be empty");
      continue;
    }
    if (upstream.local_bind_port == 0) {
      errors.push_back("upstream local bind port cannot be zero");
      continue;
    }
    std::string bind_address =
        upstream.local_bind_address.empty() ? "127.0.0.1" : upstream.local_bind_address;
    std::string bind = fmt::format("{}:{}", bind_address, upstream.local_bind_port);
    std::string name = fmt::format(R"([type={}, name={}, namespace={}, datacenter={}])",
                                   go_quote(upstream.destination_type), go_quote(upstream.destination_name),
                                   go_quote(upstream.destination_namespace), go_quote(upstream.datacenter));
    if (!names.insert(name).second)
      errors.push_back("upstreams cannot contain duplicates of " + name);
    else if (!binds.insert(bind).second)
      errors.push_back(fmt::format(
          "upstreams cannot contain duplicates by local bind address and port; {} is specified twice",
          go_quote(bind)));
  }
}

void check_expose(const ExposeConfig& expose, std::vector<std::string>& errors) {
  std::set<std::string> paths;
  std::set<int64_t> ports;
  bool duplicate_paths = false;
  bool duplicate_ports = false;
  for (const ExposePath& path : expose.paths) {
    if (path.path.empty()) errors.push_back("expose.paths: empty path exposed");
    if (path.listener_port <= 0 || path.listener_port > 65535)
      errors.push_back(fmt::format("expose.paths: invalid listener port: {}", path.listener_port));
    if (!path.protocol.empty() && path.protocol != "http" && path.protocol != "http2")
      errors.push_back(fmt::format("protocol '{}' not supported for path: {}, must be in: [http http2]",
                                   path.protocol, path.path));
    duplicate_paths |= !paths.insert(path.path).second;
    duplicate_ports |= !ports.insert(path.listener_port).second;
  }
  if (duplicate_paths) errors.push_back("expose.paths: duplicate paths exposed");
  if (duplicate_ports) errors.push_back("expose.paths: duplicate listener ports exposed");
}

void check_gateway(const NodeService& service, std::vector<std::string>& errors) {
  auto forbid = [&](bool set, const char* what) {
    if (set)
      errors.push_back(fmt::format("The Proxy.{} configuration is invalid for a {}", what, service.kind));
  };
  // An ingress gateway listens where its config entry says.
  if (service.port == 0 && service.kind != "ingress-gateway")
    errors.push_back("Port must be non-zero for a " + service.kind);
  forbid(!service.proxy.destination_service_name.empty(), "DestinationServiceName");
  forbid(!service.proxy.destination_service_id.empty(), "DestinationServiceID");
  forbid(!service.proxy.local_service_address.empty(), "LocalServiceAddress");
  forbid(service.proxy.local_service_port != 0, "LocalServicePort");
  forbid(!service.proxy.upstreams.empty(), "Upstreams");
}

}  // namespace

std::vector<std::string> node_service_faults(const NodeService& service) {
  std::vector<std::string> errors;
  if (service.kind == "connect-proxy") {
    if (trim(service.proxy.destination_service_name).empty())
      errors.push_back("Proxy.DestinationServiceName must be non-empty for Connect proxy services");
    if (service.port == 0) errors.push_back("Port must be set for a Connect proxy");
    if (service.connect.native)
      errors.push_back("A Proxy cannot also be Connect Native, only typical services");
    check_upstreams(service.proxy.upstreams, errors);
    check_expose(service.proxy.expose, errors);
  }
  if (service.kind == "mesh-gateway" || service.kind == "terminating-gateway" ||
      service.kind == "ingress-gateway")
    check_gateway(service, errors);
  return errors;
}

Status validate_node_service(const NodeService& service) {
  std::vector<std::string> faults = node_service_faults(service);
  return faults.empty() ? Status() : fail(format_multierror(faults));
}

Status validate_weights(const Weights& weights) {
  if (weights.passing < 1) return fail("Passing must be greater than 0", ErrorKind::kBadRequest);
  if (weights.warning < 0) return fail("Warning must be greater or equal than 0", ErrorKind::kBadRequest);
  if (weights.passing > 65535 || weights.warning > 65535)
    return fail("DNS Weight must be between 0 and 65535", ErrorKind::kBadRequest);
  return {};
}

namespace {

constexpr size_t kMaxMetaPairs = 64;
constexpr size_t kMaxMetaKey = 128;
constexpr size_t kMaxMetaValue = 512;

bool is_meta_key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string meta_pair_error(std::string_view key, std::string_view value, bool reserved_allowed) {
  if (key.empty()) return "Key cannot be blank";
  if (!std::all_of(key.begin(), key.end(), is_meta_key_char)) return "Key contains invalid characters";
  if (key.size() > kMaxMetaKey) return fmt::format("Key is too long (limit: {} characters)", kMaxMetaKey);
  if (key.starts_with("consul-") && !reserved_allowed)
    return "Key prefix 'consul-' is reserved for internal use";
  if (value.size() > kMaxMetaValue)
    return fmt::format("Value is too long (limit: {} characters)", kMaxMetaValue);
  return "";
}

Status validate_pairs(const Map<std::string>& meta, auto reserved_allowed) {
  if (meta.size() > kMaxMetaPairs)
    return fail(fmt::format("Node metadata cannot contain more than {} key/value pairs", kMaxMetaPairs),
                ErrorKind::kBadRequest);
  for (const auto& [key, value] : meta)
    if (std::string error = meta_pair_error(key, value, reserved_allowed(key)); !error.empty())
      return fail(fmt::format("Couldn't load metadata pair ('{}', '{}'): {}", key, value, error),
                  ErrorKind::kBadRequest);
  return {};
}

}  // namespace

Status validate_metadata(const Map<std::string>& meta, bool allow_reserved_keys) {
  return validate_pairs(meta, [&](std::string_view) { return allow_reserved_keys; });
}

Status validate_service_metadata(std::string_view kind, const Map<std::string>& meta,
                                 bool allow_reserved_keys) {
  return validate_pairs(meta, [&](std::string_view key) {
    return allow_reserved_keys || (kind == "mesh-gateway" && key == "consul-wan-federation");
  });
}

}  // namespace praetor::model
