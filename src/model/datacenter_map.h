// What Coordinate.ListDatacenters tells of one datacenter.
#pragma once

#include <string>

#include "model/agent.h"

namespace praetor::model {

// Where the servers of a datacenter stand in the WAN pool; their names without the datacenter.
struct DatacenterMap {
  std::string datacenter;
  std::string area = "wan";
  List<Coordinate> coordinates;
};
PRAETOR_DESCRIBED(DatacenterMap)

}  // namespace praetor::model
