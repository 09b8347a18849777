#include "agent/check_spec.h"

namespace praetor::agent {

std::string_view status_name(CheckStatus status) {
  switch (status) {
    case CheckStatus::kPassing:
      return "passing";
    case CheckStatus::kWarning:
      return "warning";
    case CheckStatus::kCritical:
      break;
  }
  return "critical";
}

CheckStatus status_of(std::string_view name) {
  if (name == "passing") return CheckStatus::kPassing;
  return name == "warning" ? CheckStatus::kWarning : CheckStatus::kCritical;
}

CheckKind kind_of(const CheckSpec& spec) {
  if (!spec.grpc.empty()) return CheckKind::kGrpc;
  if (!spec.http.empty()) return CheckKind::kHttp;
  if (spec.ttl > Duration::zero()) return CheckKind::kTtl;
  if (!spec.tcp.empty()) return CheckKind::kTcp;
  if (!spec.alias_node.empty() || !spec.alias_service.empty()) return CheckKind::kAlias;
  if (!spec.docker_container_id.empty()) return CheckKind::kDocker;
  return spec.args.empty() ? CheckKind::kNone : CheckKind::kScript;
}

}  // namespace praetor::agent
