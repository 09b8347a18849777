// What one health check is told to do. The agent fills it from a check definition that it has validated, with
// the defaults and the agent-wide limits already applied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace praetor::agent {

enum class CheckStatus : uint8_t { kPassing, kWarning, kCritical };

std::string_view status_name(CheckStatus status);  // passing, warning, critical
// The reverse; anything else is critical.
CheckStatus status_of(std::string_view name);

enum class CheckKind : uint8_t { kNone, kScript, kHttp, kTcp, kGrpc, kTtl, kAlias, kDocker };

inline constexpr Duration kMinCheckInterval = std::chrono::seconds(1);
inline constexpr Duration kDefaultCheckTimeout = std::chrono::seconds(10);   // HTTP, TCP, gRPC
inline constexpr Duration kDefaultScriptTimeout = std::chrono::seconds(30);  // scripts and docker
inline constexpr size_t kDefaultCheckOutput = 4096;

// TLS towards what is checked. Files are PEM; all empty means the system's authorities and no certificate.
struct CheckTls {
  bool skip_verify = false;
  std::string server_name;  // verified and sent as SNI instead of the host
  std::string ca_file;
  std::string ca_path;
  std::string cert_file;
  std::string key_file;
};

struct CheckSpec {
  std::string id;
  std::string service_id;  // empty: a check of the node

  // Inputs of the types; kind_of() tells which of them counts.
  std::vector<std::string> args;
  std::string docker_container_id;
  std::string shell;  // docker only
  std::string http;
  std::string method;                                      // empty is GET
  std::map<std::string, std::vector<std::string>> header;  // names as the user wrote them
  std::string body;
  bool follow_redirects = true;
  std::string tcp;   // host:port
  std::string grpc;  // host:port[/service]
  bool grpc_use_tls = false;
  Duration ttl{0};
  std::string alias_node;
  std::string alias_service;
  std::string token;  // for the query of a remote alias
  CheckTls tls;

  Duration interval{0};
  Duration timeout{0};  // 0 is the default of the type
  size_t output_max_size = kDefaultCheckOutput;
  int success_before_passing = 0;
  int failures_before_critical = 0;
  Duration deregister_critical_service_after{0};  // 0 is never

  // What a TTL check reported last before it was registered again; its expiry mentions it.
  std::string initial_output;
};

// The first input that is set decides: grpc, http, ttl, tcp, alias, docker, script.
CheckKind kind_of(const CheckSpec& spec);

}  // namespace praetor::agent
