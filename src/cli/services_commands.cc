// services register, services deregister.
#include "base/text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/service_files.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

using codec::Value;
using codec::ValueList;
using codec::ValueMap;

// Go's net.SplitHostPort and strconv.Atoi, with their texts.
Result<Value> parse_tagged_address(const std::string& text) {
  size_t colon = text.rfind(':');
  std::string reason;
  if (colon == std::string::npos) {
    reason = "missing port in address";
  } else if (!text.starts_with('[') && text.find(':') != colon) {
    reason = "too many colons in address";
  }
  if (!reason.empty()) return fail("Invalid Tagged Address: address " + text + ": " + reason);
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::string port_text = text.substr(colon + 1);
  auto port = parse_int(port_text);
  if (!port) {
    return fail("Invalid Tagged Address: strconv.Atoi: parsing " + go_quote(port_text) + ": invalid syntax");
  }
  ValueMap address;
  address["Address"] = host;
  address["Port"] = *port;
  return Value(std::move(address));
}

class Register : public FlagCommand {
 public:
  Register()
      : FlagCommand(R"(
Usage: praetor services register [options] [FILE...]

  Registers services at the local agent: those that configuration files define
  (HCL or JSON), or one that options describe. They stay until they are
  deregistered, with "praetor services deregister" for example.

      $ praetor services register web.json
      $ praetor services register -name=web -port=8080 -tag=v2
)",
                    HttpFlagSet::kClientAndServer) {
    flags_.add_string("address", &address_, "Address of the service.");
    flags_.add_string("id", &id_, "ID of the service; its name if not given.");
    flags_.add_string("kind", &kind_, "Kind of the service");
    flags_.add_map("meta", &meta_, "Metadata as key=value. May be given several times.");
    flags_.add_string("name", &name_, "Name of the service.");
    add_namespace_flag(flags_, &namespace_);
    flags_.add_int("port", &port_, "Port of the service.");
    flags_.add_list("tag", &tags_, "Tag of the service. May be given several times.");
    flags_.add_map("tagged-address", &tagged_addresses_,
                   "Named address as name=address:port. May be given several times.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.empty() && name_.empty()) {
      ui.error("Service registration requires at least one argument or flags.");
      return 1;
    }
    if (!args.empty() && !name_.empty()) {
      ui.error("Service registration requires arguments or -id, not both.");
      return 1;
    }
    auto services = args.empty() ? from_flags() : load_service_files(args, ui);
    if (!services) {
      ui.error((args.empty() ? "" : "Error: ") + services.error().message);
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    for (const ServiceFile& service : *services) {
      Params params;
      if (namespace_) params.emplace("ns", *namespace_);
      if (auto response = api->put("/v1/agent/service/register", std::move(params), service.document + "\n");
          !response) {
        ui.error("Error registering service " + go_quote(service.name) + ": " + response.error().message);
        return 1;
      }
      ui.print("Registered service: " + service.name);
    }
    return 0;
  }

  // One service in the agent API's JSON.
  Result<std::vector<ServiceFile>> from_flags() const {
    ValueMap service;
    if (!kind_.empty()) service["Kind"] = kind_;
    if (!id_.empty()) service["ID"] = id_;
    service["Name"] = name_;
    if (!tags_.empty()) {
      ValueList tags;
      for (const std::string& tag : tags_) tags.emplace_back(tag);
      service["Tags"] = Value(std::move(tags));
    }
    if (port_ != 0) service["Port"] = port_;
    if (!address_.empty()) service["Address"] = address_;
    if (!meta_.empty()) {
      ValueMap meta;
      for (const auto& [key, value] : meta_) meta[key] = value;
      service["Meta"] = Value(std::move(meta));
    }
    if (!tagged_addresses_.empty()) {
      ValueMap addresses;
      for (const auto& [name, text] : tagged_addresses_) {
        TRY_ASSIGN(Value address, parse_tagged_address(text));
        addresses[name] = std::move(address);
      }
      service["TaggedAddresses"] = Value(std::move(addresses));
    }
    return std::vector<ServiceFile>{{name_, id_, codec::to_json(Value(std::move(service)))}};
  }

  std::string address_, id_, kind_, name_;
  std::map<std::string, std::string> meta_, tagged_addresses_;
  int64_t port_ = 0;
  std::vector<std::string> tags_;
  std::optional<std::string> namespace_;
};

class Deregister : public FlagCommand {
 public:
  Deregister()
      : FlagCommand(R"(
Usage: praetor services deregister [options] [FILE...]

  Deregisters services from the agent where they are registered: those that
  configuration files define, or one by its ID.

      $ praetor services deregister web.json
      $ praetor services deregister -id=web
)",
                    HttpFlagSet::kClientAndServer) {
    flags_.add_string("id", &id_, "ID of the service. Not together with files.");
    add_namespace_flag(flags_, &namespace_);
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.empty() && id_.empty()) {
      ui.error("Service deregistration requires at least one argument or -id.");
      return 1;
    }
    if (!args.empty() && !id_.empty()) {
      ui.error("Service deregistration requires arguments or -id, not both.");
      return 1;
    }
    std::vector<ServiceFile> wanted = {{"", id_, ""}};
    if (!args.empty()) {
      auto services = load_service_files(args, ui);
      if (!services) {
        ui.error("Error: " + services.error().message);
        return 1;
      }
      wanted = std::move(*services);
    }
    auto api = open_api(ui);
    if (!api) return 1;
    for (const ServiceFile& service : wanted) {
      const std::string& id = service.id.empty() ? service.name : service.id;
      if (id.empty()) continue;  // a definition that names nothing
      Params params;
      if (namespace_) params.emplace("ns", *namespace_);
      if (auto response = api->put("/v1/agent/service/deregister/" + id, std::move(params)); !response) {
        ui.error("Error registering service " + go_quote(service.name) + ": " + response.error().message);
        return 1;
      }
      ui.print("Deregistered service: " + id);
    }
    return 0;
  }

  std::string id_;
  std::optional<std::string> namespace_;
};

}  // namespace

CommandPtr make_services_register() { return std::make_unique<Register>(); }
CommandPtr make_services_deregister() { return std::make_unique<Deregister>(); }

}  // namespace praetor::cli
