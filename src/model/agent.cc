#include "model/agent.h"

namespace praetor::model {

PRAETOR_DESCRIBE(Coord, "Coordinate", field("Vec", &Coord::vec), field("Error", &Coord::error),
                 field("Adjustment", &Coord::adjustment), field("Height", &Coord::height))

PRAETOR_DESCRIBE(Coordinate, "Coordinate", field("Node", &Coordinate::node),
                 field("Segment", &Coordinate::segment), field("Coord", &Coordinate::coord))

PRAETOR_DESCRIBE(CoordinateUpdateRequest, "CoordinateUpdateRequest",
                 field("Datacenter", &CoordinateUpdateRequest::datacenter),
                 field("Node", &CoordinateUpdateRequest::node),
                 field("Segment", &CoordinateUpdateRequest::segment),
                 field("Coord", &CoordinateUpdateRequest::coord), embedded(&CoordinateUpdateRequest::write))

PRAETOR_DESCRIBE(IndexedCoordinates, "IndexedCoordinates",
                 field("Coordinates", &IndexedCoordinates::coordinates), embedded(&IndexedCoordinates::meta))

PRAETOR_DESCRIBE(UserEvent, "UserEvent", field("ID", &UserEvent::id), field("Name", &UserEvent::name),
                 field("Payload", &UserEvent::payload), field("NodeFilter", &UserEvent::node_filter),
                 field("ServiceFilter", &UserEvent::service_filter),
                 field("TagFilter", &UserEvent::tag_filter), field("Version", &UserEvent::version),
                 field("LTime", &UserEvent::ltime))

PRAETOR_DESCRIBE(EventFireRequest, "EventFireRequest", field("Datacenter", &EventFireRequest::datacenter),
                 field("Name", &EventFireRequest::name), field("Payload", &EventFireRequest::payload),
                 embedded(&EventFireRequest::options))

PRAETOR_DESCRIBE(EventFireResponse, "EventFireResponse", embedded(&EventFireResponse::meta))

PRAETOR_DESCRIBE(RaftServer, "RaftServer", field("ID", &RaftServer::id), field("Node", &RaftServer::node),
                 field("Address", &RaftServer::address), field("Leader", &RaftServer::leader),
                 field("ProtocolVersion", &RaftServer::protocol_version), field("Voter", &RaftServer::voter))

PRAETOR_DESCRIBE(RaftConfigurationResponse, "RaftConfigurationResponse",
                 field("Servers", &RaftConfigurationResponse::servers),
                 field("Index", &RaftConfigurationResponse::index))

PRAETOR_DESCRIBE(RaftRemovePeerRequest, "RaftRemovePeerRequest",
                 field("Datacenter", &RaftRemovePeerRequest::datacenter),
                 field("Address", &RaftRemovePeerRequest::address), field("ID", &RaftRemovePeerRequest::id),
                 embedded(&RaftRemovePeerRequest::write))

}  // namespace praetor::model
