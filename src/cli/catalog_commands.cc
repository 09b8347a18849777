// catalog datacenters, nodes, services.
#include <algorithm>

#include "base/text.h"
#include "cli/api_types.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

constexpr size_t kShortIdLength = 8;
constexpr size_t kTagsGap = 6;

int no_arguments(const std::vector<std::string>& args, Ui& ui) {
  if (args.empty()) return 0;
  ui.error(too_many(0, args.size()));
  return 1;
}

template <typename T>
Result<T> get_json(Api& api, const std::string& path, Params params) {
  TRY_ASSIGN(HttpResponse response, api.get(path, std::move(params)));
  return codec::from_json<T>(response.body);
}

class Datacenters : public FlagCommand {
 public:
  Datacenters()
      : FlagCommand(R"(
Usage: praetor catalog datacenters [options]

  Lists the known datacenters, nearest first by the estimated median round trip
  time from the servers of the asked datacenter.
)",
                    HttpFlagSet::kClientAndServer) {}

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (no_arguments(args, ui) != 0) return 1;
    auto api = open_api(ui);
    if (!api) return 1;
    auto names = get_json<List<std::string>>(*api, "/v1/catalog/datacenters", {});
    if (!names) {
      ui.error("Error listing datacenters: " + names.error().message);
      return 1;
    }
    for (const std::string& name : *names) ui.print(name);
    return 0;
  }
};

std::string pairs_text(const Map<std::string>& map) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : map) pairs.push_back(key + "=" + value);
  return join(pairs, ", ");
}

class Nodes : public FlagCommand {
 public:
  Nodes()
      : FlagCommand(R"(
Usage: praetor catalog nodes [options]

  Lists the nodes of a datacenter, by default of the agent's own:

      $ praetor catalog nodes

  Only those that run a service, that carry metadata, or sorted by nearness:

      $ praetor catalog nodes -service=web
      $ praetor catalog nodes -node-meta=rack=b7
      $ praetor catalog nodes -near=_agent

  Full ids, tagged addresses and metadata:

      $ praetor catalog nodes -detailed
)",
                    HttpFlagSet::kClientAndServer) {
    flags_.add_bool("detailed", &detailed_, "Print full ids, tagged addresses and metadata of the nodes.");
    flags_.add_string("filter", &filter_, "Filter expression that the listed nodes match");
    flags_.add_string("near", &near_,
                      "Name of a node: the nodes are sorted by their estimated round trip time from it. "
                      "\"_agent\" is the asked agent's node.");
    flags_.add_map("node-meta", &node_meta_,
                   "Metadata as `key=value` that the listed nodes carry. Several flags must all match.");
    flags_.add_string("service", &service_, "Service `id or name`: only nodes that provide it are listed.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (no_arguments(args, ui) != 0) return 1;
    auto api = open_api(ui);
    if (!api) return 1;
    auto nodes = query(*api);
    if (!nodes) {
      ui.error((service_.empty() ? "Error listing nodes: " : "Error listing nodes for service: ") +
               nodes.error().message);
      return 1;
    }
    if (nodes->empty()) {
      ui.error("No nodes match the given query - try expanding your search.");
      return 0;
    }
    std::vector<std::vector<std::string>> rows;
    rows.push_back({"Node", "ID", "Address", "DC"});
    if (detailed_) rows[0].insert(rows[0].end(), {"TaggedAddresses", "Meta"});
    for (const CatalogNode& node : *nodes) {
      rows.push_back({node.node, detailed_ ? node.id : node.id.substr(0, kShortIdLength), node.address,
                      node.datacenter});
      if (detailed_)
        rows.back().insert(rows.back().end(), {pairs_text(node.tagged_addresses), pairs_text(node.meta)});
    }
    ui.print(format_table(rows));
    return 0;
  }

  Result<List<CatalogNode>> query(Api& api) const {
    Params params;
    if (!filter_.empty()) params.emplace("filter", filter_);
    if (!near_.empty()) params.emplace("near", near_);
    for (const auto& [key, value] : node_meta_) params.emplace("node-meta", key + ":" + value);
    std::string path = service_.empty() ? "/v1/catalog/nodes" : "/v1/catalog/service/" + service_;
    TRY_ASSIGN(List<CatalogNode> nodes, get_json<List<CatalogNode>>(api, path, params));
    if (service_.empty()) return nodes;
    // One row a node, however many instances it runs.
    List<CatalogNode> unique;
    for (CatalogNode& node : nodes) {
      node.meta = node.node_meta;
      bool known =
          std::ranges::any_of(unique, [&](const CatalogNode& other) { return other.node == node.node; });
      if (!known) unique.push_back(std::move(node));
    }
    return unique;
  }

  bool detailed_ = false;
  std::string filter_;
  std::string near_;
  std::map<std::string, std::string> node_meta_;
  std::string service_;
};

