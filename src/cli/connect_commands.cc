// connect ca get-config, connect ca set-config, connect expose.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/config_entry.h"
#include "cli/intention.h"
#include "codec/json.h"

namespace praetor::cli {

// The certificate authority's configuration as the API shows it.
struct AuthorityConfig {
  std::string provider;
  codec::Map<codec::Value> config;
  codec::Map<std::string> state;
  uint64_t create_index = 0, modify_index = 0;
};
PRAETOR_DESCRIBED(AuthorityConfig)
PRAETOR_DESCRIBE(AuthorityConfig, "CAConfig",                           //
                 field("Provider", &AuthorityConfig::provider),         //
                 field("Config", &AuthorityConfig::config),             //
                 field("State", &AuthorityConfig::state),               //
                 field("CreateIndex", &AuthorityConfig::create_index),  //
                 field("ModifyIndex", &AuthorityConfig::modify_index))

namespace {

constexpr std::string_view kAuthorityPath = "/v1/connect/ca/configuration";

int refuse(const std::string& message, Ui& ui) {
  ui.error(message);
  return 1;
}

class GetConfig final : public FlagCommand {
 public:
  GetConfig()
      : FlagCommand(R"(
Usage: praetor connect ca get-config [options]

  Shows the configuration of the certificate authority as JSON.
)",
                    HttpFlagSet::kClientAndServer) {
    tell_flag_failure(kFailedToParseArgs);
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    auto api = open_api(ui);
    if (!api) return 1;
    auto response = api->get(kAuthorityPath);
    auto config = response ? codec::from_json<AuthorityConfig>(response->body)
                           : Result<AuthorityConfig>(std::unexpected(response.error()));
    if (!config) return refuse("Error querying CA configuration: " + config.error().message, ui);
    ui.print(codec::indent_json(codec::to_json(*config), "", "\t"));
    return 0;
  }
};

class SetConfig final : public FlagCommand {
 public:
  SetConfig()
      : FlagCommand(R"(
Usage: praetor connect ca set-config [options]

  Changes the configuration of the certificate authority, its provider included.

      $ praetor connect ca set-config -config-file ca.json
)",
                    HttpFlagSet::kClientAndServer) {
    tell_flag_failure(kFailedToParseArgs);
    flags_.add_value("config-file", &file_, "File with the configuration in JSON.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (!file_ || file_->empty()) return refuse("The -config-file flag is required", ui);
    auto text = read_file(*file_);
    if (!text) return refuse("Error reading config file: " + text.error().message, ui);
    auto document = codec::parse_json_value(*text);
    if (!document) return refuse("Error parsing config file: " + document.error().message, ui);
    auto api = open_api(ui);
    if (!api) return 1;
    if (auto done = api->put(kAuthorityPath, {}, *text); !done)
      return refuse("Error setting CA configuration: " + done.error().message, ui);
    ui.print("Configuration updated!");
    return 0;
  }

  std::optional<std::string> file_;
};

class Expose final : public FlagCommand {
 public:
  Expose()
      : FlagCommand(R"(
Usage: praetor connect expose [options]

  Makes a service reachable through an ingress gateway: a listener in the
  gateway's config entry, and an intention from the gateway to the service.

      $ praetor connect expose -service=web -ingress-gateway=ingress -port=8080
)",
                    HttpFlagSet::kClientAndServer) {
    tell_flag_failure(kFailedToParseArgs);
    flags_.add_list("host", &hosts_,
                    "Host name under which the service is asked for. May be given several times.");
    flags_.add_string("ingress-gateway", &gateway_, "Service name of the ingress gateway. Needed.");
    flags_.add_int("port", &port_, "Port of the gateway's listener. Needed.");
    flags_.add_string("protocol", &protocol_,
                      "Protocol of the listener: tcp, the default, or http, http2, grpc.");
    flags_.add_string("service", &service_, "Name of the service. Needed.");
  }

