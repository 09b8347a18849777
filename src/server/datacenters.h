// What a server knows of the other datacenters: the servers of its WAN pool, and how far away they are.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/reactor.h"
#include "base/result.h"
#include "codec/containers.h"
#include "model/datacenter_map.h"
#include "server/method.h"

namespace praetor::server {

struct WanServer {
  std::string node, datacenter;            // without the datacenter in the node's name
  std::optional<model::Coord> coordinate;  // as far as it has been measured
};
// A moment of the WAN pool. Those that failed count as the others do: they are expected back.
struct WanView {
  model::Coord own;                // this server's coordinate
  std::vector<WanServer> servers;  // that have not left, by node's name; none without such a pool
};

// By the median of the estimated round trips to the servers, the nearest first; a server whose coordinate is
// unknown counts as infinitely far, equals stand by name. The own datacenter is always there, and 0 away.
codec::List<std::string> datacenters_by_distance(const std::string& own, const WanView& wan);

// Coordinate.ListDatacenters: by datacenter, the servers whose coordinates are known.
void list_datacenter_coordinates(Server& server, Reactor& reactor, Nothing request,
                                 std::function<void(Result<codec::List<model::DatacenterMap>>)> done);
inline constexpr CallMethod<Nothing, codec::List<model::DatacenterMap>> kCoordinateListDatacenters{
    "Coordinate.ListDatacenters", list_datacenter_coordinates, Place::kAnyServer};

}  // namespace praetor::server
