#include "server/datacenters.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "gossip/coordinate.h"
#include "server/server.h"

namespace praetor::server {
namespace {

Duration distance_to(const WanServer& server, const WanView& wan) {
  if (!server.coordinate || server.coordinate->vec.size() != wan.own.vec.size()) return Duration::max();
  return gossip::distance(wan.own, *server.coordinate);
}

codec::List<model::DatacenterMap> maps_of(WanView wan) {
  std::map<std::string, model::DatacenterMap> found;
  for (WanServer& server : wan.servers) {
    if (!server.coordinate) continue;
    model::DatacenterMap& one = found[server.datacenter];
    one.datacenter = server.datacenter;
    one.coordinates.push_back({std::move(server.node), "", std::move(*server.coordinate)});
  }
  codec::List<model::DatacenterMap> list;
  for (auto& [name, one] : found) list.push_back(std::move(one));
  return list;
}

}  // namespace

codec::List<std::string> datacenters_by_distance(const std::string& own, const WanView& wan) {
  std::map<std::string, std::vector<Duration>> distances;
  for (const WanServer& server : wan.servers)
    distances[server.datacenter].push_back(distance_to(server, wan));
  distances[own] = {Duration::zero()};
  std::vector<std::pair<Duration, std::string>> sorted;
  for (auto& [name, each] : distances) {
    auto middle = each.begin() + static_cast<std::ptrdiff_t>(each.size() / 2);
    std::nth_element(each.begin(), middle, each.end());
    sorted.emplace_back(*middle, name);
  }
  std::sort(sorted.begin(), sorted.end());
  codec::List<std::string> names;
  for (auto& [distance, name] : sorted) names.push_back(std::move(name));
  return names;
}

void list_datacenter_coordinates(Server& server, Reactor& reactor, Nothing,
                                 std::function<void(Result<codec::List<model::DatacenterMap>>)> done) {
  const Cluster& cluster = server.options().cluster;
  if (!cluster.wan) return done(maps_of({}));
  cluster.wan(reactor, [done = std::move(done)](WanView wan) { done(maps_of(std::move(wan))); });
}

}  // namespace praetor::server
