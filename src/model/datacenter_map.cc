#include "model/datacenter_map.h"

namespace praetor::model {

PRAETOR_DESCRIBE(DatacenterMap, "DatacenterMap", field("Datacenter", &DatacenterMap::datacenter),
                 field("AreaID", &DatacenterMap::area), field("Coordinates", &DatacenterMap::coordinates))

}  // namespace praetor::model