class Services : public FlagCommand {
 public:
  Services()
      : FlagCommand(R"(
Usage: praetor catalog services [options]

  Lists the names of the services of a datacenter, by default the agent's own:

      $ praetor catalog services

  With their tags, only those of one node, only those on nodes with metadata:

      $ praetor catalog services -tags
      $ praetor catalog services -node=web-1
      $ praetor catalog services -node-meta=rack=b7
)",
                    HttpFlagSet::kClientAndServer) {
    add_namespace_flag(flags_, &namespace_);
    flags_.add_string("node", &node_, "Node `id or name` whose services are listed.");
    flags_.add_map("node-meta", &node_meta_,
                   "Metadata as `key=value`: only services on nodes that carry it are listed. Several flags "
                   "must all match.");
    flags_.add_bool("tags", &tags_, "Print the tags of each service beside its name, joined by commas.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (no_arguments(args, ui) != 0) return 1;
    auto api = open_api(ui);
    if (!api) return 1;
    auto services = query(*api);
    if (!services) {
      ui.error((node_.empty() ? "Error listing services: " : "Error listing services for node: ") +
               services.error().message);
      return 1;
    }
    if (services->empty()) {
      ui.error("No services match the given query - try expanding your search.");
      return 0;
    }
    std::vector<std::pair<std::string, std::string>> rows;
    for (auto& [name, tags] : *services) {
      std::ranges::sort(tags);
      rows.emplace_back(name, tags_ ? join(tags, ",") : "");
    }
    ui.print(tags_ ? format_pairs(rows, kTagsGap) : names_only(rows));
    return 0;
  }

  static std::string names_only(const std::vector<std::pair<std::string, std::string>>& rows) {
    std::vector<std::string> names;
    for (const auto& [name, tags] : rows) names.push_back(name);
    return join(names, "\n");
  }

  Result<Map<List<std::string>>> query(Api& api) const {
    Params params;
    if (namespace_) params.emplace("ns", *namespace_);
    for (const auto& [key, value] : node_meta_) params.emplace("node-meta", key + ":" + value);
    if (node_.empty()) return get_json<Map<List<std::string>>>(api, "/v1/catalog/services", params);
    TRY_ASSIGN(auto answer, get_json<Box<NodeServicesAnswer>>(api, "/v1/catalog/node/" + node_, params));
    Map<List<std::string>> services;
    if (!answer) return services;
    for (const auto& [id, service] : answer->services) {
      List<std::string>& tags = services[service.service];
      tags.insert(tags.end(), service.tags.begin(), service.tags.end());
    }
    return services;
  }

  std::optional<std::string> namespace_;
  std::string node_;
  std::map<std::string, std::string> node_meta_;
  bool tags_ = false;
};

}  // namespace

CommandPtr make_catalog_datacenters() { return std::make_unique<Datacenters>(); }
CommandPtr make_catalog_nodes() { return std::make_unique<Nodes>(); }
CommandPtr make_catalog_services() { return std::make_unique<Services>(); }

}  // namespace praetor::cli