 private:
  int execute(const std::vector<std::string>&, Ui& ui) override {
    if (service_.empty()) return refuse("A service name must be given via the -service flag.", ui);
    auto service = parse_service_target(service_);
    if (!service) return refuse("Invalid service name: " + service.error().message, ui);
    if (gateway_.empty())
      return refuse("An ingress gateway service must be given via the -ingress-gateway flag.", ui);
    auto gateway = parse_service_target(gateway_);
    if (!gateway) return refuse("Invalid ingress gateway name: " + gateway.error().message, ui);
    if (port_ == 0) return refuse("A port must be provided via the -port flag.", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto entry = gateway_entry(*api, *gateway);
    if (!entry)
      return refuse("Error fetching existing ingress gateway configuration: " + entry.error().message, ui);
    if (Status added = add_service(*entry, *service, ui); !added) return refuse(added.error().message, ui);
    auto written =
        api->put("/v1/config", {{"cas", std::to_string(entry->modify_index)}}, codec::to_json(*entry));
    if (!written) return refuse("Error writing ingress config entry: " + written.error().message, ui);
    if (!contains(written->body, "true"))
      return refuse("Ingress config entry was changed while attempting to update, please try again.", ui);
    ui.print("Successfully updated config entry for ingress service " + go_quote(gateway->second));
    return allow(*api, *gateway, *service, ui);
  }

  using Target = std::pair<std::string, std::string>;

  // The gateway's entry as it is, or a new one.
  Result<IngressGateway> gateway_entry(Api& api, const Target& gateway) const {
    Params params;
    if (!gateway.first.empty()) params.emplace("ns", gateway.first);
    TRY_ASSIGN(HttpResponse response,
               api.request("GET", "/v1/config/ingress-gateway/" + gateway.second, std::move(params)));
    if (response.status == 404) {
      IngressGateway entry;
      entry.kind = "ingress-gateway";
      entry.name = gateway.second;
      entry.ns = gateway.first;
      return entry;
    }
    TRY(require_ok(response));
    return codec::from_json<IngressGateway>(response.body);
  }

  Status add_service(IngressGateway& entry, const Target& target, Ui& ui) const {
    IngressService service;
    service.name = target.second;
    service.ns = target.first;
    for (const std::string& host : hosts_) service.hosts.push_back(host);
    auto listener = std::ranges::find(entry.listeners, port_, &IngressListener::port);
    if (listener == entry.listeners.end()) {
      IngressListener made;
      made.port = port_;
      made.protocol = protocol_;
      made.services.push_back(std::move(service));
      entry.listeners.push_back(std::move(made));
      return {};
    }
    if (listener->protocol != protocol_) {
      return fail(fmt::format("Listener on port {} already configured with conflicting protocol {}", port_,
                              go_quote(listener->protocol)));
    }
    auto same = std::ranges::find_if(listener->services, [&](const IngressService& each) {
      return each.name == service.name && each.ns == service.ns;
    });
    if (same == listener->services.end()) {
      listener->services.push_back(std::move(service));
      return {};
    }
    ui.print(fmt::format("Updating service definition for {} on listener with port {}", go_quote(service_),
                         port_));
    same->hosts = std::move(service.hosts);
    return {};
  }

  int allow(Api& api, const Target& gateway, const Target& service, Ui& ui) const {
    std::string names = go_quote(gateway_) + " -> " + go_quote(service_);
    auto old = find_intention(api, gateway_, service_);
    if (!old) return refuse("Error looking for existing intention: " + old.error().message, ui);
    if (*old && (*old)->action == "allow") {
      ui.print("Intention already exists for " + names);
      return 0;
    }
    Intention one;
    if (*old) one.id = (*old)->id;
    one.source_ns = gateway.first;
    one.source_name = gateway.second;
    one.destination_ns = service.first;
    one.destination_name = service.second;
    one.source_type = "consul";
    one.action = "allow";
    Status done;
    if (*old) {
      auto changed = api.put("/v1/connect/intentions/" + one.id, {}, codec::to_json(one));
      if (!changed) done = std::unexpected(changed.error());
    } else {
      done = create_intention(api, one);
    }
    if (!done) return refuse("Error creating intention: " + done.error().message, ui);
    ui.print("Successfully set up intention for " + names);
    return 0;
  }

  std::vector<std::string> hosts_;
  std::string gateway_, service_;
  std::string protocol_ = "tcp";
  int64_t port_ = 0;
};

}  // namespace

CommandPtr make_connect_ca_get_config() { return std::make_unique<GetConfig>(); }
CommandPtr make_connect_ca_set_config() { return std::make_unique<SetConfig>(); }
CommandPtr make_connect_expose() { return std::make_unique<Expose>(); }

}  // namespace praetor::cli
