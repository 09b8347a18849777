// From merged keys to a RuntimeConfig. Internal to agent/config_*: see config_load.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/config_file.h"
#include "agent/runtime_config.h"
#include "agent/sockaddr.h"

namespace praetor::agent {

class ConfigBuilder {
 public:
  struct Environment {
    std::string host_name;
    std::vector<InterfaceAddress> interfaces;
    std::string intro_token;  // CONSUL_INTRO_TOKEN
  };

  ConfigBuilder(const ConfigFile& file, const Environment& environment, bool dev_mode,
                std::vector<std::string>& warnings)
      : file_(file), environment_(environment), dev_mode_(dev_mode), warnings_(warnings) {}

  // Durations of definitions that the decoder refused.
  void add_decode_errors(const std::vector<std::string>& errors) {
    for (const std::string& error : errors) replace_error(error);
  }
  Result<RuntimeConfig> build();

 private:
  using Text = std::optional<std::string>;

  // Values, in groups of keys.
  void build_acl();
  void build_auto_config();
  Status build_addresses();
  Status build_bind_addresses();
  Status build_advertise_addresses();
  Status build_tagged_addresses();
  Status build_client_addresses();
  void build_cluster();
  void build_connect();
  void build_definitions();
  void build_dns();
  Status build_recursors();
  void build_gossip();
  void build_http();
  void build_identity();
  void build_internal();
  void build_join();
  void build_limits();
  void build_logging();
  Status build_ports();
  void build_telemetry();
  Status build_tls();
  void build_autopilot();

  void check_service(const ServiceDefinition& service);

  Duration duration(const char* key, const Text& text);
  int64_t port(const char* key, const std::optional<int64_t>& value);
  // Templates expanded, split at white space; an error is recorded under `key`.
  std::vector<std::string> expand(const char* key, const std::string& text);
  // IP literals, or unix:// paths where those are allowed.
  std::vector<std::string> expand_addresses(const char* key, const Text& text, bool unix_allowed);
  std::optional<std::string> expand_one_ip(const char* key, const Text& text);
  List<std::string> expand_all(const char* key, const List<std::string>& texts);
  List<SocketAddress> listeners(const char* key, const Text& own, int64_t port_number, bool unix_allowed);
  List<std::string> cidrs(const char* key, const List<std::string>& texts);

  // Consul's list of errors either grows or starts anew with the latest one.
  void add_error(std::string text) { errors_.push_back(std::move(text)); }
  void replace_error(std::string text) { errors_ = {std::move(text)}; }
  void warn(std::string text) { warnings_.push_back(std::move(text)); }

  const ConfigFile& file_;
  const Environment& environment_;
  bool dev_mode_;
  std::vector<std::string>& warnings_;
  std::vector<std::string> errors_;
  std::string failure_;  // shown alone, when there are no errors_
  RuntimeConfig config_;
};

// The rules between keys (config.md 9). Warnings are for the user to read; an error refuses the
// configuration.
Status validate_config(const RuntimeConfig& config, std::vector<std::string>& warnings);

// What the certificate authority's provider says to its part of the configuration (`connect.ca_config`,
// CamelCase).
Status validate_ca_config(const std::string& provider, const Map<Value>& config);

// The number that TLS gives a cipher suite this agent supports, 0 for others.
int cipher_suite_id(std::string_view name);

}  // namespace praetor::agent
