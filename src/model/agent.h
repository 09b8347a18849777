// Coordinates, user events and raft configuration as the API shows them.
#pragma once

#include <cstdint>
#include <string>

#include "model/common.h"

namespace praetor::model {

// A Vivaldi network coordinate, in seconds (wire.md 3.5).
struct Coord {
  List<double> vec;
  double error = 0;
  double adjustment = 0;
  double height = 0;
};
PRAETOR_DESCRIBED(Coord)

struct Coordinate {
  std::string node;
  std::string segment;
  Box<Coord> coord;
};
PRAETOR_DESCRIBED(Coordinate)

struct CoordinateUpdateRequest {
  std::string datacenter;
  std::string node;
  std::string segment;
  Box<Coord> coord;
  WriteRequest write;
};
PRAETOR_DESCRIBED(CoordinateUpdateRequest)

struct IndexedCoordinates {
  List<Coordinate> coordinates;
  QueryMeta meta;
};
PRAETOR_DESCRIBED(IndexedCoordinates)

struct UserEvent {
  std::string id;
  std::string name;
  Bytes payload;
  std::string node_filter;
  std::string service_filter;
  std::string tag_filter;
  int64_t version = 1;
  uint64_t ltime = 0;  // Lamport time
};
PRAETOR_DESCRIBED(UserEvent)

// Internal.EventFire: `payload` is a UserEvent as gossip carries it.
struct EventFireRequest {
  std::string datacenter;
  std::string name;
  Bytes payload;
  QueryOptions options;
};
PRAETOR_DESCRIBED(EventFireRequest)

struct EventFireResponse {
  QueryMeta meta;
};
PRAETOR_DESCRIBED(EventFireResponse)

struct RaftServer {
  std::string id;
  std::string node;
  std::string address;
  bool leader = false;
  std::string protocol_version;
  bool voter = false;
};
PRAETOR_DESCRIBED(RaftServer)

struct RaftConfigurationResponse {
  List<RaftServer> servers;
  uint64_t index = 0;
};
PRAETOR_DESCRIBED(RaftConfigurationResponse)

// By id or by address, whichever is not empty.
struct RaftRemovePeerRequest {
  std::string datacenter;
  std::string address;
  std::string id;
  WriteRequest write;
};
PRAETOR_DESCRIBED(RaftRemovePeerRequest)

}  // namespace praetor::model
