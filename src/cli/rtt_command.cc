#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "cli/api_types.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "codec/json.h"

namespace praetor::cli {

namespace {

constexpr double kMillisecondsPerSecond = 1000;

// Vivaldi: distance of the points plus both heights, plus the adjustments if that stays positive.
double distance_seconds(const CoordVector& a, const CoordVector& b) {
  double sum = 0;
  for (size_t i = 0; i < std::min(a.vec.size(), b.vec.size()); ++i) {
    sum += (a.vec[i] - b.vec[i]) * (a.vec[i] - b.vec[i]);
  }
  double plain = std::sqrt(sum) + a.height + b.height;
  double adjusted = plain + a.adjustment + b.adjustment;
  return adjusted > 0 ? adjusted : plain;
}

class Rtt : public FlagCommand {
 public:
  Rtt()
      : FlagCommand(R"(
Usage: praetor rtt [options] node1 [node2]

  Estimates the round trip time between two nodes from their network
  coordinates. The nodes are named as "praetor members" shows them; the second
  one is the agent's own node if it is not given.

  Nodes are of the local datacenter and LAN coordinates are used, unless -wan is
  given: then nodes are servers, named with their datacenter ("server1.dc1").
)",
                    HttpFlagSet::kClient) {
    flags_.add_bool("wan", &wan_, "Use the WAN coordinates of servers.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.empty() || args.size() > 2) {
      ui.error("One or two node names must be specified");
      ui.error("");
      ui.error(help(ui));
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    auto nodes = node_names(args, *api);
    auto points = nodes ? find_points(*nodes, *api) : Result<Points>(std::unexpected(nodes.error()));
    if (!points) {
      ui.error(points.error().message);
      return 1;
    }
    // Consul cuts to whole nanoseconds before it prints.
    double nanoseconds = std::trunc(distance_seconds((*points)[0], (*points)[1]) * 1e9);
    ui.print(fmt::format("Estimated {} <-> {} rtt: {:.3f} ms (using {} coordinates)", (*nodes)[0],
                         (*nodes)[1], nanoseconds / 1e9 * kMillisecondsPerSecond, wan_ ? "WAN" : "LAN"));
    return 0;
  }

  using Points = std::vector<CoordVector>;

  Result<std::vector<std::string>> node_names(std::vector<std::string> names, Api& api) const {
    if (wan_) {
      for (const std::string& name : names) {
        if (split(name, '.').size() != 2) {
          return fail("Node names must be specified as <node name>.<datacenter> with -wan");
        }
      }
    }
    if (names.size() == 2) return names;
    auto response = api.get("/v1/agent/self");
    auto self = response ? codec::from_json<SelfAnswer>(response->body)
                         : Result<SelfAnswer>(std::unexpected(response.error()));
    if (!self) return fail("Unable to look up agent info: " + self.error().message);
    names.push_back(self->config.node_name + (wan_ ? "." + self->config.datacenter : ""));
    return names;
  }

  Result<Points> find_points(const std::vector<std::string>& names, Api& api) const {
    auto response = api.get(wan_ ? "/v1/coordinate/datacenters" : "/v1/coordinate/nodes");
    if (!response) return fail("Error getting coordinates: " + response.error().message);
    List<CoordinateDatacenter> datacenters;
    if (wan_) {
      TRY_ASSIGN(datacenters, codec::from_json<List<CoordinateDatacenter>>(response->body));
    } else {
      datacenters.resize(1);
      TRY_ASSIGN(datacenters[0].coordinates, codec::from_json<List<CoordinateEntry>>(response->body));
    }
    Points points;
    for (const std::string& name : names) {
      const CoordVector* found = find_point(datacenters, name);
      // Consul names the first of two servers, whichever is missing.
      const std::string& named = wan_ ? names.front() : name;
      if (found == nullptr) return fail("Could not find a coordinate for node \"" + named + "\"");
      points.push_back(*found);
    }
    return points;
  }

  const CoordVector* find_point(const List<CoordinateDatacenter>& datacenters,
                                const std::string& name) const {
    for (const CoordinateDatacenter& datacenter : datacenters) {
      for (const CoordinateEntry& entry : datacenter.coordinates) {
        if (!entry.coord) continue;
        if ((wan_ ? entry.node + "." + datacenter.datacenter : entry.node) == name) return entry.coord.get();
      }
    }
    return nullptr;
  }

  bool wan_ = false;
};

}  // namespace

CommandPtr make_rtt() { return std::make_unique<Rtt>(); }

}  // namespace praetor::cli
